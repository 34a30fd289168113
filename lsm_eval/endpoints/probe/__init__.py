"""The probe: finds out how a server behaves, by a few short requests, and caches the findings."""
