"""Privacy: what a model gives away."""
