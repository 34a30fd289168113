"""Compiles a task's templates, so that every error names file and key."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from lsm_eval.tasks.registry import LoadedTask
from lsm_eval.templates.render import Row, columns_read, compile_template, compile_text


class Templates:
    """Compiles the templates of one task."""

    def __init__(self, loaded: LoadedTask) -> None:
        self.loaded = loaded
        self.task = loaded.task
        self.file = str(loaded.path)

    def key(self, key: str) -> str:
        """File and key, for errors."""
        return f"{self.file}, {key}"

    def reads(self, key: str) -> Iterable[str]:
        """The columns that a key's template reads."""
        source = getattr(self.task, key, None)
        return sorted(columns_read(source, self.loaded.own)) if isinstance(source, str) else ()

    def text(self, key: str, source: str) -> Callable[[Row], str]:
        """Compiles a template for a text into a function of a row."""
        return compile_text(
            source,
            where=self.key(key),
            quiet=self.task.sensitive,
            columns=self.task.dataset.columns,
            own=self.loaded.own,
        )

    def value(self, key: str, source: str) -> Callable[[Row], Any]:
        """Compiles a template for any value into a function of a row."""
        return compile_template(
            source,
            where=self.key(key),
            quiet=self.task.sensitive,
            columns=self.task.dataset.columns,
            own=self.loaded.own,
        )
