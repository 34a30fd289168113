"""What asking a server costs: prices, bounds, what was spent, and a limit that is never passed."""
