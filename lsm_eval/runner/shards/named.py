"""Which shard of a run this process is: as the user says, or as the scheduler does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from lsm_eval.errors import UserError

_FORM = re.compile(r"(\d{1,9})/(\d{1,9})", re.ASCII)
_AUTO = re.compile(r"auto(?:/(\d{1,9}))?", re.ASCII)
_SLURM = "SLURM_ARRAY_TASK_ID"
_INDEXED = "JOB_COMPLETION_INDEX"


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `count` shards; `index` counts from 1."""

    index: int
    count: int

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


def read_shard(text: str, environment: Mapping[str, str]) -> Shard:
    """The shard that the value of `--shard` names. Raises `UserError`.

    `I/N`: the user counts from 1. `auto`: a task of a SLURM array, whose variables also say how many there are. `auto/N`: a pod of an
    indexed Kubernetes job, which is told its index but not their number; or a task of a SLURM array of N tasks.
    """
    if found := _FORM.fullmatch(text):
        return _checked(int(found[1]), int(found[2]), f"--shard {text}")
    auto = _AUTO.fullmatch(text)
    if auto is None:
        raise UserError(
            f"--shard {text}: write I/N, such as 2/8 for the second of eight; or auto, or auto/N."
        )
    count = int(auto[1]) if auto[1] else None
    slurm, indexed = _SLURM in environment, _INDEXED in environment
    if slurm and indexed:
        raise UserError(
            f"--shard {text}: both {_SLURM} and {_INDEXED} are set, so that it is not clear which counts: write I/N."
        )
    if slurm:
        return _of_array(text, count, environment)
    if not indexed:
        raise UserError(
            f"--shard {text}: neither {_SLURM} nor {_INDEXED} is set, so that this is no task of an array: write I/N, such as 2/8."
        )
    if count is None:
        raise UserError(
            f"--shard auto: {_INDEXED} says which shard this is, and nothing says of how many: write auto/N, with the job's completions as N."
        )
    return _checked(_number(environment, _INDEXED) + 1, count, f"--shard {text} with {_INDEXED}")


def _of_array(text: str, count: int | None, environment: Mapping[str, str]) -> Shard:
    """The shard of a task of a SLURM array, whose indices may begin anywhere and go in steps."""
    tasks = _number(environment, "SLURM_ARRAY_TASK_COUNT")
    first, last = (_number(environment, f"SLURM_ARRAY_TASK_{end}") for end in ("MIN", "MAX"))
    place = _number(environment, _SLURM) - first
    step = (last - first) // (tasks - 1) if tasks > 1 else 1
    if tasks < 2:
        raise UserError(
            f"--shard {text}: the array has a single task, and one shard is a whole run: to repeat one shard write its number, such as "
            "--shard 3/8; for a whole run leave --shard out."
        )
    if count is not None and count != tasks:
        raise UserError(
            f"--shard {text}: the array has {tasks} tasks, not {count}: to repeat some shards write I/N, or give the array {count} tasks."
        )
    if step < 1 or first + step * (tasks - 1) != last or place % step:
        raise UserError(
            f"--shard {text}: the array's indices are not evenly spaced, so that the place of {first + place} among them is not known: give it "
            "indices such as 1-8, or write I/N."
        )
    return _checked(place // step + 1, tasks, f"--shard {text} with {_SLURM}")


def _checked(index: int, count: int, what: str) -> Shard:
    if not 1 <= index <= count:
        raise UserError(f"{what}: there is no shard {index} of {count}; they are 1 to {count}.")
    return Shard(index, count)


def _number(environment: Mapping[str, str], name: str) -> int:
    text = environment.get(name, "")
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise UserError(
            f"--shard auto: {name} is {text!r} and no number, so that the shard is not known: write I/N."
        )
    return int(text)
