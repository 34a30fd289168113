"""Robustness: any task asked again in another wording, and what that changes."""
