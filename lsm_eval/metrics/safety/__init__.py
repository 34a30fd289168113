"""Safety: refusals, attacks, injections, toxic text."""
