"""Point estimates with confidence intervals that account for clusters of samples."""
