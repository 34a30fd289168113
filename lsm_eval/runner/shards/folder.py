"""The folder of a shard: what ran, its answers and its raw times."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lsm_eval.errors import UserError
from lsm_eval.request_json import dump_answer, load_answer
from lsm_eval.requests import Failure, FailureReason, Response
from lsm_eval.results.model_rows import ModelRow
from lsm_eval.results.record_files import first_problem
from lsm_eval.results.row import Row
from lsm_eval.results.schema import LeftOutRow
from lsm_eval.results.staging import abandoned, clear, staging_folder, unlock
from lsm_eval.results.writer import UNFINISHED

SCHEMA_VERSION = 1
MANIFEST = "shard.json"
ANSWERS = "answers.jsonl"
OPTIONS = "run.yaml"
"""The options of the run, as `run --save-config` writes them."""


class ShardTask(Row):
    """A task as the shard prepared it, as a whole."""

    task: str
    data: str
    """SHA-256 of its data."""
    examples: str | None
    """SHA-256 of the data of its examples, if they come from another split."""
    signatures: dict[str, str]
    """Of each metric, without what follows from the answers."""


class ShardPhase(Row):
    """How long requests of one kind took in this shard."""

    kind: str
    seconds: float
    """See `runner.execute.Tally`, as the others."""
    batches: list[tuple[float, int]]
    here: bool


class ShardTimes(Row):
    """The raw times that the model measured (`inference.times`)."""

    kind: str
    measured: str
    seconds: list[float]


class ShardManifest(Row):
    """What ran in a shard."""

    schema_version: int
    shard: int
    of: int
    created: str
    """UTC, ISO 8601."""
    command: list[str]
    """The command of the whole run, without `--shard`."""
    fingerprint: str
    stored_as: str
    """The model and everything that computed its answers (`runner.store_key`)."""
    computed_by: dict[str, str]
    """Versions of the packages that computed the answers, and the device's name."""
    stored: bool
    """Whether a response store was used."""
    plan: str
    """SHA-256 over the hashes of all requests of the whole run."""
    requests: int
    """Number of distinct requests of the whole run."""
    answers: int
    """Number of those in this shard's piece."""
    answers_sha256: str
    """Of the file of answers, whose lines begin with the hash of each request, in the order of the work."""
    options_sha256: str
    tasks: list[ShardTask]
    left_out: list[LeftOutRow]
    model: ModelRow
    versions: dict[str, str]
    hardware: dict[str, Any]
    seconds: dict[str, float]
    """Of each phase (`runner.work.PhaseTimer`)."""
    whole: float
    """Wall time until the last answer."""
    counts: dict[str, float]
    """What the model counted (`inference.ledger`)."""
    counted: bool
    machine: tuple[float | None, float | None]
    """See `profiling.matmul.Machine`."""
    peak: int | None
    device_peak: int | None
    phases: list[ShardPhase]
    times: list[ShardTimes]

    def __str__(self) -> str:
        return f"{self.shard}/{self.of}"


@dataclass(frozen=True, slots=True)
class Held:
    """An answer of a shard."""

    response: Response
    stored: bool
    """Whether it was in the store before."""


@dataclass(frozen=True, slots=True)
class ShardFolder:
    """A shard that was read."""

    place: Path
    manifest: ShardManifest
    options: str
    """Those of the run, as `run --config` reads them."""
    answers: dict[str, Held]
    """By the hash of the request (`request_json.store_key`)."""


def answer_lines(answers: Sequence[tuple[str, Held]]) -> str:
    """The content of the file of answers."""
    lines = []
    for key, held in answers:
        if isinstance(held.response, Failure):
            told = f'"failure": {json.dumps([held.response.reason, held.response.detail])}'
        else:
            told = f'"answer": {dump_answer(held.response)}'
        lines.append(f'{{"request": "{key}", "stored": {json.dumps(held.stored)}, {told}}}\n')
    return "".join(lines)


