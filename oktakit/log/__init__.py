"""Events to the four tables of a `Log`, and the log at rest."""
