"""Profiles of local models: batches of synthetic prompts, cell by cell, in rounds."""
