"""Named questions about exports and feedback, answered yes, no or unknown, with evidence."""
