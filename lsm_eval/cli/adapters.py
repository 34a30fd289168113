"""Several `--adapter` options: one row for the base model, and one for each adapter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import Any

import click

from lsm_eval.errors import UserError
from lsm_eval.runner.make_spec import checked_adapters


def check_adapters(
    context: click.Context, option: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    """The adapters, each once. Raises `UserError` for an empty name."""
    return checked_adapters(values)


def adapter_rows(
    adapters: Sequence[str], model: str, name: str | None
) -> list[tuple[tuple[str, ...], str | None]]:
    """The rows of a run: the adapter of each, first the base without one, and the model's name in the record (None for its own
    name, which includes the adapter's folder). There is only one row unless several adapters are given.

    A given name is the base's, with the adapters' names appended; folders with the same name are distinguished by their
    parent folders.
    """
    if len(adapters) < 2:
        return [(tuple(adapters), name)]
    if model.startswith("openai:"):  # before the base is asked, and paid for
        raise UserError(
            "--adapter has no meaning for a model behind an endpoint, which its server runs: leave it out, and name what the "
            "server calls each, in a run of its own."
        )
    labels = _labels(adapters)
    plain = name is None and all(
        label == PurePath(own).name for label, own in zip(labels, adapters, strict=True)
    )
    rows: list[tuple[tuple[str, ...], str | None]] = [((), name)]
    for own, label in zip(adapters, labels, strict=True):
        base = (name or model).removeprefix("builtin:")
        rows.append(((own,), None if plain else f"{base} + {label}"))
    return rows


def run_rows(rows: Sequence[tuple[str, Callable[[], Any]]], *, titles_to_err: bool = False) -> int:
    """Runs each row under its title, even if others fail, and returns the worst exit code."""
    from lsm_eval.cli import explain

    worst = 0
    for title, row in rows:
        click.echo(f"\n{title}", err=titles_to_err)
        try:
            row()
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else 1
            if code == 130:
                raise
            worst = max(worst, code)
        except Exception as error:  # noqa: BLE001 (each row ends as a command of its own would)
            try:
                explain(error)
            except SystemExit as left:
                worst = max(worst, left.code if isinstance(left.code, int) else 1)
    return worst


def _labels(adapters: Sequence[str]) -> list[str]:
    """The shortest ends of the adapters' paths that are unique."""
    parts = [PurePath(adapter).parts or (adapter,) for adapter in adapters]
    for size in range(1, max(map(len, parts)) + 1):
        labels = ["/".join(own[-size:]).lstrip("/") for own in parts]
        if len(set(labels)) == len(labels):
            return labels
    return list(adapters)
