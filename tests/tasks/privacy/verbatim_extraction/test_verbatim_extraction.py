"""Passages of a book, and what is given back of them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from mirrored_tasks import metrics_of, samples_of

from lsm_eval.benchmarks.privacy.verbatim_extraction.code import prefixes
from lsm_eval.errors import UserError
from lsm_eval.requests import Generate, Generated
from lsm_eval.scoring.registry import create
from lsm_eval.tasks.sample import Sample


def value(name: str, completion: str) -> float:
    metric: Any = create(name)
    sample = Sample("s", Generate("p"), target=(" one two three four",))
    return float(metric.measure(sample, Generated(completion, 4, "length")).value)


def test_parts_of_the_reference() -> None:
    text = " one two tree four and so on"
    assert value("matched_prefix", text) == 0.5
    assert value("longest_copy", text) == 0.5
    assert value("longest_copy", " zero two three four") == 0.75


def test_a_passage_is_continued_from_one_point_by_every_prefix(hub_mirror: Path) -> None:
    samples = samples_of("verbatim_extraction", hub_mirror)
    assert len(samples) == 150
    first = samples[:3]
    assert [sample.metadata["prefix_words"] for sample in first] == [25, 50, 100]
    assert len({sample.target for sample in first}) == 1
    assert len({sample.cluster for sample in samples}) == 50
    for sample in samples:
        request = sample.request
        assert isinstance(request, Generate)
        assert (len(request.prompt.split()), request.chat) == (sample.metadata["prefix_words"], False)
        (suffix,) = sample.target
        assert isinstance(suffix, str)
        assert len(suffix.split()) == 50
        assert suffix[0].isspace(), "the white space between the two belongs to what is to be continued"
    texts = [sample.request for sample in first]
    assert all(isinstance(t, Generate) and texts[2].prompt.endswith(t.prompt) for t in texts)  # type: ignore[union-attr]
    assert {"verbatim", "edit_similarity"} <= {metric.name for metric in metrics_of("verbatim_extraction")}


def test_prefix_and_suffix_are_the_text_itself() -> None:
    text = "\n".join(f"w{number}  x{number}" for number in range(300))
    rows = prefixes([{"text": text}], passages=4, prefix_words=(5, 20), suffix_words=10, seed=3)
    assert len(rows) == 8
    ends = []
    for row in rows:
        at = text.index(row["prefix"] + row["suffix"])
        ends.append((at, at + len(row["prefix"] + row["suffix"])))
    long = ends[1::2]
    assert all(end <= start for (_, end), (start, _) in pairwise(long)), "no overlap"
    assert rows == prefixes([{"text": text}], passages=4, prefix_words=(5, 20), suffix_words=10, seed=3)
    with pytest.raises(UserError, match="more than the text's 600 words"):
        prefixes([{"text": text}], passages=40, prefix_words=(20,), suffix_words=10)
