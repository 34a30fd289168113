"""`lsm-eval profile --import`: another tool's measurement as a profile."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from lsm_eval.errors import UserError

if TYPE_CHECKING:
    from lsm_eval.profiling.importing.importing import Tool

_KEPT = frozenset({"imported", "name", "out", "as_json"})


def profile_import(tool: Tool, file: Path, options: dict[str, Any]) -> None:
    """Make the record, and show it. Raises `UserError`."""
    from lsm_eval.cli.profile_table import show
    from lsm_eval.comparison.shown.escape import visible
    from lsm_eval.profiling.importing.importing import import_profile
    from lsm_eval.results.reader import read_record

    _check_alone()
    record, profile = import_profile(file, tool, options["out"], name=options["name"])
    show(profile, record, as_json=options["as_json"])
    imported = read_record(record).manifest.imported
    if imported is not None:
        click.echo(visible(f"not in the file: {'; '.join(imported.lacking)}.", 1_500), err=True)


def _check_alone() -> None:
    """Raise `UserError` for options of a measurement, which have no meaning here."""
    context = click.get_current_context()
    for parameter in context.command.params:
        name = parameter.name or ""
        given = context.get_parameter_source(name) in (
            ParameterSource.COMMANDLINE,
            ParameterSource.ENVIRONMENT,
        )
        if given and name not in _KEPT:
            raise UserError(
                f"{parameter.opts[0]} has no meaning with --import, which measures nothing: leave it out."
            )
