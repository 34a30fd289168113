"""The type of options that name a folder."""

from __future__ import annotations

from typing import Any

import click


class Folder(click.Path):
    """A path as `pathlib.Path`. An empty text is no path: it would mean the current folder, which nobody wrote."""

    def __init__(self, *, file_okay: bool = True) -> None:
        from pathlib import Path

        super().__init__(path_type=Path, file_okay=file_okay)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """As click wants it."""
        if value == "":
            self.fail("it is empty; name a folder.", param, ctx)
        try:
            return super().convert(value, param, ctx)
        except (OSError, ValueError) as error:
            self.fail(f"{error}.", param, ctx)
