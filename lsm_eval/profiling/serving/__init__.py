"""Serving profiles: requests that arrive one by one at a server, or at a model in this process, and the arrival times of the answers' parts."""
