"""The same requests to a checkpoint in transformers and in an engine, by a Python that has the engine."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parent


def ask(python: Path, model: str, *, environment: dict[str, str], **options: Any) -> dict[str, Any]:
    """What `engine_requests` prints. `environment`: variables that are set there."""
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)]),
        **environment,
    }
    done = subprocess.run(
        [python, TESTS / "engine_requests.py", model, json.dumps({"overflow": "truncate", **options})],
        capture_output=True, text=True, env=env, check=False, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def compare(
    ours: dict[str, Any], theirs: dict[str, Any], engine: str, packages: set[str], token: float
) -> None:
    """Asserts that answers are the same. `engine`: its prefix; `token`: the largest difference of a token's log-probability, in nats."""
    assert theirs["info"] == {**ours["info"], "name": f"{engine}:tiny"}
    assert theirs["fingerprint"] != ours["fingerprint"]
    assert packages & theirs["versions"].keys()
    for one, other in zip(ours["scored"], theirs["scored"], strict=True):
        assert one["kind"] == other["kind"]
        if one["kind"] == "scored":
            for a, b, tokens in zip(one["logprobs"], other["logprobs"], one["tokens"], strict=True):
                assert b == pytest.approx(a, abs=token * tokens)
            assert {**one, "logprobs": 0} == {**other, "logprobs": 0}
        else:
            assert other["tokens"] == one["tokens"]
            assert other["logprob"] == pytest.approx(one["logprob"], abs=token * max(one["tokens"], 1))
    assert theirs["budgeted"] == ours["budgeted"]
    for one, other in zip(ours["written"], theirs["written"], strict=True):
        assert {**one, "logprob": 0} == {**other, "logprob": 0}
        if one["logprob"] is not None:
            assert other["logprob"] == pytest.approx(one["logprob"], abs=token * one["tokens"])
    assert theirs["drawn"] == theirs["drawn again"], "a text hangs on its own request"
    texts = [one["text"] for one in theirs["drawn"]]
    assert len(set(texts)) == len(texts)
