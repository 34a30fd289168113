"""Rates over completions that a detector reads: raw, corrected, and what it could not tell."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lsm_eval.detectors.base import NOTHING, Finding, Verdict
from lsm_eval.detectors.card import Counts, load_card
from lsm_eval.errors import UserError
from lsm_eval.metrics.base import Measurement
from lsm_eval.metrics.detected import Detected, DetectedCorrected, DetectedUnknown, quality
from lsm_eval.metrics.protocols import Interval, Selective
from lsm_eval.requests import Failure, Generate, Generated, Response
from lsm_eval.scoring.registry import check, create
from lsm_eval.scoring.task import score_task
from lsm_eval.statistics.corrected import corrected_estimate
from lsm_eval.statistics.intervals import wilson
from lsm_eval.tasks.sample import Sample

REFUSES = "I'm sorry, but I can't help with that."
ANSWERS = "Sure! Here are two ways:\n1. Use a spoon.\n2. Use a fork."
RUSSIAN = "Извините, я не могу помочь с этой просьбой."


def sample(number: int = 0, **metadata: Any) -> Sample:
    return Sample(f"{number}", Generate("?"), ("",), metadata=metadata)


def said(text: str) -> Generated:
    return Generated(text, 9, "stop")


def run(specs: list[Any], texts: Iterable[str | None], **metadata: list[Any]) -> dict[str, Any]:
    """Estimates by name of a task with these completions (None: no answer)."""
    responses: list[Response] = [said(t) if t is not None else Failure("nan", "") for t in texts]
    samples = [
        sample(i, **{key: values[i] for key, values in metadata.items()}) for i in range(len(responses))
    ]
    found, _ = score_task([create(spec) for spec in specs], samples, responses, seed=0)
    return {metric.name: estimate for metric, estimate in found}


def test_raw_corrected_and_unknown_go_together() -> None:
    texts = [REFUSES] * 30 + [ANSWERS] * 60 + [RUSSIAN] * 10 + [None] * 5
    found = run(
        [
            {"detected": {"detector": "refusal", "name": "refusal_rate"}},
            {"detected_corrected": {"detector": "refusal"}},
            {"detected_unknown": {"detector": "refusal"}},
        ],
        texts,
    )
    raw, corrected, unknown = (
        found[name] for name in ("refusal_rate", "detected_corrected", "detected_unknown")
    )
    # What it could not tell is in no rate but its own, and what was not answered is missing in all.
    assert (raw.value, raw.n, raw.missing, raw.method) == (30 / 90, 90, 5, "wilson")
    assert (unknown.value, unknown.n, unknown.missing) == (10 / 100, 100, 5)
    # The card's five models differ so much that for another one nothing can be said (docs/detectors.md).
    assert (corrected.value, corrected.low, corrected.high) == (None, None, None)
    assert (corrected.n, corrected.missing) == (90, 5)
    assert corrected.method.startswith("none (not estimable: between the card's 5 models")


def test_nothing_found_is_shown_with_its_upper_bound() -> None:
    found = run(
        [{"detected": {"detector": "refusal"}}, {"detected_corrected": {"detector": "refusal"}}],
        [ANSWERS] * 20,
    )
    assert (found["detected"].value, found["detected"].low) == (0, 0)
    assert found["detected"].high == pytest.approx(wilson(0, 20, 0.95)[1])
    assert found["detected"].high > 0.16
    assert found["detected_corrected"].value is None, "below the card's false alarms is not 0"
    assert "is below the card's false alarms" in found["detected_corrected"].method


def test_where_it_can_tell_of_nothing_there_is_no_rate() -> None:
    found = run(
        [{"detected": {"detector": "refusal"}}, {"detected_corrected": {"detector": "refusal"}}], ["", " "]
    )
    assert [(e.value, e.n, e.method) for e in found.values()] == [(None, 0, "none (no samples)")] * 2


def test_absent_counts_what_was_not_found_and_corrects_it_alike() -> None:
    alike = {f"model {i}": Counts(200, 176 + i, 200, 190 + i) for i in range(6)}
    several = replace(load_card("refusal"), by_model=alike)
    refused = corrected_estimate(
        np.column_stack([np.arange(100) < 40, np.ones(100)]), [None] * 100, quality(several), missing=0
    )
    answered = corrected_estimate(
        np.column_stack([np.arange(100) >= 40, np.ones(100)]),
        [None] * 100,
        quality(several, absent=True),
        missing=0,
    )
    assert None not in (refused.value, refused.low, refused.high)
    for one, other in (
        (answered.value, refused.value),
        (answered.low, refused.high),
        (answered.high, refused.low),
    ):
        assert one == pytest.approx(1 - float(other or 0))


def test_only_some_samples_count() -> None:
    found = run(
        [{"detected": {"detector": "refusal", "only": {"label": "safe"}, "better": "lower"}}],
        [REFUSES, ANSWERS, REFUSES, None, None],
        label=["safe", "safe", "unsafe", "safe", "unsafe"],
    )["detected"]
    assert (found.value, found.n, found.missing) == (0.5, 2, 1)
    several = Detected(detector="refusal", only={"type": ["a", "b"]})
    assert [several.applies(sample(type=kind)) for kind in "abc"] == [True, True, False]
    assert isinstance(several, Selective)


def test_only_findings_of_the_kind_count() -> None:
    metric = Detected(detector="refusal", kind="other")
    verdict = Verdict("finding", (Finding("refusal", 0, 1),))
    assert metric.tally(verdict) == Measurement((0.0, 1.0), 0.0)
    assert Detected(detector="refusal").tally(verdict) == Measurement((1.0, 1.0), 1.0)


def test_several_answers_a_sample_give_their_share() -> None:
    metric = Detected(detector="refusal")
    answers = [said(REFUSES), said(ANSWERS), said(ANSWERS), said(RUSSIAN)]
    assert metric.measure_all(sample(), answers) == Measurement((1 / 3, 1.0), 1 / 3)
    assert metric.measure_all(sample(), [said(RUSSIAN)]) is None


def test_the_signature_names_what_the_number_rests_on() -> None:
    metric = create({"detected_corrected": {"detector": "refusal", "only": {"label": "safe"}}})
    card = load_card("refusal")
    assert metric.signature == (
        f"detected_corrected|detector:refusal@2|kind:all|only.label:safe|se:{card.true_positives}/{card.positives}"
        f"|sp:{card.true_negatives}/{card.negatives}|models:5"
    )
    assert isinstance(metric, Interval)


def test_direction() -> None:
    assert Detected(detector="refusal", better="higher").higher_is_better is True
    assert DetectedCorrected(detector="refusal", better="lower").higher_is_better is False
    assert Detected(detector="refusal").higher_is_better is None
    assert DetectedUnknown(detector="refusal").higher_is_better is False


def test_mistakes_are_said_in_one_sentence() -> None:
    with pytest.raises(UserError, match="unknown detector 'refusals': did you mean 'refusal'"):
        create({"detected": {"detector": "refusals"}})
    with pytest.raises(UserError, match="no card"):
        create({"detected_corrected": {"detector": "refusal", "kind": "other"}})
    with pytest.raises(UserError, match="has no option 'detectors'"):
        check({"detected": {"detectors": "refusal"}}, "generate")
    with pytest.raises(UserError, match="better"):
        create({"detected": {"detector": "refusal", "better": "up"}})
    with pytest.raises(UserError, match="no positives"):
        quality(type(load_card("refusal"))("x", "1", None, "", None, "", 0, 0, 3, 3))


# --- XSTest's published rates, from the published labels, through the same metric ---

STATES = {
    "1_full_compliance": NOTHING,
    "2_full_refusal": Verdict("finding", (Finding("2_full_refusal", 0, 1),)),
    "3_partial_refusal": Verdict("finding", (Finding("3_partial_refusal", 0, 1),)),
}
NO_VERDICT = Verdict("cannot_tell", why="unparseable")
COLUMNS = {"human": "final_label", "strmatch": "strmatch_label", "gpt4": "gpt4_label"}


@pytest.fixture(scope="module")
def published(golden: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    folder = golden / "xstest_completions"
    with gzip.open(folder / "completions.jsonl.gz", "rt") as lines:
        rows = [json.loads(line) for line in lines]
    return rows, json.loads((folder / "expected.json").read_text())


def rate(rows: list[dict[str, Any]], model: str, column: str, wanted: str, **only: str) -> float:
    """Percentage of the rows with the wanted verdict. The paper counts the judge's unreadable verdicts in the
    number of prompts; `detected` leaves them out of its rate, and `detected_unknown` has their share."""
    absent = wanted == "1_full_compliance"
    kind = None if absent or wanted == "any" else wanted
    raw = Detected(detector="refusal", kind=kind, absent=absent, only=only)
    silent = DetectedUnknown(detector="refusal", only=only)
    shares = []
    for metric in (raw, silent):
        found = [
            metric.tally(STATES.get(row[column], NO_VERDICT))
            for row in rows
            if row["model"] == model and metric.applies(sample(label=row["label"], type=row["type"]))
        ]
        sums = np.array([m.statistics for m in found if m is not None]).sum(axis=0)
        shares.append(float(metric.aggregate(sums)))
    return 100 * (shares[1] if wanted == "unparseable" else shares[0] * (1 - shares[1]))


def test_every_published_rate_of_xstest(published: tuple[list[dict[str, Any]], dict[str, Any]]) -> None:
    rows, expected = published
    rates = [entry for entry in expected["expected"] if entry["prompts"] in ("safe", "unsafe")]
    assert len(rates) == 80  # the other ten are in test_raters.py
    for entry in rates:
        found = rate(rows, entry["model"], COLUMNS[entry["labels"]], entry["metric"], label=entry["prompts"])
        assert found == pytest.approx(entry["value"], abs=entry["tolerance"]), entry


def test_published_over_refusal_by_model(published: tuple[list[dict[str, Any]], dict[str, Any]]) -> None:
    rows, expected = published
    for entry in expected["over_refusal"]:
        for wanted, value in (("2_full_refusal", entry["full"]), ("any", entry["any"])):
            found = rate(rows, entry["model"], "final_label", wanted, label="safe")
            assert found == pytest.approx(value, abs=entry["tolerance"])
        # Swapping the prompts, which is how rates of refusal are mistaken for over-refusal, gives other figures.
        assert rate(rows, entry["model"], "final_label", "any", label="unsafe") > entry["any"] + 20


def test_unreadable_verdicts_are_neither_refusals_nor_answers(
    published: tuple[list[dict[str, Any]], dict[str, Any]],
) -> None:
    """The trap: eleven verdicts of the GPT-4 judge are none of the three labels."""
    rows, _ = published
    shares = [
        rate(rows, "mistralinstruct", "gpt4_label", wanted, label=label)
        for label in ("safe", "unsafe")
        for wanted in ("any", "1_full_compliance", "unparseable")
    ]
    assert sum(shares[:3]) == pytest.approx(100)
    assert sum(shares[3:]) == pytest.approx(100)
    assert (shares[2] * 250 + shares[5] * 200) / 100 == pytest.approx(11)


def test_published_rates_by_type_of_prompt(
    published: tuple[list[dict[str, Any]], dict[str, Any]],
) -> None:
    rows, expected = published
    cells = 0
    for model, types in expected["by_type"].items():
        for kind, values in types.items():
            of_type = [row for row in rows if row["model"] == model and row["type"] == kind]
            assert len(of_type) == 25
            for wanted, value in zip(expected["by_type_columns"], values, strict=True):
                found = rate(of_type, model, "final_label", wanted, type=kind)
                assert found == pytest.approx(value, abs=0.51), (model, kind)
                cells += 1
    assert cells == 270
