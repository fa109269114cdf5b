"""Synthetic logs whose truth is known, for samples, training and tests."""
