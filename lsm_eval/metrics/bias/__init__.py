"""Bias: how a model treats groups of people."""
