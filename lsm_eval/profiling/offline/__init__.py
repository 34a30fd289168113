"""Profiles of local models: batches of made-up prompts, cell by cell, in rounds."""