def digest(text: str) -> str:
    """SHA-256 (hex) of a file's text."""
    return hashlib.sha256(text.encode()).hexdigest()


def write_shard(out: Path, manifest: ShardManifest, answers: str, options: str) -> Path:
    """Write `<out>/shards/<plan>/<I>-of-<N>/`, completely or not at all, in place of an earlier try. Returns it."""
    parent = out / "shards" / manifest.plan[:12]
    place = parent / f"{manifest.shard}-of-{manifest.of}"
    parent.mkdir(parents=True, exist_ok=True)
    clear(abandoned(parent, UNFINISHED))
    with staging_folder(parent, UNFINISHED) as made:
        (made / ANSWERS).write_text(answers, encoding="utf-8")
        (made / OPTIONS).write_text(options, encoding="utf-8")
        (made / MANIFEST).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
        made.chmod(0o755)
        unlock(made)
        if place.exists():
            with staging_folder(parent, UNFINISHED) as old:
                place.rename(old / "earlier")
                made.rename(place)
        else:
            made.rename(place)
    return place


def shard_folders(named: Sequence[Path]) -> list[Path]:
    """The folders of shards among these and directly in them. Raises `UserError` for a folder without one."""
    found: list[Path] = []
    for place in named:
        if (place / MANIFEST).is_file():
            found.append(place)
            continue
        own: list[Path] = []
        with suppress(OSError):
            own = sorted(
                path.parent for path in place.glob(f"*/{MANIFEST}") if not path.parent.name.startswith(".")
            )
        if not own:
            raise UserError(
                f"{place} holds no shard: name a folder that `lsm-eval run --shard` wrote, or the one above it."
            )
        found += own
    unique = {path.resolve(): path for path in reversed(found)}
    return list(reversed(unique.values()))


def read_folder(place: Path) -> ShardFolder:
    """The shard in a folder. Raises `UserError` if it is damaged."""
    try:
        texts = {name: (place / name).read_text(encoding="utf-8") for name in (MANIFEST, ANSWERS, OPTIONS)}
        content = json.loads(texts[MANIFEST])
        version = content.get("schema_version") if isinstance(content, dict) else None
        if version != SCHEMA_VERSION:
            raise UserError(
                f"{place} is a shard of schema {version!r}, and this version of lsm-eval reads {SCHEMA_VERSION}: merge it with the version that ran it."
            )
        manifest = ShardManifest.model_validate(content)
    except ValidationError as error:
        raise _damaged(place, f"{MANIFEST}: {first_problem(error)}") from error
    except OSError as error:
        raise _damaged(place, f"{Path(error.filename or place).name}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise _damaged(place, str(error)) from error
    for name, wanted in ((ANSWERS, manifest.answers_sha256), (OPTIONS, manifest.options_sha256)):
        if digest(texts[name]) != wanted:
            raise _damaged(place, f"{name} is not the file that was written")
    answers = dict(_answer(place, line) for line in texts[ANSWERS].split("\n") if line)
    if len(answers) != manifest.answers:
        raise _damaged(place, f"{ANSWERS} has {len(answers)} answers, not {manifest.answers}")
    return ShardFolder(place, manifest, texts[OPTIONS], answers)


def _answer(place: Path, line: str) -> tuple[str, Held]:
    try:
        content = json.loads(line)
        if "failure" in content:
            reason: FailureReason = content["failure"][0]
            response: Response = Failure(reason, str(content["failure"][1]))
        else:
            response = load_answer(json.dumps(content["answer"]))
        return str(content["request"]), Held(response, bool(content["stored"]))
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise _damaged(place, f"{ANSWERS}: {error}") from error


def _damaged(place: Path, why: str) -> UserError:
    return UserError(
        f"the shard {place} is damaged ({' '.join(why.split())[:300]}): run it again, or copy it again."
    )
