"""Writes records in other tools' formats."""
