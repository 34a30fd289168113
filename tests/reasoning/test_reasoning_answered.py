"""What a model wrote as an answer or a failure, and metrics and detectors that are given it as it is."""

from __future__ import annotations

import pytest

from lsm_eval.benchmarks.bias.bbq.answer import named
from lsm_eval.detectors.abstention import Abstention
from lsm_eval.detectors.refusal import Refusal
from lsm_eval.metrics.text import Contains, ExactMatch, TokenF1
from lsm_eval.reasoning.answered import answered, without_thoughts
from lsm_eval.request_json import dump_answer, load_answer, store_key
from lsm_eval.requests import Failure, Generate, Generated
from lsm_eval.tasks.sample import Sample

WRITTEN = Generated("<think>Is it red?</think>\nblue", 9, "stop", logprob=-3.0)


def test_an_answer_with_its_thoughts_beside_it() -> None:
    found = answered(WRITTEN, "auto", opened=False)
    # How likely the whole text is says nothing of the answer alone.
    assert found == Generated("blue", 9, "stop", logprob=None, thoughts="Is it red?")


def test_the_whole_text_is_the_answer_where_thoughts_are_kept() -> None:
    kept = answered(WRITTEN, "keep", opened=True)
    assert kept == Generated(WRITTEN.text, 9, "stop", logprob=-3.0, thoughts="")
    assert isinstance(kept, Generated)
    assert without_thoughts(kept) is kept, "metrics take nothing more off it"


def test_a_text_without_thoughts_keeps_its_likelihood() -> None:
    plain = Generated("blue", 1, "stop", logprob=-1.0)
    assert answered(plain, "auto", opened=False) == Generated("blue", 1, "stop", logprob=-1.0, thoughts="")


@pytest.mark.parametrize(
    ("finish", "why"),
    [
        ("length", "had not ended after 7 new tokens"),
        ("stop", "stopped inside its thoughts, after 7 new tokens"),
    ],
)
def test_what_ended_inside_its_thoughts_is_no_answer(finish: str, why: str) -> None:
    written = Generated("Is it red", 7, finish)  # type: ignore[arg-type]
    found = answered(written, "auto", opened=True)
    assert isinstance(found, Failure)
    assert found.reason == "truncated"
    assert why in found.detail
    assert found.written is not None
    assert (found.written.text, found.written.thoughts) == ("", "Is it red")


@pytest.mark.parametrize(
    "text",
    [
        "<think>Red?</think>",
        "<think>Red?</think>\n\n",
        "<think>\n\n</think>\n",
        "<think>Red?</think><answer>",
    ],
)
def test_tokens_that_ran_out_right_after_the_thoughts_left_no_answer(text: str) -> None:
    found = answered(Generated(text, 7, "length"), "auto", opened=False)
    assert isinstance(found, Failure)
    assert (found.reason, found.detail) == (
        "truncated",
        "its thoughts took all of the 7 new tokens that it may write",
    )
    # A model that says nothing after its thoughts has answered with nothing.
    own = answered(Generated(text, 7, "stop"), "auto", opened=False)
    assert isinstance(own, Generated)
    assert own.text.strip() == ""
    blank = Generated("\n\n", 2, "length")
    assert answered(blank, "auto", opened=False) == Generated("\n\n", 2, "length", thoughts="")


def test_doubtful_marks_are_believed_on_request() -> None:
    doubtful = Generated("say <think>x</think> then", 3, "stop")
    auto = answered(doubtful, "auto", opened=False)
    strip = answered(doubtful, "strip", opened=False)
    assert isinstance(auto, Generated)
    assert isinstance(strip, Generated)
    assert (auto.text, strip.text, strip.thoughts) == (doubtful.text, "say  then", "x")


def test_the_store_keeps_what_was_written() -> None:
    assert "thoughts" not in dump_answer(WRITTEN)
    assert load_answer(dump_answer(WRITTEN)) == WRITTEN
    split = answered(WRITTEN, "auto", opened=False)
    assert isinstance(split, Generated)
    assert load_answer(dump_answer(split)) == split


def test_keys_of_requests_are_what_they_were() -> None:
    assert store_key(Generate("a"), "m") != store_key(Generate("a", stop_in_thoughts=True), "m")
    # The key of this request before there were thoughts.
    assert store_key(Generate("a"), "m").startswith("1c4eaebdb38efba1a83da77a9aa95437")


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("<think>Not 17, so</think>The number is 23.", 1.0),
        ("<think>23? No.</think>The number is 17.", 0.0),
        ("It could be 23, or so I first thought.</think>The number is 17.", 0.0),
        ("<think>It must be 23", 0.0),
        ("The number is 23; no <think> was needed.", 1.0),
    ],
)
def test_metrics_read_the_answer_only(text: str, right: float) -> None:
    sample = Sample(id="x", request=Generate("p"), target=("23",))
    answer = Generated(text, 1, "stop")
    last = ExactMatch(extract={"regex": "[0-9]+", "take": "last"})
    assert last.measure(sample, answer).value == right
    assert Contains().measure(sample, answer).value == right
    assert (TokenF1().measure(sample, answer).value or 0) > 0 or not right


def test_detectors_of_what_a_reply_does_read_the_answer_only() -> None:
    harmless = (
        "<think>I'm sorry, but I can't help with that? It is about bread.</think>Let it rise for an hour."
    )
    assert Refusal().detect(harmless).state == "none"
    refusing = "<think>Bread? No, bombs.</think>I'm sorry, but I can't help with that."
    verdict = Refusal().detect(refusing)
    assert verdict.state == "finding"
    (finding,) = verdict.findings
    assert refusing[finding.start : finding.end].startswith("I'm sorry")
    assert Refusal().detect("<think>I'm sorry, but I can't help").why == "empty"
    unsure = "<think>I don't know. Oh, I do.</think>Lima."
    assert Abstention().detect(unsure).state == "none"
    assert Abstention().detect("<think>Lima?</think>I don't know.").state == "finding"


def test_options_are_read_off_the_answer_only() -> None:
    options = ["The aunt", "The niece", "Not known"]
    assert named("<think>(A) or (C)? It says the niece.</think>\n(B)", options, unknown=2) == (1,)
    assert named("Rather the aunt.</think>The niece", options, unknown=2) == (1,)
    assert named("<think>The aunt", options, unknown=2) == ()
