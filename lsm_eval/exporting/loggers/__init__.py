"""Numbers of a run for trackers of experiments, each a package that is asked for only where a user names it."""
