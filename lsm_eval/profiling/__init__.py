"""Profiles of models and servers: speed, its share of what the machine can do, memory and energy."""
