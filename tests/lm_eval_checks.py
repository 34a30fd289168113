"""Two runs of lm-evaluation-harness, compared sample by sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

TOLERANCE = 1e-3
"""Of a log-likelihood, in nats."""


def same_samples(theirs: dict[str, Any], ours: dict[str, Any], task: str) -> None:
    """The same prompts, log-likelihoods (within `TOLERANCE`), greediness, texts, scores and results."""
    there, here = theirs["samples"][task], ours["samples"][task]
    assert len(there) == len(here) > 0
    for a, b in zip(there, here, strict=True):
        assert (a["doc_id"], a["filter"]) == (b["doc_id"], b["filter"])
        assert a["arguments"] == b["arguments"]
        for left, right in zip(a["resps"], b["resps"], strict=True):
            for x, y in zip(left, right, strict=True):
                same_response(x, y)
        for metric in a["metrics"]:
            for x, y in zip(_flat(a[metric]), _flat(b[metric]), strict=True):
                assert y == (x if isinstance(x, str) else pytest.approx(x, rel=1e-4, abs=TOLERANCE)), metric
    for key, value in theirs["results"][task].items():
        if isinstance(value, float):
            assert ours["results"][task][key] == pytest.approx(value, rel=1e-3, abs=1e-9), key


def same_response(theirs: Any, ours: Any) -> None:
    """One answer: a text, a log-likelihood, or one with its greediness."""
    if isinstance(theirs, str):
        assert ours == theirs
    elif isinstance(theirs, tuple):
        assert ours[0] == pytest.approx(theirs[0], abs=TOLERANCE)
        assert ours[1] == theirs[1]
    else:
        assert ours == pytest.approx(theirs, rel=1e-5, abs=TOLERANCE)


def _flat(value: Any) -> list[Any]:
    if isinstance(value, np.ndarray):
        return [float(part) for part in value.ravel()]
    if isinstance(value, (list, tuple)):
        return [part for each in value for part in _flat(each)]
    return [float(value)] if isinstance(value, (int, float)) else [value]
