"""How sure we are: intervals that respect what samples share."""
