"""Imports other harnesses' result files as records: every number is kept, and what they lack is marked as missing."""
