"""What a generated answer says: which option it names, yes or no. One reader for all tasks."""
