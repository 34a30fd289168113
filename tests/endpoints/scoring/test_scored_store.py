"""What is kept of a server that scores: texts under the model alone, scores under the way in which they were found, too."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import QUESTIONS, SCORE, Outcome, write_task
from openai_server import Ask, Server
from scoring_server import Weights, speaking

from lsm_eval.endpoints.model import EndpointModel
from lsm_eval.models.base import EndpointOptions, Measuring, ModelOptions
from lsm_eval.models.create import create
from lsm_eval.models.guarded import guarded
from lsm_eval.requests import Generate, Perplexity, Request, Score, asks_likelihood
from lsm_eval.results.reader import read_record

pytestmark = pytest.mark.usefixtures("one_thread")
LIMIT = 5


def asked(outcome: Outcome, server: Server) -> tuple[dict[str, int], int]:
    """Requests of a run by whether they were computed, and how many texts were asked of the server; forgotten then."""
    assert outcome.code == 0, outcome.err
    texts = sum("stop" in body for body in server.bodies)
    server.bodies.clear()
    return read_record(outcome.record).manifest.requests, texts


def test_texts_are_found_whatever_way_of_scoring_is_added(ask: Ask, weights: Weights) -> None:
    with speaking(weights, "vllm") as (server, own):

        def run(tasks: str, *more: str | Path) -> Outcome:
            return ask(server, "--api", "completions", "--limit", str(LIMIT), *more, tasks=tasks)

        alone = run("say")
        requests, texts = asked(alone, server)
        assert (requests["computed"], texts) == (LIMIT, LIMIT)
        both = run("say,choose")
        requests, texts = asked(both, server)
        assert (requests["from_store"], requests["computed"], texts) == (LIMIT, LIMIT, 0)
        assert asked(run("say,choose,read"), server)[0]["computed"] == LIMIT, "the texts that are read"
        # The same server tells its numbers in another way: scores are asked anew, texts are not.
        own.kind = "echo"
        other = run("say,choose")
        requests, texts = asked(other, server)
        assert (requests["from_store"], requests["computed"], texts) == (LIMIT, LIMIT, 0)
        own.kind = "vllm"
        assert asked(run("say,choose,read"), server)[0]["computed"] == 0, (
            "those found in the first way are there"
        )
        records = [read_record(one.record) for one in (alone, both, other)]
    assert len({one.manifest.model.fingerprint for one in records}) == 1, "it is one model, and one row"
    ways = [one.manifest.model.details.get("scoring", "").partition(" ")[0].strip(",") for one in records]
    assert ways == ["", "prompt_logprobs", "echo"]
    assert records[1].estimates[0].signature == records[2].estimates[0].signature


def test_what_a_score_is_kept_under(weights: Weights, checkpoint: Path) -> None:
    ways = set()
    for kind in ("vllm", "echo", "llama.cpp"):
        with speaking(weights, kind) as (server, _):
            model = EndpointModel("small", EndpointOptions(server.url))
            assert isinstance(model, Measuring)
            before = model.fingerprint()
            ways.add(model.scored_as())
            assert model.fingerprint() == before
            behind = guarded(model, "a model", "mend it")
            assert isinstance(behind, Measuring)
            assert behind.scored_as() == model.scored_as()
    assert len(ways) == 3
    assert "" not in ways
    with speaking(weights, "vllm", lie="constant") as (server, _):
        assert EndpointModel("small", EndpointOptions(server.url)).scored_as() == ""
    near = create(str(checkpoint), ModelOptions())
    assert not isinstance(near, Measuring), "a model in process has one way"


def test_what_was_cut_to_fit_is_no_answer_where_nothing_is_cut(
    ask: Ask, weights: Weights, tmp_path: Path
) -> None:
    line = {**QUESTIONS[0], "question": "the cat sat on the mat " * 40}
    folder = write_task(tmp_path / "long", "pick", [line], **SCORE).parent
    with speaking(weights, "vllm", context=64) as (server, _):

        def run(overflow: str) -> dict[str, int]:
            outcome = ask(
                server, "--api", "completions", "--overflow", overflow, tasks="pick", include=folder
            )
            assert outcome.code == 0, outcome.err
            return read_record(outcome.record).manifest.requests

        cut = run("truncate")
        assert (cut["computed"], cut["failed"]) == (1, 0)
        skipped = run("skip")
        assert (skipped["from_store"], skipped["failed"]) == (0, 1), "it is missing, whatever ran before"
        assert run("truncate")["from_store"] == 1


@pytest.mark.parametrize("request_", [Score("a", ("b",)), Perplexity("a"), Generate("a", detail=True)])
def test_requests_with_log_probabilities(request_: Request) -> None:
    assert asks_likelihood(request_)
    assert not asks_likelihood(Generate("a", choices=("b",)))
