"""Counts a record again from its files, by code of its own: what its writer got wrong, this cannot get wrong alike."""
