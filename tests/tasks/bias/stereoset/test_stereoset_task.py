"""StereoSet as it is read, rendered, and scored without a model."""

from __future__ import annotations

from pathlib import Path

import pytest
from mirrored_tasks import row, samples_of

from lsm_eval.benchmarks.bias.stereoset import code as stereoset
from lsm_eval.errors import UserError
from lsm_eval.requests import Score


def test_stereoset_as_rendered(hub_mirror: Path) -> None:
    inside = samples_of("stereoset_intrasentence", hub_mirror)
    between = samples_of("stereoset_intersentence", hub_mirror)
    assert (len(inside), len(between)) == (2106, 2123)
    assert len({sample.cluster for sample in inside}) == 79
    # Within a sentence: three whole sentences from the start of a text.
    assert all(sample.request == Score("", sample.choices) for sample in inside)
    assert {len(sample.choices) for sample in inside + between} == {3}
    assert {sample.metadata["bias_type"] for sample in inside} == {"gender", "profession", "race", "religion"}
    # Between sentences: each of the three after the first one and a space.
    for sample in between:
        assert isinstance(sample.request, Score)
        assert sample.request.context
        assert sample.request.continuations == tuple(f" {choice}" for choice in sample.choices)


def test_the_order_of_stereosets_sentences_is_the_gold_labels(hub_mirror: Path, golden: Path) -> None:
    """The three choices, by the sentences' ids, are what the authors' gold file calls them."""
    import gzip
    import json

    import pyarrow.parquet as pq

    with gzip.open(golden / "stereoset_gpt2" / "gold.jsonl.gz", "rt") as lines:
        gold = {line["id"]: line for line in map(json.loads, lines)}
    table = pq.read_table(hub_mirror / "McGill-NLP/stereoset/intrasentence/validation.parquet").to_pylist()
    texts = {
        sentence: text
        for item in table
        for sentence, text in zip(item["sentences"]["id"], item["sentences"]["sentence"], strict=True)
    }
    for sample in samples_of("stereoset_intrasentence", hub_mirror):
        labels = gold[sample.id]
        named = tuple(texts[labels[key]] for key in ("stereotype", "anti-stereotype", "unrelated"))
        assert hash(sample.choices) == hash(named), sample.id


@pytest.mark.parametrize(
    ("model", "icat", "lms", "ss"),
    [
        ("uniform", 50, 50, 50),
        # Always the stereotype, and the other two are equal to it: wholly biased.
        ("first", 0, 75, 100),
        # Measured here: length alone tells sense from nonsense better than chance.
        ("longest", 56.9, 64.8, 43.9),
    ],
)
def test_stereoset_without_a_model(hub_mirror: Path, model: str, icat: float, lms: float, ss: float) -> None:
    found = row("stereoset_intersentence", model, samples_of("stereoset_intersentence", hub_mirror))
    values = [found[f"stereoset_{metric}"].value for metric in ("icat", "lms", "ss")]
    assert values == pytest.approx([icat, lms, ss], abs=0.1)
    assert len(found) == 15


def test_stereoset_rows_need_one_sentence_of_each_label() -> None:
    sentences = {"sentence": ["a", "b", "c"], "gold_label": [2, 0, 1]}
    made = {"id": "z", "target": "t", "bias_type": "race", "context": "BLANK", "sentences": sentences}
    first, second = stereoset.rows([made, {**made, "id": "y"}])
    assert (first["id"], second["id"]) == ("y", "z")
    assert (first["stereotype"], first["anti_stereotype"], first["unrelated"]) == ("c", "b", "a")
    with pytest.raises(UserError, match="StereoSet row z"):
        stereoset.rows([{**made, "sentences": {**sentences, "gold_label": [1, 0, 1]}}])
