"""`lsm-eval records`: lists a folder of records, and shows one of them."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lsm_eval.cli.folder import Folder
from lsm_eval.cli.records_check import check
from lsm_eval.cli.records_remove import remove
from lsm_eval.cli.records_samples import samples

if TYPE_CHECKING:
    from lsm_eval.results.reader import Record
    from lsm_eval.results.schema import EstimateRow, Manifest

_KEYS = ("record", "model", "run", "created", "tasks", "n", "kind", "left_out", "redacted", "broken")
"""Keys of a row of the list; a broken record has null for what is not known. `bytes` comes last."""


@click.group("records")
def records() -> None:
    """List, show, check and remove records, and look at their samples."""


records.add_command(check)
records.add_command(samples)
records.add_command(remove)


@records.command("list")
@click.argument("folder", type=Folder(), default=Path("reports"))
@click.option("--json", "as_json", is_flag=True, help="As a JSON list.")
def list_records(folder: Path, as_json: bool) -> None:
    """List the records below FOLDER (reports by default), newest first, broken ones last."""
    from lsm_eval.cli.table import print_table, size
    from lsm_eval.results.reader import find_records
    from lsm_eval.results.removal import folder_bytes

    found, broken = find_records(folder)
    rows = [_row(record) for record in reversed(found)]
    rows += [{**dict.fromkeys(_KEYS), "record": str(one.folder), "broken": one.why} for one in broken]
    for row in rows:
        row["bytes"] = folder_bytes(Path(row["record"]))
    if as_json:
        from lsm_eval.cli.as_json import print_json
        from lsm_eval.json_text import json_text

        print_json(json_text(rows))
        return
    if not rows:
        click.echo(f"lsm-eval: {folder} holds no record.", err=True)
        return
    table = [
        [_seen(row["record"]), _minute(row["created"]), _count(row["tasks"]), _count(row["n"]),
         size(row["bytes"]), _what(row)]
        for row in rows
    ]  # fmt: skip
    print_table(["record", "made (UTC)", "tasks", "n", "size", "model"], table, right=(2, 3, 4))


@records.command("show")
@click.argument("record", metavar="REC")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def show(record: str, as_json: bool) -> None:
    """Show the numbers of REC and how they were made.

    REC is the folder of a record; a folder above records of one model, of which the newest is taken; or git:REVISION:PATH.
    """
    from lsm_eval.comparison.find import find

    found = find(record)
    if as_json:
        from lsm_eval.cli.as_json import print_json
        from lsm_eval.cli.record_json import record_object
        from lsm_eval.json_text import json_text

        print_json(json_text(record_object(found)))
        return
    for name, text in _facts(found):
        click.echo(f"{name}: {_seen(text)}")
    if found.manifest.profile is not None:
        from lsm_eval.cli.profile_table import show as show_profile

        click.echo("")
        show_profile(found.manifest.profile, found.folder, as_json=False)
        return
    _show_tables(found)


def _show_tables(record: Record) -> None:
    from lsm_eval.cli.table import print_table
    from lsm_eval.results.summary import work_summary

    manifest = record.manifest
    tasks = [
        [_seen(task.task), _seen(task.request), _count(task.shots), _count(task.samples),
         _count(sum(task.failures.values())) if task.failures else "",
         ", ".join(f"{count:,} {_seen(why)}" for why, count in sorted(task.failures.items()))]
        for task in manifest.tasks
    ]  # fmt: skip
    click.echo("")
    print_table(["task", "request", "shots", "samples", "missing", "because"], tasks, right=(2, 3, 4))
    click.echo("")
    rows, last = [], ""
    for row in record.estimates:
        rows.append(_numbers(row, "" if row.task == last else row.task))
        last = row.task
    print_table(["task", "metric", "value", "95 % interval", "n", "missing"], rows, right=(2, 4, 5))
    click.echo("")
    for name, text in work_summary(manifest).items():
        click.echo(f"{name}: {_seen(text)}")
    for one in manifest.left_out:
        click.echo(f"left out: {_seen(f'{one.task}: {one.why}')}")
    for absent in manifest.absent:
        click.echo(f"without: {_seen(f'{absent.task}, {absent.metric}: {absent.why}')}")


def _facts(record: Record) -> list[tuple[str, str]]:
    """Facts about the run as a whole, from its manifest."""
    from lsm_eval.results.names import shown_name

    manifest = record.manifest
    model = manifest.model
    found = [("record", str(record.folder)), ("model", shown_name(model))]
    found.append(("weights", ", ".join(_weights(manifest))))
    found.append(("made", f"{manifest.created} by {_maker(manifest)}"))
    if manifest.command:
        found.append(("command", shlex.join(manifest.command)))
    if manifest.versions:
        found.append(("versions", ", ".join(f"{name} {value}" for name, value in manifest.versions.items())))
    if manifest.judge is not None:
        found.append(("judge", manifest.judge.model.name))
    if manifest.gate is not None:
        looks = f"{manifest.gate.look} of {manifest.gate.looks} looks"
        found.append(("gate", f"{manifest.gate.answer} ({manifest.gate.policy}, {looks})"))
    if manifest.redacted:
        found.append(("texts", "withheld, with their hashes in their place"))
    return found


def _weights(manifest: Manifest) -> list[str]:
    model = manifest.model
    parts = [f"fingerprint {model.fingerprint[:16]}"]
    if model.parameters is not None:
        parts.append(f"{model.parameters:,} parameters")
    parts += [text for text in (model.revision, model.dtype, model.device, model.licence) if text]
    return parts


def _maker(manifest: Manifest) -> str:
    if manifest.imported is not None:
        return f"{manifest.imported.tool} {manifest.imported.version or ''}".strip()
    return f"lsm-eval {manifest.versions.get('lsm-eval', '')}".strip()


def _numbers(row: EstimateRow, task: str) -> list[str]:
    from lsm_eval.cli.table import number

    interval = "-"
    if row.low is not None and row.high is not None:
        interval = f"{number(row.low, row.unit)} to {number(row.high, row.unit)}"
    return [
        _seen(task),
        _seen(row.metric),
        "-" if row.value is None else number(row.value, row.unit),
        interval,
        _count(row.n),
        _count(row.missing) if row.missing else "",
    ]


def _row(record: Record) -> dict[str, Any]:
    from lsm_eval.results.names import shown_name

    manifest = record.manifest
    profile = manifest.profile is not None
    counts = [task.samples for task in manifest.tasks]
    known = [count for count in counts if count is not None]
    values = (
        str(record.folder),
        shown_name(manifest.model),
        manifest.run,
        manifest.created,
        len(counts),
        sum(known) if len(known) == len(counts) and not profile else None,
        "profile" if profile else "run" if manifest.imported is None else "imported",
        len(manifest.left_out),
        manifest.redacted,
        None,
    )
    return dict(zip(_KEYS, values, strict=True))


def _what(row: dict[str, Any]) -> str:
    """The model, and notes on the record that a reader must know."""
    if row["broken"] is not None:
        return _seen(f"broken: {row['broken']}", 1_000)
    notes = [] if row["kind"] == "run" else [row["kind"]]
    if row["kind"] != "profile" and row["left_out"]:
        notes.append(f"{row['left_out']} left out")
    if row["redacted"]:
        notes.append("redacted")
    return _seen(row["model"]) + (f" ({', '.join(notes)})" if notes else "")


def _minute(created: str | None) -> str:
    return "" if created is None else _seen(created[:16].replace("T", " "))


def _count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _seen(text: str, limit: int = 2_000) -> str:
    from lsm_eval.comparison.shown.escape import visible

    return visible(text, limit)
