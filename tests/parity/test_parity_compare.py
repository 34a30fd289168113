"""What the comparison with lm-evaluation-harness takes for a difference, and what not."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from parity import main, verdict
from parity_compare import Finding, compare, margin, ours, theirs
from parity_tasks import COMPARISONS


def our_row(index: Any = 0, **changes: Any) -> dict[str, Any]:
    """A row of a sample table of arc_easy."""
    row = {
        "index": index,
        "prompt": "Question: why?\nAnswer:",
        "choices": ["so", "because"],
        "continuations": [" so", " because"],
        "logprobs": [-4.0, -5.0],
        "greedy": [False, False],
        "completion": None,
        "metadata": "{}",
        "failure": None,
        "score.acc": 1.0,
        "score.acc_norm": 0.0,
    }
    return row | changes


def their_row(index: Any = 0, **changes: Any) -> dict[str, Any]:
    """The same sample as the peer's script writes it."""
    row = {
        "index": index,
        "filter": "none",
        "context": "Question: why?\nAnswer:",
        "continuations": [" so", " because"],
        "logprobs": [-4.0, -5.0],
        "greedy": [False, False],
        "text": None,
        "metrics": {"acc": 1.0, "acc_norm": 0.0},
    }
    return row | changes


def held(
    here: Sequence[Mapping[str, Any]],
    there: Sequence[Mapping[str, Any]],
    name: str = "arc_easy",
    values: Mapping[str, float] | None = None,
    results: Mapping[str, float] | None = None,
) -> Finding:
    comparison = COMPARISONS[name]
    return compare(
        comparison,
        ours(comparison, here),
        theirs(comparison, there),
        values or {"acc": 1.0, "acc_norm": 0.0},
        results or {"acc,none": 1.0, "acc_norm,none": 0.0},
    )


def test_the_same_answers_are_no_difference() -> None:
    finding = held([our_row(0), our_row(1)], [their_row(1), their_row(0)])
    assert finding.differences == []
    assert (finding.samples, finding.logprobs, finding.choices, finding.largest) == (2, 4, 4, 0.0)
    assert verdict([finding]) == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"context": "Question: who?\nAnswer:"}, "sample 0: prompt differs from character 12 on: 'y?"),
        ({"continuations": [" so", "because"]}, "sample 0: continuation 1 differs from character 0 on"),
        ({"continuations": [" so"], "logprobs": [-4.0]}, "sample 0: 2 continuations here and 1 there"),
        ({"logprobs": [-4.0, -5.0011]}, "log-probability of continuation 1 is -5.000000 here and -5.0011"),
        ({"logprobs": [-4.0, math.nan]}, "log-probability of continuation 1 is -5.000000 here and nan"),
        ({"logprobs": [-4.0, -math.inf]}, "log-probability of continuation 1 is -5.000000 here and -inf"),
        ({"logprobs": [-5.0, -4.0]}, "by sum choice 0 is preferred here and 1 there"),
        ({"metrics": {"acc": 0.0, "acc_norm": 0.0}}, "sample 0: acc is 1 here and 0 there"),
        ({"index": 1}, "1 samples here and 1 there, or not the same ones"),
    ],
)
def test_differences_are_found(change: dict[str, Any], said: str) -> None:
    finding = held([our_row()], [their_row(**change)])
    assert any(said in difference for difference in finding.differences), finding.differences
    assert verdict([Finding("fine", samples=1), finding]) == 1


def test_within_the_tolerance_is_the_same() -> None:
    finding = held([our_row()], [their_row(logprobs=[-4.0009, -5.0])])
    assert finding.differences == []
    assert finding.largest == pytest.approx(0.0009)


def test_a_choice_that_hangs_on_less_than_the_tolerance_may_fall_otherwise() -> None:
    here = our_row(logprobs=[-4.0, -4.0004])
    there = their_row(logprobs=[-4.0004, -4.0], metrics={"acc": 0.0, "acc_norm": 0.0})
    finding = held([here], [there], results={"acc,none": 0.0, "acc_norm,none": 0.0})
    assert finding.differences == []
    assert finding.close == 1
    # The mean may move by that one sample, and no further.
    apart = held([here, our_row(1)], [there, their_row(1)], results={"acc,none": 0.0, "acc_norm,none": 0.0})
    assert any("acc over all samples" in difference for difference in apart.differences)


