"""The tasks about training data: passages, canaries, members, and token ids as text."""

from __future__ import annotations

import base64
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lsm_eval.errors import UserError
from lsm_eval.metrics.registry import create
from lsm_eval.metrics.scoring import score_task
from lsm_eval.models.baselines import Baseline
from lsm_eval.request_json import store_key
from lsm_eval.requests import Generate, Perplexity, Score
from lsm_eval.tasks.build import BuildOptions, build_samples
from lsm_eval.tasks.data.load import load
from lsm_eval.tasks.data.make_mirror import write_mirror
from lsm_eval.tasks.data.options import DataOptions
from lsm_eval.tasks.helpers.canaries import (
    FORMATS,
    canaries,
    canary_before,
    canary_bits,
    canary_choices,
    canary_place,
)
from lsm_eval.tasks.readers.lm_extraction import rows as extraction_rows
from lsm_eval.tasks.readers.passages import members, prefixes
from lsm_eval.tasks.registry import LoadedTask, Registry
from lsm_eval.tasks.sample import Sample


def samples_of(name: str, mirror: Path | None = None) -> tuple[LoadedTask, list[Sample]]:
    (loaded,) = Registry().resolve([name])
    dataset = loaded.task.dataset
    table = load(dataset, base=loaded.folder, options=DataOptions(mirror=mirror), pinned=dataset.sha256)
    assert table.pinned
    return loaded, build_samples(loaded, table, None, BuildOptions(shots=0))


def test_a_passage_is_continued_from_one_point_by_every_prefix(hub_mirror: Path) -> None:
    loaded, samples = samples_of("verbatim_extraction", hub_mirror)
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
    assert {"verbatim", "edit_similarity"} <= {name for spec in loaded.task.metrics for name in (spec if isinstance(spec, dict) else [spec])}  # fmt: skip


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


def test_members_are_of_the_first_split(hub_mirror: Path) -> None:
    import pyarrow.parquet as pq

    folder = hub_mirror / "karpathy/tiny_shakespeare/default"
    splits = [
        pq.read_table(folder / f"{name}.parquet").column("text")[0].as_py()
        for name in ("train", "validation")
    ]
    _, samples = samples_of("membership_demo", hub_mirror)
    assert len(samples) == 200
    for sample in samples:
        assert isinstance(sample.request, Perplexity)
        assert sample.request.detail
        own, other = splits if sample.metadata["member"] else splits[::-1]
        assert sample.request.text in own
        assert sample.request.text not in other
    clusters = {sample.cluster for sample in samples}
    assert len(clusters) == 20
    assert {sample.metadata["member"] for sample in samples[:20]} == {True, False}, "a part has both, too"
    assert len({sample.request for sample in samples}) == 200


def test_a_mirror_of_two_splits_has_both(hub_mirror: Path, tmp_path: Path) -> None:
    (loaded,) = Registry().resolve(["membership_demo"])
    written = write_mirror([loaded], tmp_path, DataOptions(mirror=hub_mirror))
    assert sorted(record["split"] for record in written) == ["train", "validation"]
    dataset = loaded.task.dataset
    assert load(
        dataset, base=loaded.folder, options=DataOptions(mirror=tmp_path), pinned=dataset.sha256
    ).pinned


def test_members_need_two_texts_that_are_long_enough() -> None:
    with pytest.raises(UserError, match="two splits"):
        members([{"text": "one"}])
    with pytest.raises(UserError, match="more than a text's 3 words"):
        members([{"text": "one two three"}] * 2)


def test_canaries_of_the_packaged_task() -> None:
    loaded, samples = samples_of("canary_exposure")
    assert len(samples) == 4 * len(FORMATS)
    assert len({sample.cluster for sample in samples}) == len(FORMATS)
    rows = {row["canary"]: row for row in canaries(4, 1)}
    for sample in samples:
        row, request = rows[sample.id], sample.request
        assert isinstance(request, Score)
        assert len(set(request.continuations)) == 256
        (at,) = sample.target
        assert isinstance(at, int)
        assert request.context + request.continuations[at] == row["text"].format(secret=row["secret"])
        assert sample.metadata["space_bits"] == pytest.approx(canary_bits(row["pattern"]))
        assert sample.metadata["repeats"] is None
    one, other = (sample.request for sample in samples[:2])
    assert isinstance(one, Score)
    assert isinstance(other, Score)
    assert len({*one.continuations, *other.continuations}) <= 258, "one list of candidates a sentence"
    assert len({sample.target for sample in samples}) > 20, "the secret stands anywhere"

    metrics = [create(spec) for spec in loaded.task.metrics]
    for name in ("uniform", "first"):
        (answers,) = Baseline(name).answer([sample.request for sample in samples])
        found, _ = score_task(metrics, samples, [answers[i] for i in range(len(samples))], seed=0)
        # A row without likelihoods has no exposure, not an exposure of 0.
        assert {estimate.value for _, estimate in found} == {None}
        assert {estimate.missing for metric, estimate in found if "[" not in metric.name} == {len(samples)}


