"""Recounts a record from its files with independent code, so that an error in the writer is not repeated here."""
