"""What is kept of a run: the record's schema, its writer and its reader."""
