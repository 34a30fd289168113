"""Robustness: any task run again with perturbed wording, and the effect on its numbers."""
