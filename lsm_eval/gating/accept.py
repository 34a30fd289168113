"""A baseline that a team has accepted: one record in a folder, with a log of the reasons for it and its predecessors."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lsm_eval.comparison.record_problem import record_problem
from lsm_eval.comparison.shown.escape import visible
from lsm_eval.errors import UserError
from lsm_eval.results.names import shown_name
from lsm_eval.results.reader import Record, find_records
from lsm_eval.results.staging import staging_folder, unlock
from lsm_eval.secrets import without_secrets
from lsm_eval.well_formed import all_well_formed

ACCEPTED = "accepted.jsonl"
"""One JSON object on each line, the newest last: `run`, `model`, `fingerprint`, `replaced` (a run, or null), `why`, `accepted` (UTC)."""
_UNFINISHED = ".unfinished-"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The result of accepting a baseline."""

    folder: Path
    """The baseline's record."""
    replaced: str | None
    """The run that was the baseline before."""


def accept(record: Record, to: Path, why: str) -> Accepted:
    """Copy a record to the folder `to`, remove the previous one, and log the reason without secrets. Raises UserError for
    an empty reason, an inconsistent record, or a folder that holds records not accepted there, lies within the record or cannot be
    written."""
    reason = without_secrets(" ".join(why.split()))
    if not reason:
        raise UserError("--why is empty: say why this is the new baseline.")
    if Path(os.path.realpath(record.folder)) in Path(os.path.realpath(to)).parents:
        raise UserError(f"{to} lies inside the record {record.folder}: name a folder beside it with --to.")
    before = _before(to)
    if why_not := record_problem(record, f"record {visible(str(record.folder))}", record.tasks):
        raise UserError(f"{why_not[0].lower()}{why_not[1:]}")
    if any(_same(one, record) for one in before):
        raise UserError(f"{record.folder} is the baseline already: name the record that is to replace it.")
    place = to / record.manifest.run
    try:
        to.mkdir(parents=True, exist_ok=True)
        with staging_folder(to, _UNFINISHED) as made:
            shutil.copytree(record.folder, made, dirs_exist_ok=True)
            made.chmod(0o755)
            unlock(made)
            made.rename(place)
        with (to / ACCEPTED).open("a", encoding="utf-8", newline="\n") as file:
            file.write(_line(record, before, reason))
        for old in before:
            shutil.rmtree(old.folder)
    except shutil.Error as error:
        source, _, why_copy = error.args[0][0]
        raise UserError(
            f"{source} cannot be copied ({why_copy}): restore the record, or name another."
        ) from error
    except OSError as error:
        raise UserError(
            f"{error.filename or to} cannot be written ({error.strerror or error}): check its rights, or name another folder with --to."
        ) from error
    return Accepted(place, before[-1].manifest.run if before else None)


def _same(one: Record, other: Record) -> bool:
    ours, theirs = one.manifest, other.manifest
    return (ours.run, ours.model.fingerprint) == (theirs.run, theirs.model.fingerprint)


def _before(to: Path) -> list[Record]:
    """The baseline of a folder, in a list; empty if there is none."""
    if not to.is_dir():
        return []
    records, broken = find_records(to)
    if broken:
        raise UserError(broken[0].why)
    accepted = to / ACCEPTED
    if records and not accepted.is_file():
        raise UserError(
            f"{to} holds records that were not accepted there ({len(records)}): name a folder of the baseline's own with --to."
        )
    if any(one.folder.parent != to for one in records):
        raise UserError(
            f"{to} holds records in folders below: name a folder of the baseline's own with --to."
        )
    return records


def _line(record: Record, before: list[Record], why: str) -> str:
    content = {
        "run": record.manifest.run,
        "model": shown_name(record.manifest.model),
        "fingerprint": record.manifest.model.fingerprint,
        "replaced": before[-1].manifest.run if before else None,
        "why": why,
        "accepted": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return json.dumps(all_well_formed(content), ensure_ascii=False) + "\n"
