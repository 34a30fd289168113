"""Which parts of two numbers' signatures differ, and whether the numbers may be compared all the same.

A signature (`runner.record.signature`) is a line of parts, `name:value`, of which the first is the task with its version.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from lsm_eval.errors import UserError

MODEL = "model"
FREE = frozenset({"n", "drawn", "seed", "intervals"})
"""Parts that may differ: which samples a run asked, and with which examples, is settled by comparing those that both asked
alike, and intervals are made anew from these."""
_PROMPTS = frozenset(
    {"shots", "examples", "seed", "chat", "template", "system", "max_tokens", "stop", "reasoning", "cut"}
    | {"reasoning_tokens", "reasoning_effort", "choices", "temperature", "top_p"}
)
"""Parts of which another value makes another prompt of the same sample: it is matched by its id alone then."""
OPTIONS = _PROMPTS | {"likelihood", "overflow", "chosen"}
"""Parts that a run's options bring into a signature, and that another run need not have."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a signature that is not the same in both; None where one of them lacks it."""

    name: str
    first: str | None
    second: str | None

    def __str__(self) -> str:
        first, second = ("not there" if value is None else value for value in (self.first, self.second))
        return f"{self.name} ({first} against {second})"


def parts(signature: str) -> dict[str, str]:
    """The parts of a signature by name: `version` of the task, then as they stand there."""
    head, *rest = signature.split(" ")
    found = {"version": head.rpartition(":")[2]}
    for part in rest:
        name, _, value = part.partition(":")
        found[name] = value
    return found


def differing(first: str, second: str) -> tuple[Part, ...]:
    """The parts that differ, in the order of the first signature; the task's name is not looked at."""
    one, other = parts(first), parts(second)
    names = dict.fromkeys([*one, *other])
    return tuple(
        Part(name, one.get(name), other.get(name)) for name in names if one.get(name) != other.get(name)
    )


def refused(differences: Collection[Part], across: Collection[str]) -> tuple[Part, ...]:
    """Those of the parts that make two numbers incomparable, where the parts named in `across` are to differ."""
    allowed = FREE | {MODEL} | set(across)
    return tuple(part for part in differences if part.name not in allowed)


def by_id_alone(differences: Collection[Part], across: Collection[str]) -> bool:
    """Whether samples of the two runs have other prompts by intention, so that these are not held against each other."""
    return any(part.name in _PROMPTS and part.name in across for part in differences)


def check_across(
    across: Collection[str], signatures: Mapping[str, str], further: Collection[str] = ()
) -> None:
    """UserError where a name in `across` is no part of any of these signatures (by anything), nor one of the `further` ones."""
    known = {MODEL, *further, *(name for signature in signatures.values() for name in parts(signature))}
    for name in across:
        if name not in known:
            raise UserError(
                f"--across {name}: no signature of these records has such a part; it is one of {', '.join(sorted(known))}."
            )
