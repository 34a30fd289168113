"""Log-probabilities of texts from servers: one module for each route, and the verification of their values."""
