"""`lsm-eval list`: tasks, suites, models, metrics, detectors, without importing anything heavy."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lsm_eval.cli.exits import EXIT_USER
from lsm_eval.cli.folder import Folder
from lsm_eval.cli.streams import escaped, one_line
from lsm_eval.cli.table import print_table
from lsm_eval.errors import UserError

if TYPE_CHECKING:
    from lsm_eval.tasks.files import TaskFile

_INCLUDE = click.option("--include", type=Folder(), multiple=True, metavar="DIR",
                        help="A folder of further task files.")  # fmt: skip
_JSON = click.option("--json", "as_json", is_flag=True, help="As a JSON list.")


@click.group("list")
def listing() -> None:
    """List tasks, suites, models, metrics, detectors and perturbations."""


@listing.command("tasks")
@click.option("--area", help="Only tasks of this area, such as accuracy or bias.")
@_INCLUDE
@_JSON
def tasks(area: str | None, include: tuple[Path, ...], as_json: bool) -> None:
    """Tasks that `run --tasks` takes."""
    from lsm_eval.tasks.listed import listed_tasks

    rows, broken = listed_tasks(include, area)
    _show(rows, as_json, ["task", "area", "title", "metrics"])
    _say(broken)


@listing.command("suites")
@_INCLUDE
@_JSON
def suites(include: tuple[Path, ...], as_json: bool) -> None:
    """Named lists of tasks."""
    from lsm_eval.tasks.listed import listed_suites

    rows, broken = listed_suites(include)
    if not as_json:
        rows = [{**row, "tasks": [_part(one) for one in row["tasks"]]} for row in rows]
    _show(rows, as_json, ["suite", "title", "tasks"])
    _say(broken)


@listing.command("models")
@_JSON
def models(as_json: bool) -> None:
    """Models that need no path, and how to name others."""
    from lsm_eval import plugins
    from lsm_eval.models.builtin import BUILTINS

    rows: list[dict[str, Any]] = [
        {"model": f"builtin:{name}", "title": entry.title, "licence": entry.licence,
         "download_mb": round(entry.download_bytes / 1e6) or None}
        for name, entry in BUILTINS.items()
    ]  # fmt: skip
    others = [
        ("hf:ORG/NAME[@REVISION]", "a model of the Hugging Face hub"),
        ("./FOLDER", "a local checkpoint in transformers' format, or a GGUF file that is converted to it"),
        ("llama.cpp:FILE.gguf", "a GGUF file, computed by llama.cpp"),
        ("onnx:FOLDER", "a decoder in ONNX, computed by ONNX Runtime"),
        *(
            (f"{entry.name}:…", f"backend of the package {entry.dist.name if entry.dist else '?'}")
            for entry in plugins.points("lsm_eval.models")
        ),
    ]
    rows += [
        {"model": model, "title": title, "licence": None, "download_mb": None} for model, title in others
    ]
    _show(rows, as_json, ["model", "title", "licence", "download_mb"])


@listing.command("metrics")
@_INCLUDE
@_JSON
def metrics(include: tuple[Path, ...], as_json: bool) -> None:
    """Metrics that a task file can name; with --include also those that the code of a folder has for the tasks in it."""
    from lsm_eval.folders.own_code import metrics_beside
    from lsm_eval.paths import is_folder
    from lsm_eval.scoring.registry import describe

    for folder in include:
        if not is_folder(folder):
            raise UserError(f"--include {folder}: no such folder; name a folder of task files (.yaml).")
    own, broken = metrics_beside(include)
    known = [*describe().items(), *own.items()]
    rows: list[dict[str, Any]] = [
        {"metric": name, "description": entry.description, "unit": entry.unit, "origin": entry.origin}
        for name, entry in sorted(known, key=lambda one: (one[0], one[1].origin != "built-in"))
    ]
    rows.append(
        {
            "metric": "evaluate:NAME",
            "description": "a module of the `evaluate` library",
            "unit": "other",
            "origin": "evaluate",
        }
    )
    _show(rows, as_json, ["metric", "description", "unit", *(["origin"] if own else [])])
    for error in broken.values():
        click.echo(one_line(f"lsm-eval: {error}"), err=True)
    if broken:
        sys.exit(EXIT_USER)


@listing.command("detectors")
@_JSON
def detectors(as_json: bool) -> None:
    """List what detects refusals, personal data … in answers, and how often it is right: one row per card."""
    from lsm_eval.detectors.listed import listed_detectors

    rows = listed_detectors()
    if not as_json:
        for row in rows:
            for rate in ("sensitivity", "specificity"):
                row[rate] = _with_interval(row[rate], row[f"{rate}_interval"])
    _show(rows, as_json, ["detector", "version", "kind", "sensitivity", "specificity", "data", "finds"])


@listing.command("perturbations")
@_JSON
def perturbations(as_json: bool) -> None:
    """List the wordings in which `run --perturb` asks a task once more."""
    from lsm_eval.robustness.perturbations import PERTURBATIONS

    changed = {"text": "texts of the question", "question": "the whole question", "options": "options shown"}
    rows = [
        {"perturbation": one.name, "changes": changed[one.kind], "how": one.description}
        for one in PERTURBATIONS.values()
    ]
    _show(rows, as_json, ["perturbation", "changes", "how"])


def _say(broken: Sequence[TaskFile]) -> None:
    """Name the files that are not listed, and exit with code 2 if there are any."""
    for file in broken:
        click.echo(one_line(f"lsm-eval: {file.name} is left out: {file.fault}"), err=True)
    if broken:
        sys.exit(EXIT_USER)


def _with_interval(share: float | None, interval: Sequence[float] | None) -> str:
    if share is None:
        return ""
    return f"{share:.3f} ({interval[0]:.3f}-{interval[1]:.3f})" if interval else f"{share:.3f} (no interval)"


def _show(rows: Sequence[Mapping[str, Any]], as_json: bool, columns: Sequence[str]) -> None:
    if as_json:
        from lsm_eval.cli.as_json import print_json
        from lsm_eval.json_text import json_text

        print_json(json_text(list(rows)))
        return
    print_table(columns, [[_cell(row[column]) for column in columns] for row in rows])


def _cell(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return escaped(", ".join(str(part) for part in value))
    return "" if value is None else escaped(str(value))


def _part(task: Any) -> str:
    """A task of a suite, and the part of it that the suite asks."""
    if not isinstance(task, dict):
        return str(task)
    each = f", {task['each']} each" if "each" in task else ""
    return f"{task.get('task')} ({task.get('limit')}{each})"
