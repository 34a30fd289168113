"""Detectors: each classifies a text as a finding, none, or *cannot tell*, and has cards with its measured accuracy."""
