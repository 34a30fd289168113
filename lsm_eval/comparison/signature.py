"""Which parts of two numbers' signatures differ, and whether the numbers may still be compared.

A signature (`runner.record.signature`) is a line of parts, `name:value`, of which the first is the task with its version.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from lsm_eval.errors import UserError

MODEL = "model"
MAY_DIFFER = frozenset({"n", "drawn", "seed", "intervals"})
"""Parts that may differ: the choice of samples and examples does not matter, since only samples with the same prompt in both runs are
compared, and intervals are recomputed from these."""
_PROMPTS = frozenset(
    {"shots", "examples", "seed", "chat", "template", "system", "max_tokens", "stop", "reasoning", "cut"}
    | {"reasoning_tokens", "reasoning_effort", "choices", "temperature", "top_p"}
)
"""Parts that change the prompt of a sample; if they differ by intention, samples are matched by id alone."""
OPTIONS = _PROMPTS | {"likelihood", "overflow", "chosen"}
"""Parts that a run's options add to a signature, and that another run's signature may lack."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part that differs between two signatures; None if one of them lacks it."""

    name: str
    first: str | None
    second: str | None

    def __str__(self) -> str:
        first, second = ("not there" if value is None else value for value in (self.first, self.second))
        return f"{self.name} ({first} against {second})"


def parts(signature: str) -> dict[str, str]:
    """The parts of a signature by name: `version` of the task, then the others in order."""
    head, *rest = signature.split(" ")
    found = {"version": head.rpartition(":")[2]}
    for part in rest:
        name, _, value = part.partition(":")
        found[name] = value
    return found


def differing(first: str, second: str) -> tuple[Part, ...]:
    """The parts that differ, in the order of the first signature; the task's name is ignored."""
    one, other = parts(first), parts(second)
    names = dict.fromkeys([*one, *other])
    return tuple(
        Part(name, one.get(name), other.get(name)) for name in names if one.get(name) != other.get(name)
    )


def refused(differences: Collection[Part], across: Collection[str]) -> tuple[Part, ...]:
    """The differing parts that make two numbers incomparable, given that the parts in `across` may differ."""
    allowed = MAY_DIFFER | {MODEL} | set(across)
    return tuple(part for part in differences if part.name not in allowed)


def by_id_alone(differences: Collection[Part], across: Collection[str]) -> bool:
    """Whether the prompts of the two runs differ by intention, so that samples are matched by id alone."""
    return any(part.name in _PROMPTS and part.name in across for part in differences)


def check_across(
    across: Collection[str], signatures: Mapping[str, str], additional: Collection[str] = ()
) -> None:
    """Raises UserError if a name in `across` is neither a part of any of these signatures (with any keys) nor in `additional`."""
    known = {MODEL, *additional, *(name for signature in signatures.values() for name in parts(signature))}
    for name in across:
        if name not in known:
            raise UserError(
                f"--across {name}: no signature of these records has such a part; it is one of {', '.join(sorted(known))}."
            )
