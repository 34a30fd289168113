"""The type of options that name a folder."""

from __future__ import annotations

from typing import Any

import click


class Folder(click.Path):
    """A path as `pathlib.Path`. An empty text is refused: it would silently mean the current folder."""

    def __init__(self, *, file_okay: bool = True) -> None:
        from pathlib import Path

        super().__init__(path_type=Path, file_okay=file_okay)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Converts a value for click."""
        if value == "":
            self.fail("it is empty; name a folder.", param, ctx)
        try:
            return super().convert(value, param, ctx)
        except (OSError, ValueError) as error:
            self.fail(f"{error}.", param, ctx)
