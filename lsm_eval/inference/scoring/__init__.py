"""Likelihoods of given texts: the token tree, forked states, and plain padded batches as the reference."""
