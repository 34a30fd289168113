"""The findings about a server and a model, as values that the record and the user's cache store as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from lsm_eval.endpoints.asking import Path
from lsm_eval.endpoints.constraint import Constraint

VERSION = 1
"""Raised when the probe's requests, or the reading of their answers, change: cached findings are then found anew."""


@dataclass(frozen=True, slots=True)
class PathFindings:
    """How one path behaves. None means that it could not be found out."""

    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """The field that limits new tokens."""
    temperature: Literal["taken", "refused"] | None = None
    """Whether requests may set a temperature."""
    greedy: bool | None = None
    """Whether temperature 0 gave the same text twice."""
    seed: Literal["kept", "ignored", "refused"] | None = None
    """`kept`: two samples with one seed were equal, and one with another seed was not."""
    thoughts: Literal["reasoning_content", "reasoning", "inline", "hidden"] | None = None
    """The field with the model's thoughts, `inline` in the text, or `hidden` if some are counted and none shown; None if none were seen."""
    stop: Literal["cut", "kept", "ignored", "refused"] | None = None
    """How the server treated a stop string that the text was sure to contain."""
    stop_in_thoughts: bool | None = None
    """Whether a stop string ended thoughts."""
    constraint: Constraint | None = None
    """How answers can be constrained to given texts, seen to be accepted and obeyed; None if nothing was."""
    token_ids: bool | None = None
    """Whether a prompt may be given as token ids (completions only)."""


@dataclass(frozen=True, slots=True)
class Findings:
    """All findings."""

    kind: str | None
    """The kind of server: vLLM, SGLang, llama.cpp, TGI, Ollama; None for any other."""
    server: str
    """The server's own name and version; empty if it gives none."""
    version: str
    """Its version alone; empty if it gives none."""
    context: int | None
    """Tokens of prompt and answer together."""
    served: str = ""
    """What it says about the model's weights, as JSON; empty if nothing."""
    paths: Mapping[Path, PathFindings] = field(default_factory=dict)
    scoring: Mapping[str, Any] | None = None
    """How it returns log-probabilities (`endpoints.scoring`), as JSON; None if nothing was tried."""
    requests: int = 0
    """How many requests the probe sent."""
    at: float = 0.0
    """Time of the probe, in seconds since 1970."""
    probe: int = VERSION

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def from_json(text: str) -> Findings | None:
    """The findings in the JSON text of `as_json`; None for any other text, and for another version."""
    try:
        found = json.loads(text)
        if not isinstance(found, dict) or found.get("probe") != VERSION:
            return None
        paths = {path: PathFindings(**own) for path, own in found.pop("paths").items()}
        made = Findings(**found, paths=paths)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return made if _whole(made) else None


def _whole(made: Findings) -> bool:
    """Whether all fields that requests depend on have valid values."""
    kinds = (made.server, made.version, made.served), (made.kind or "",)
    return (
        all(isinstance(one, str) for group in kinds for one in group)
        and type(made.at) in (int, float)
        and type(made.requests) is int
        and all(
            path in get_args(Path)
            and own.limit in ("max_tokens", "max_completion_tokens")
            and own.temperature in (None, "taken", "refused")
            and own.seed in (None, "kept", "ignored", "refused")
            and own.stop in (None, "cut", "kept", "ignored", "refused")
            and (own.constraint is None or own.constraint in get_args(Constraint))
            for path, own in made.paths.items()
        )
    )


def described(found: PathFindings) -> str:
    """One path in words."""
    if found.temperature == "refused":
        greedy = (
            "no temperature is taken, so none is sent and texts are sampled as the server does by default"
        )
    else:
        greedy = _told(found.greedy, "temperature 0 repeats", "temperature 0 does not repeat")
    places = {"inline": "in the text", "hidden": "not shown"}
    place = places.get(found.thoughts or "", f"in {found.thoughts}")
    words: list[str] = [
        found.limit,
        greedy,
        f"seed {found.seed}" if found.seed else "",
        f"thoughts {place}" if found.thoughts else "",
        f"stop strings {found.stop}" if found.stop else "",
        _told(found.stop_in_thoughts, "stop strings end thoughts", "stop strings do not end thoughts"),
        f"answers constrained to choices by {found.constraint}"
        if found.constraint
        else "answers not constrained to choices",
        _told(found.token_ids, "prompts may be token ids", "prompts may not be token ids"),
    ]
    return ", ".join(word for word in words if word)


def _told(found: bool | None, yes: str, no: str) -> str:
    return "" if found is None else yes if found else no
