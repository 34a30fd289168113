"""Models that another engine computes in this process: each backend one class behind `models.base.Model`."""
