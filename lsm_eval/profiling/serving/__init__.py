"""Serving profiles: requests that arrive one by one at a server, or at a model in this process, and when each part of an answer came."""
