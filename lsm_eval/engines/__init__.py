"""Models run by external engines in this process, each a class with the interface of `models.base.Model`."""
