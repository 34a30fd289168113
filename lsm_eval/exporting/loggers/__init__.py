"""Logs numbers of a run to experiment trackers; a tracker's package is imported only if the user names it."""
