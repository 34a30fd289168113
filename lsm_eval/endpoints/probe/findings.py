"""What was found out about a server and a model, as values that a record and the user's cache hold as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from lsm_eval.endpoints.asking import Path
from lsm_eval.endpoints.constraint import Constraint

VERSION = 1
"""Raised when other requests are sent, or their answers are read in another way: what was kept is found out anew."""


@dataclass(frozen=True, slots=True)
class PathFindings:
    """What one path does. None throughout: it could not be told."""

    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """The field that bounds new tokens."""
    temperature: Literal["taken", "refused"] | None = None
    """Whether requests may name a temperature."""
    greedy: bool | None = None
    """Whether temperature 0 gave the same text twice."""
    seed: Literal["kept", "ignored", "refused"] | None = None
    """`kept`: two draws with one seed were equal, and one with another seed was not."""
    thoughts: Literal["reasoning_content", "reasoning", "inline", "hidden"] | None = None
    """Where the model's thoughts stood, or that it counts some and shows none; None where none were seen."""
    stop: Literal["cut", "kept", "ignored", "refused"] | None = None
    """What became of a stop string that the text was sure to have."""
    stop_in_thoughts: bool | None = None
    """Whether a stop string ended thoughts."""
    constraint: Constraint | None = None
    """How answers can be held to given texts: accepted, and seen to be obeyed; None where nothing was."""
    token_ids: bool | None = None
    """Whether a prompt may be token ids (completions only)."""


@dataclass(frozen=True, slots=True)
class Findings:
    """All that was found out."""

    kind: str | None
    """Of the server: vLLM, SGLang, llama.cpp, TGI, Ollama; None of any other."""
    server: str
    """As it names itself, with its version; empty where it does not."""
    version: str
    """Its version alone; empty where it tells none."""
    context: int | None
    """Tokens of prompt and answer together."""
    served: str = ""
    """What it says of the model's weights, as JSON; empty where nothing."""
    paths: Mapping[Path, PathFindings] = field(default_factory=dict)
    scoring: Mapping[str, Any] | None = None
    """What the proof of its log-probabilities found (`endpoints.scoring`), as JSON; None where nothing was tried."""
    requests: int = 0
    """How many were sent to find out."""
    at: float = 0.0
    """When, in seconds since 1970."""
    probe: int = VERSION

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def from_json(text: str) -> Findings | None:
    """What `as_json` gave, as text; None where it is none, or of another version."""
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
    """Whether all that requests hang on is one of its values."""
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
        greedy = "no temperature is taken, so none is sent and texts are drawn as the server draws them"
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
        f"answers held to choices by {found.constraint}"
        if found.constraint
        else "answers not held to choices",
        _told(found.token_ids, "prompts may be token ids", "prompts may not be token ids"),
    ]
    return ", ".join(word for word in words if word)


def _told(found: bool | None, yes: str, no: str) -> str:
    return "" if found is None else yes if found else no