def test_an_empty_choice_is_never_preferred_by_characters() -> None:
    """Its log-probability would be divided by 0, which is -inf in either tool."""
    texts = {"continuations": [" ", " because"], "logprobs": [-1.0, -5.0]}
    finding = held([our_row(choices=["", "because"], **texts)], [their_row(**texts)])
    assert finding.differences == []
    assert finding.choices == 2


def test_a_sample_that_failed_here_is_a_difference() -> None:
    finding = held([our_row(failure="nan", logprobs=None, greedy=None)], [their_row()])
    assert "sample 0: no answer here (nan)." in finding.differences


def test_means_are_compared_too() -> None:
    finding = held([our_row()], [their_row()], values={"acc": 0.5, "acc_norm": 0.0})
    assert finding.differences == ["acc over all samples is 0.500000 here and 1.000000 there."]


def test_nothing_compared_is_no_agreement() -> None:
    assert verdict([]) == 1
    assert verdict([Finding("empty")]) == 1


def test_truthfulqa_compares_the_choices_of_the_set_in_any_order() -> None:
    labels = {"mc1_labels": [1, 0, None], "mc2_labels": [1, None, 0]}
    here = our_row(
        choices=["b", "c", "a"],
        continuations=[" b", " c", " a"],
        logprobs=[-1.0, -9.0, -2.0],
        greedy=[False] * 3,
        metadata=json.dumps(labels),
        **{"score.truthfulqa_mc2": 0.73},
    )
    there = their_row(continuations=[" a", " b"], logprobs=[-2.0, -1.0], metrics={"acc": 0.73})
    values, results = {"truthfulqa_mc2": 0.73}, {"acc,none": 0.73}
    assert held([here], [there], "truthfulqa_mc2", values, results).differences == []
    swapped = their_row(continuations=[" a", " b"], logprobs=[-1.0, -2.0], metrics={"acc": 0.73})
    assert len(held([here], [swapped], "truthfulqa_mc2", values, results).differences) == 2


def generated(text: str, **changes: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A generated sample here, and under the peer's two filters."""
    here = our_row(
        prompt="p", completion=text, choices=None, continuations=None, logprobs=None, greedy=None,
        **{"score.exact_match_strict": 0.0, "score.exact_match_flexible": 1.0},
    )  # fmt: skip
    row = their_row(context="p", continuations=[], logprobs=[], greedy=[], text=" 7", **changes)
    there = [
        row | {"filter": "strict-match", "metrics": {"exact_match": 0.0}},
        row | {"filter": "flexible-extract", "metrics": {"exact_match": 1.0}},
    ]
    return [here], there


@pytest.mark.parametrize(("text", "differences"), [(" 7", 0), (" 7\n", 1), ("7", 1)])
def test_generated_texts_must_be_identical(text: str, differences: int) -> None:
    values = {"exact_match_strict": 0.0, "exact_match_flexible": 1.0}
    results = {"exact_match,strict-match": 0.0, "exact_match,flexible-extract": 1.0}
    finding = held(*generated(text), "gsm8k", values, results)
    assert finding.texts == 1
    assert len(finding.differences) == differences


def test_the_greedy_flag_of_a_single_continuation_counts() -> None:
    changes = {"choices": ["word"], "continuations": [" word"], "logprobs": [-1.0], "greedy": [True]}
    here = our_row(**changes, **{"score.greedy_match": 1.0, "score.target_perplexity": math.e})
    there = their_row(
        continuations=[" word"], logprobs=[-1.0], greedy=[False], metrics={"acc": 0.0, "perplexity": -1.0}
    )
    values = {"greedy_match": 1.0, "target_perplexity": math.e}
    finding = held([here], [there], "lambada", values, {"acc,none": 0.0, "perplexity,none": math.e})
    assert any("greedy is True here and False there" in difference for difference in finding.differences)
    assert not any("perplexity" in difference for difference in finding.differences)


def test_margin() -> None:
    assert margin([-3.0, -1.0, -1.5]) == 0.5
    assert margin([-math.inf, -math.inf]) == 0.0
    assert margin([-1.0]) == math.inf


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--tasks", "helaswag"], "did you mean 'hellaswag'?"),
        (["--limit", "0"], "--limit must be 1 or more"),
        (["--tasks", "arc_easy", "--peer-env", "no/such/folder"], "lm_eval 0.4.13"),
    ],
)
def test_what_cannot_be_found_out_is_code_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert len(captured.err.strip().splitlines()) == 1
    assert captured.out == ""
