"""Tables to tables: what belongs together, how often, and what is worth a look."""
