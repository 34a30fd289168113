"""Detectors: from a text to a finding, none, or *could not tell*; each with a card of its measured quality."""
