"""A service-level objective: limits for each request, and the share of requests that must keep them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

from lsm_eval.errors import UserError

PARTS = ("ttft", "tpot", "e2e")
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
_TIME = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*(us|ms|s)")
_SHARE = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*(%?)")
DEFAULT_SHARE = 0.95


@dataclass(frozen=True, slots=True)
class Objective:
    """Limits that a request must meet all together, and the share of requests that must."""

    seconds: dict[str, float] = field(default_factory=dict)
    """Limits in seconds by part: `ttft`, `tpot`, `e2e` (`formulas`)."""
    share: float = DEFAULT_SHARE
    """Required share of all requests, including failed ones; used only by the search for a rate."""

    @property
    def words(self) -> str:
        """The form used on the command line."""
        return ",".join(
            [
                *(f"{name}={1000 * value:g}ms" for name, value in self.seconds.items()),
                f"share={100 * self.share:g}%",
            ]
        )


def read_objective(text: str) -> Objective:
    """The value of `--objective`, such as `ttft=500ms,tpot=50ms,share=99%`. Raises `UserError`."""
    seconds: dict[str, float] = {}
    share: float | None = None
    for part in (one.strip() for one in text.split(",")):
        name, equals, value = (one.strip().lower() for one in part.partition("="))
        name = {"e2el": "e2e"}.get(name, name)
        if not equals or name not in (*PARTS, "share"):
            raise UserError(
                f"--objective {text}: {part!r} is none of ttft=TIME, tpot=TIME, e2e=TIME, share=PERCENT, such as "
                "ttft=500ms,tpot=50ms,share=99%."
            )
        if name in seconds or (name == "share" and share is not None):
            raise UserError(f"--objective {text}: {name} is given twice.")
        if name == "share":
            share = _share(value, text)
        else:
            seconds[name] = _seconds(value, name, text)
    if not seconds:
        raise UserError(f"--objective {text}: it names no time: add ttft=TIME, tpot=TIME or e2e=TIME.")
    return Objective(seconds, DEFAULT_SHARE if share is None else share)


def read_share(text: str, option: str) -> float:
    """A share written as `1%` or `.01`, 0 to 1. Raises `UserError`."""
    found = _SHARE.fullmatch(text.strip())
    value = math.nan if found is None else float(found[1]) / (100 if found[2] else 1)
    if not 0 <= value <= 1:
        raise UserError(f"{option} {text}: write a share from 0 to 100 %, such as 1%.")
    return value


def _share(value: str, text: str) -> float:
    share = read_share(value, f"--objective {text}: share")
    if not 0.5 <= share < 1:
        raise UserError(
            f"--objective {text}: share has to be from 50 % to below 100 %: no number of requests shows that all of them will."
        )
    return share


def _seconds(value: str, name: str, text: str) -> float:
    found = _TIME.fullmatch(value)
    seconds = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if not seconds:
        raise UserError(
            f"--objective {text}: {name} needs a time with its unit, such as {name}=500ms or {name}=2s."
        )
    return seconds
