"""The interface in Chinese: a module here for each kind of page has the texts of its own (`WORDS`), and they are put together."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

WORDS: dict[str, str] = {}
for _module in sorted(module.name for module in iter_modules(__path__)):
    WORDS.update(import_module(f"{__name__}.{_module}").WORDS)
