"""Likelihoods of given texts: the token tree, forked states, and plain padded batches to hold them against."""
