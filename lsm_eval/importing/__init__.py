"""Other harnesses' result files become records of ours: every number kept, and what they lack said to be missing."""
