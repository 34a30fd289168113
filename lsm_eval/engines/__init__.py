"""Models that run in an engine of somebody else's, in this process: each one class behind `models.base.Model`."""
