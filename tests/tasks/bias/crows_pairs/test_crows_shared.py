"""CrowS-Pairs' score for masked models: what is asked adds up to the shared words, each masked in turn."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tiny_models import save_encoder_model

from lsm_eval.benchmarks.bias.crows_pairs.code import PrefersFirstShared, shared_words
from lsm_eval.errors import UserError
from lsm_eval.metrics.base import Measurement
from lsm_eval.models.base import ModelOptions
from lsm_eval.models.hf import HFModel
from lsm_eval.requests import Score, Scored
from lsm_eval.scoring.task import score_task
from lsm_eval.tasks.sample import Sample

PAIRS = [
    ("the cat sat on the mat and slept.", "the dog sat on the mat and slept."),
    ("a cat sat down; the cat slept", "a dog sat down; the dog slept"),
    ("cats sat on the mat.", "the old dogs sat on the mat!"),
    ("the cat sat", "the cat sat on the mat"),
]


def sample(first: str, second: str) -> Sample:
    shared = shared_words(first, second)
    further = tuple(Score(context, tuple(ends)) for context, ends in shared["asked"])
    return Sample("p", Score("", (first, second)), metadata={"shared": shared}, further=further)


def test_shared_words_of_a_pair() -> None:
    assert shared_words("The cat sat.", "The dog sat.") == {
        # Of each: all but the end from the second word on, and the end after it.
        "asked": [
            ("The", [" cat sat."]), ("The cat", [" sat."]), ("The", [" dog sat."]), ("The dog", [" sat."]),
        ],
        "signs": [(0, -1), (0, 1), (1, -1), (1, 1)],
        "whole": (1, 1),
        "shared": 3,
    }  # fmt: skip
    assert shared_words("He ran", "She walked")["shared"] == 0
    # Marks and words with an apostrophe are words of their own.
    assert shared_words("It isn't, he says", "It isn't; she says")["shared"] == 3


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_the_sum_is_that_of_shared_tokens_each_masked(tmp_path: Path, kind: str, one_thread: None) -> None:
    folder = save_encoder_model(tmp_path / kind, kind)
    model = HFModel("hf:tiny", ModelOptions(device="cpu"), folder=folder)
    model.load()
    assert model.info.likelihood == "pseudo"
    metric = PrefersFirstShared()
    for first, second in PAIRS:
        pair = sample(first, second)
        answers: dict[int, Any] = {}
        for batch in model.answer(pair.requests):
            answers.update(batch)
        found = metric.scores(pair, [answers[i] for i in range(len(pair.requests))])
        wanted = brute_force(folder, first, second)
        assert found == pytest.approx(wanted, abs=1e-4)
        whole = answers[0].logprobs
        assert found[1] != pytest.approx(whole[1], abs=1e-3), "not the whole sentence"


def brute_force(folder: Path, first: str, second: str) -> tuple[float, float]:
    """Mask each token of a shared word of either sentence, and add up."""
    import torch
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    network = transformers.AutoModelForMaskedLM.from_pretrained(folder).eval()
    sums = []
    for text, other in ((first, second), (second, first)):
        shared = shared_spans(text, other, swap=text is second)
        encoded = tokenizer(text, return_offsets_mapping=True, return_tensors="pt")
        ids = encoded["input_ids"]
        total = 0.0
        for place, (start, end) in enumerate(encoded["offset_mapping"][0].tolist()):
            inner = text[start:end].strip()
            if not inner or not any(a <= start + text[start:end].find(inner) < b for a, b in shared):
                continue
            masked = ids.clone()
            masked[0, place] = tokenizer.mask_token_id
            with torch.inference_mode():
                logits = network(input_ids=masked).logits[0, place].float()
            total += float(torch.log_softmax(logits, -1)[ids[0, place]])
        sums.append(total)
    return sums[0], sums[1]


def shared_spans(text: str, other: str, *, swap: bool) -> list[tuple[int, int]]:
    """Characters of the words that the paper's matching finds in both, in `text`."""
    from difflib import SequenceMatcher

    spans = [[m.span() for m in re.finditer(r"\w+|[^\w\s]", t)] for t in (text, other)]
    words = [[t[a:b] for a, b in own] for t, own in zip((text, other), spans, strict=True)]
    order = (1, 0) if swap else (0, 1)
    blocks = SequenceMatcher(None, words[order[0]], words[order[1]], autojunk=False).get_matching_blocks()
    starts = [(block.b if swap else block.a, block.size) for block in blocks]
    return [spans[0][start + i] for start, size in starts for i in range(size)]


def scored(*logprobs: float) -> Scored:
    return Scored(logprobs, (1,) * len(logprobs), (False,) * len(logprobs))


def test_a_rare_name_does_not_count() -> None:
    pair = sample("The cat sat.", "The axolotl sat.")
    # Whole: the second is far less likely, by its name alone; what both share is likelier in it.
    answers = [scored(-10, -30), scored(-8), scored(-4), scored(-28.5), scored(-4)]
    found, rows = score_task([PrefersFirstShared()], [pair], [_joined(answers)], seed=0)
    assert PrefersFirstShared().scores(pair, answers) == (-6.0, -5.5)
    assert rows[0]["prefers_first_shared"] == Measurement((0.0, 1.0), 0.0)
    assert found[0][1].n == 1


def test_pairs_that_share_nothing_have_no_say_and_wrong_requests_are_refused() -> None:
    metric = PrefersFirstShared()
    assert metric.measure(sample("He ran", "She walked"), scored(-1, -2)) is None
    pair = sample("The cat sat.", "The dog sat.")
    with pytest.raises(UserError, match="asks for 2 sentences and 1 ends, not for 2 and 4"):
        metric.scores(pair, [scored(-1, -2), scored(-3)])


def _joined(answers: list[Scored]) -> Any:
    from lsm_eval.metrics.joint import join

    return join(answers)