def test_spaces_of_secrets() -> None:
    assert canary_bits("###") == pytest.approx(3 * np.log2(10))
    assert canary_bits("a-?#") == pytest.approx(np.log2(260))
    assert canary_before("open {secret} now") == "open "
    found = canary_choices("open {secret} now", "a#", "a7", 50)
    assert sorted(found) == [f"a{digit} now" for digit in range(10)], "a small space as a whole"
    assert found[canary_place("open {secret} now", "a#", "a7", 50)] == "a7 now"
    few = canary_choices("open {secret} now", "a#", "a7", 4)
    assert len(set(few)) == 4
    assert "a7 now" in few
    assert canaries(2, 5) == [row for row in canaries(4, 5) if int(row["canary"][2:]) < 2]


@pytest.mark.parametrize(
    ("text", "pattern", "secret", "message"),
    [
        ("x {secret}", "##", "1", "does not fit"),
        ("x {secret}", "#?", "1A", "does not fit"),
        ("x", "##", "12", "no place"),
        ("x {secret}", "ab", "ab", "nothing about it is secret"),
    ],
)
def test_canaries_that_are_none(text: str, pattern: str, secret: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        canary_choices(text, pattern, secret, 8)


def test_token_ids_as_text(tmp_path: Path) -> None:
    vocabulary = [b"one", b" two", " t\u00e9".encode()[:3], " t\u00e9".encode()[3:], b"\n"]
    lines = [f"{base64.b64encode(token).decode()} {number}" for number, token in enumerate(vocabulary)]
    (tmp_path / "v.tiktoken").write_text("\n".join(lines) + "\n")
    np.save(tmp_path / "prefix.npy", np.array([[0, 1, 2], [0, 1, 4], [1, 2, 3], [0, 0, 9]], np.uint16))
    np.save(tmp_path / "suffix.npy", np.array([[3, 1], [1, 1], [2, 3], [0, 0]], np.uint16))
    paths = [tmp_path / name for name in ("prefix.npy", "suffix.npy", "v.tiktoken")]
    assert extraction_rows(paths) == [
        {"example": 1, "prefix": "one two\n", "suffix": " two two"},
        {"example": 2, "prefix": " two t\u00e9", "suffix": " t\u00e9"},
    ], "the first is cut inside a character, the last has a token that is no text"
    assert extraction_rows(paths, prefix_tokens=2)[0]["prefix"] == " two\n"


def test_the_challenge_where_its_vocabulary_is_at_hand(data_files: Path) -> None:
    (loaded,) = Registry().resolve(["lm_extraction"])
    dataset = loaded.task.dataset
    if not all((data_files / file.name).is_file() for file in dataset.files):
        pytest.skip("needs GPT-2's vocabulary beside the challenge's token ids")
    table = load(dataset, base=loaded.folder, options=DataOptions(files=data_files), pinned=dataset.sha256)
    assert (table.pinned, len(table.rows)) == (True, 988)


def test_requests_without_detail_keep_their_keys() -> None:
    """As they were before there was detail: answers in users' stores stay good."""
    assert store_key(Perplexity("text"), "f") == _old_key({"text": "text"}, "perplexity")
    fields: dict[str, Any] = {"chat": False, "max_tokens": 256, "prompt": "p", "stop": [], "system": None}
    assert store_key(Generate("p"), "f") == _old_key(fields, "generate")
    drawn = {**fields, "temperature": 0.5, "top_p": 1.0, "seed": 3}
    assert store_key(Generate("p", temperature=0.5, seed=3), "f") == _old_key(drawn, "generate")
    assert store_key(Perplexity("text", detail=True), "f") != store_key(Perplexity("text"), "f")
    assert store_key(Generate("p", detail=True), "f") != store_key(Generate("p"), "f")


def _old_key(fields: dict[str, Any], kind: str) -> str:
    import hashlib
    import json

    return hashlib.sha256(json.dumps(["f", kind, fields], sort_keys=True).encode()).hexdigest()
