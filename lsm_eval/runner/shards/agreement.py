"""Whether shards are parts of one run, and together all of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lsm_eval import __version__
from lsm_eval.comparison.signature import differing
from lsm_eval.errors import NotComparable, UserError
from lsm_eval.request_json import dump_answer
from lsm_eval.requests import Failure, Response
from lsm_eval.results.schema import LeftOutRow
from lsm_eval.runner.manifest import NOT_USED
from lsm_eval.runner.shards.folder import Held, ShardFolder, ShardManifest, ShardTask

_NAMED = 5  # tasks, shards or parts that a sentence lists
_OF_A_PLACE = ("out", "store", "device", "data-mirror", "data-files", "offline", "threads")
"""Options that may differ between shards: what they change is checked by itself, or changes no answer."""
_WAYS = ("engine", "generation")
"""Details of a model that say how it was run."""


def united(shards: Sequence[ShardFolder]) -> tuple[list[ShardManifest], dict[str, Held]]:
    """The shards that add an answer, in the order of their numbers, and all answers by the hash of the request.

    Raises `NotComparable` if two are not parts of one run, or answer one request differently, and `UserError` if answers are missing.
    """
    ordered = sorted(shards, key=lambda one: (one.manifest.of, one.manifest.shard))
    first = ordered[0]
    if (own := first.manifest.versions.get("lsm-eval")) != __version__:
        raise NotComparable(
            f"the shards were run by lsm-eval {own}, and this is {__version__}: merge them with the version that ran them."
        )
    for other in ordered[1:]:
        _check_same_run(first, other)
    _check_same_way(ordered)
    answers: dict[str, Held] = {}
    source: dict[str, ShardFolder] = {}
    adding: list[ShardManifest] = []
    for shard in ordered:
        new = shard.answers.keys() - answers.keys()
        for key in shard.answers.keys() & answers.keys():
            if _told(shard.answers[key].response) != _told(answers[key].response):
                raise NotComparable(
                    f"{source[key].place} and {shard.place} answer the same request differently ({key[:16]}…): merge shards that one "
                    "kind of machine computed, or run one of the two again without --store."
                )
        if new or shard is first:
            adding.append(shard.manifest)
        for key in new:
            answers[key], source[key] = shard.answers[key], shard
    _check_whole(ordered, answers)
    return adding, answers


def check_here(shards: ShardManifest, here: Sequence[ShardTask], left_out: Sequence[LeftOutRow]) -> None:
    """Raise `NotComparable` if the tasks that were prepared here are not those of the shards."""
    known = {task.task for task in here}
    for row in left_out:
        if row.task not in known and any(task.task == row.task for task in shards.tasks):
            raise NotComparable(f"the shards asked {row.task}, which cannot be read here: {row.why}")
    _check_tasks(shards.tasks, here, "by the shards", "here")


def _check_same_run(one: ShardFolder, other: ShardFolder) -> None:
    first, second = one.manifest, other.manifest
    both = f"{one.place} and {other.place}"
    if (a := first.versions.get("lsm-eval")) != (b := second.versions.get("lsm-eval")):
        raise NotComparable(f"{both} were run by two versions of lsm-eval, {a} and {b}.")
    _check_tasks(first.tasks, second.tasks, f"in {one.place}", f"in {other.place}")
    if first.fingerprint != second.fingerprint:
        raise NotComparable(
            f"{both} were answered by two models, or by one on two kinds of device or in two dtypes: {_shown(first)} and {_shown(second)}."
        )
    if first.stored_as != second.stored_as:
        mine, theirs = first.computed_by, second.computed_by
        parts = [
            f"{name} {mine.get(name, 'none')} and {theirs.get(name, 'none')}"
            for name in dict.fromkeys([*mine, *theirs])
            if mine.get(name) != theirs.get(name)
        ]
        raise NotComparable(f"{both} were computed by other versions: {', '.join(parts[:_NAMED])}.")
    if (first.plan, first.requests) != (second.plan, second.requests):
        raise NotComparable(
            f"{both} are parts of two runs: their tasks and options are the same, and their requests are not, as when a chat template "
            "writes the day's date."
        )
    mine, theirs = _options(one), _options(other)
    parts = [name for name in dict.fromkeys([*mine, *theirs]) if mine.get(name) != theirs.get(name)]
    if parts:
        raise NotComparable(f"{both} were run with other options: --{', --'.join(parts[:_NAMED])}.")


def _check_tasks(first: Sequence[ShardTask], second: Sequence[ShardTask], *names: str) -> None:
    """Raise `NotComparable` for tasks, data or signatures that are not the same; `names` say where, as parts of a sentence."""
    mine, theirs = ({task.task: task for task in tasks} for tasks in (first, second))
    for name in dict.fromkeys([*mine, *theirs]):
        one, other = mine.get(name), theirs.get(name)
        if one is None or other is None:
            has, lacks = names if other is None else reversed(names)
            raise NotComparable(f"{name} was asked {has} and not {lacks}.")
        if (one.data, one.examples) != (other.data, other.examples):
            raise NotComparable(
                f"{name} was read from other data {names[0]} than {names[1]}: {_data(one)} and {_data(other)}."
            )
        for metric in dict.fromkeys([*one.signatures, *other.signatures]):
            a, b = one.signatures.get(metric), other.signatures.get(metric)
            if a is None or b is None:
                has, lacks = names if b is None else reversed(names)
                raise NotComparable(f"{name} was measured with {metric} {has} and not {lacks}.")
            # A model that differs has a sentence of its own.
            parts = [part for part in differing(a, b) if part.name != "model"]
            if parts:
                raise NotComparable(
                    f"{name} was asked otherwise {names[0]} than {names[1]}: {', '.join(map(str, parts[:_NAMED]))}."
                )


def _check_same_way(shards: Sequence[ShardFolder]) -> None:
    """Raise `NotComparable` if two shards scored or generated in two ways. Reasons that are given for a way may differ."""
    for way in _WAYS:
        found: dict[str, ShardFolder] = {}
        for shard in shards:
            said = shard.manifest.model.details.get(way, NOT_USED)
            if said != NOT_USED:
                found.setdefault(said.partition(",")[0], shard)
        if len(found) > 1:
            (a, one), (b, other) = list(found.items())[:2]
            raise NotComparable(
                f"{one.place} and {other.place} were computed in two ways ({way}: {a}, and {b})."
            )


def _check_whole(shards: Sequence[ShardFolder], answers: Mapping[str, Held]) -> None:
    missing = shards[0].manifest.requests - len(answers)
    if not missing:
        return
    counts = {shard.manifest.of for shard in shards}
    which = ""
    if len(counts) == 1:
        (count,) = counts
        there = {shard.manifest.shard for shard in shards}
        lacking = [f"{index}/{count}" for index in range(1, count + 1) if index not in there]
        if lacking:
            more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
            which = f", for want of {', '.join(lacking[:_NAMED])}{more}"
    raise UserError(
        f"{missing:,} of {shards[0].manifest.requests:,} requests have no answer in these shards{which}: run what is missing with --shard I/N, "
        "and name all shards."
    )


def _told(response: Response) -> str:
    """What a response says, without how long it took."""
    if isinstance(response, Failure):
        return f"{response.reason} {response.detail}"
    return dump_answer(replace(response, seconds=None))


def _options(shard: ShardFolder) -> dict[str, str]:
    """The options of a shard's run that all of its shards have, by name."""
    lines = [line.partition(": ") for line in shard.options.splitlines() if not line.startswith("#")]
    return {name: value for name, _, value in lines if name not in _OF_A_PLACE}


def _data(task: ShardTask) -> str:
    return task.data[:16] + (f" with examples {task.examples[:16]}" if task.examples else "")


def _shown(shard: ShardManifest) -> str:
    how = " ".join(part for part in (shard.model.dtype, shard.model.device) if part)
    return f"{shard.model.name} ({how + ', ' if how else ''}{shard.fingerprint[:16]})"
