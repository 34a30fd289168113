"""What is known of a server's way of scoring: kept, proved again, and looked for anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from openai_server import Ask, Server
from scored_alike import SCORES, answers, check_alike
from scoring_models import KINDS, TOLERANCE, far_model
from scoring_server import Weights, speaking

from lsm_eval.endpoints.scoring.finding import Finding
from lsm_eval.errors import UserError
from lsm_eval.models.hf import HFModel

pytestmark = pytest.mark.usefixtures("one_thread")


def test_what_was_found_can_be_kept() -> None:
    found = Finding("echo", new=1, difference=0.001)
    assert Finding.load(found.dump()) == found
    assert Finding.load({**found.dump(), "version": 0}) is None
    assert Finding.load({"no": 1}) is None


def _scores(server: Server, near: HFModel, **options: Any) -> int:
    """Check all likelihoods with a new model, and say how many requests that took before the first was asked."""
    model = far_model(server)
    before = len(server.bodies)
    assert model.cost(SCORES) == near.cost(SCORES)
    asked = [body for body in server.bodies[before:] if "tokens" not in body and "content" not in body]
    told = [body for body in asked if "add_special_tokens" not in body]
    check_alike(answers(near, SCORES), answers(model, SCORES), TOLERANCE)
    probed = model.info.probed
    assert probed is not None
    assert probed["scoring"]["route"] is not None, "it stands in the record, kept or new"
    return len(told)


@pytest.mark.parametrize("kind", [*KINDS, "llama.cpp"])
def test_what_was_kept_is_proved_again_with_one_token(kind: str, weights: Weights, near: HFModel) -> None:
    with speaking(weights, kind) as (server, _):
        assert _scores(server, near) >= 6
        assert _scores(server, near) <= (23 if kind == "llama.cpp" else 3)


def test_what_was_kept_of_another_model_is_not_believed(
    weights: Weights, near: HFModel, checkpoint: Path
) -> None:
    """Served at the same address by a server of the same version: by another way, or by none that tells the truth."""
    with speaking(weights, "vllm") as (server, own):
        far_model(server).cost(SCORES)
        own.kind = "echo"
        assert _scores(server, near) > 6
        own.lie = "off by one"
        with pytest.raises(UserError, match="off by one"):
            far_model(server).cost(SCORES)
        own.lie = ""
    with speaking(weights, "llama.cpp") as (server, own):
        model = far_model(server)
        model.cost(SCORES)
        kept = model._discovery.capabilities
        assert kept.findings is not None
        assert kept.findings.scoring is not None
        kept.keep_scoring(
            model._discovery.server, {**kept.findings.scoring, "plain": 3}
        )  # another vocabulary's
        assert _scores(server, near) > 6
        own.cuts = False  # and when the server was started otherwise
        assert _scores(server, near) > 6


@pytest.mark.slow
def test_what_faults_hid_is_not_kept(weights: Weights, near: HFModel) -> None:
    with speaking(weights, "echo") as (server, _):
        real = server.answer
        server.answer = lambda body: (
            (500, {"error": "oops"}, {}) if body.get("echo") or body.get("logprobs") else real(body)
        )
        with pytest.raises(UserError, match="oops"):
            far_model(server).cost(SCORES)
        server.answer = real
        assert _scores(server, near) > 6


def test_a_tokenizer_that_is_named_later(weights: Weights, near: HFModel, checkpoint: Path) -> None:
    with speaking(weights, "echo", tokenizer=False) as (server, _):
        with pytest.raises(UserError, match="--tokenizer ID"):
            far_model(server).cost(SCORES)
        check_alike(answers(near, SCORES), answers(far_model(server, checkpoint), SCORES), TOLERANCE)


def test_other_weights_under_the_same_name_are_asked_anew(weights: Weights) -> None:
    """Where the server tells of them."""
    with speaking(weights, "vllm") as (server, _):
        told: dict[str, Any] = server.pages["/v1/models"]["data"][0]
        found = set()
        for root in ("org/one", "org/other", "org/one"):
            told["root"] = root
            found.add(far_model(server).fingerprint())
    assert len(found) == 2


def test_a_dry_run_sends_no_question(ask: Ask, small_tasks: Path, weights: Weights) -> None:
    """Before and after something is known."""
    with speaking(weights, "vllm") as (server, _):
        real = server.answer
        server.answer = lambda body: pytest.fail("asked")
        first = ask(server, "--dry-run", tasks="choose")
        said = ask(server, "--dry-run", tasks="read").sentence()
        assert "run the same command once without --dry-run" in said
        server.answer = real
        assert ask(server, "--limit", "2", tasks="choose").code == 0
        server.answer = lambda body: pytest.fail("asked")
        second = ask(server, "--dry-run", tasks="choose")
        assert not server.probes
        assert server.bodies
    assert (first.code, second.code) == (0, 0)
    assert (
        "whether openai:small tells log-probabilities is not asked now, and if it does not: choose"
        in first.err
    )
    assert "returns no log-probabilities" not in first.err + second.err
    assert "72" in second.out, "its choices are counted as they will be asked"
