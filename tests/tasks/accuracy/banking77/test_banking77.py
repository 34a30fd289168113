"""Banking77: the choices that the task file lists are the intents of the data, in the order of their labels."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
from mirrored_tasks import samples_of

from lsm_eval.requests import Score

QUESTIONS = 3080


def test_each_label_is_the_intent_that_the_data_name(hub_mirror: Path) -> None:
    rows = pq.read_table(hub_mirror / "mteb" / "banking77" / "default" / "test.parquet").to_pylist()
    samples = samples_of("banking77", hub_mirror)
    assert len(rows) == len(samples) == QUESTIONS
    # "Refund_not_showing_up" and "reverted_card_payment?" are spelt so in the data.
    intents = [row["label_text"].replace("_", " ").strip("?").lower() for row in rows]
    assert [sample.choices[int(sample.target[0])] for sample in samples] == intents
    assert len(set(intents)) == len(samples[0].choices) == 77


def test_a_question_and_its_choices(hub_mirror: Path) -> None:
    request = samples_of("banking77", hub_mirror, limit=1)[0].request
    assert isinstance(request, Score)
    assert request.context == "Customer: How do I locate my card?\nIntent:"
    assert " card arrival" in request.continuations
