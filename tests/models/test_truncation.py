"""Contexts longer than the model's: their beginning of text stays, and all choices lose the same tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command_line import GENERATE, SCORE, call, write_task
from tiny_models import CHAT_WITH_BOS, save_encoder_tokenizer, save_model, save_tokenizer

from lsm_eval.models.base import ModelOptions
from lsm_eval.models.encoding import Encoder
from lsm_eval.models.family_encoding import ConditionalEncoder, MaskedEncoder
from lsm_eval.models.hf import HFModel
from lsm_eval.models.request_encoding import RequestEncoder
from lsm_eval.requests import Failure, Generate, Likelihood, Perplexity, Score

ROOM = 24
LONG = "the cat sat on the mat and the dog sat on the log, é 语: " * 3 + "what is the"
CHOICES = (" name", " name of the other one and the answer", " log")


@pytest.fixture(autouse=True)
def _quiet_machine(own_cache: Path, one_thread: None) -> None:
    """Own cache, one thread."""


def _encoder(folder: Path, kind: str | None = None, **options: Any) -> Encoder:
    from transformers import AutoTokenizer

    save_encoder_tokenizer(folder, kind) if kind else save_tokenizer(folder, **options)
    return Encoder(AutoTokenizer.from_pretrained(folder))


def _rows(requests: RequestEncoder, request: Any) -> tuple[list[Any], int]:
    found = requests.rows(request)
    assert not isinstance(found, Failure), found
    return list(found[0]), found[1]


@pytest.mark.parametrize("options", [{}, {"special_start": False}, {"bos": False}, {"chat": CHAT_WITH_BOS}])
def test_choices_are_cut_alike_after_the_beginning_of_text(tmp_path: Path, options: dict[str, Any]) -> None:
    encoder = _encoder(tmp_path, **options)
    requests = RequestEncoder(encoder, ROOM, "truncate")
    request = Score(LONG, CHOICES, chat="chat" in options)
    rows, cut = _rows(requests, request)
    whole = encoder.encode_pairs(requests.text(request), CHOICES, chat=request.chat)
    assert cut == max(len(tokens) for tokens, _ in whole) - 1 - ROOM > 0
    kept = 1 if options in ({}, {"chat": CHAT_WITH_BOS}) else 0
    for (tokens, scored), row in zip(whole, rows, strict=True):
        assert row.scored == scored, "a continuation is never cut"
        assert row.tokens == (*tokens[:kept], *tokens[kept + cut :])
        assert not kept or row.tokens[0] == encoder.bos
    read = requests.read(request)
    assert list(rows[2].tokens[: -rows[2].scored]) == encoder.encode([read], chat=request.chat)[0]
    assert requests.text(request).endswith(read.removeprefix("<s>"))
    assert read.startswith("<s>") == request.chat


def test_as_the_harness_cuts(tmp_path: Path) -> None:
    """From the very left, and each choice by itself."""
    encoder = _encoder(tmp_path)
    requests = RequestEncoder(encoder, ROOM, "truncate")
    rows, cut = _rows(requests, Score(LONG, CHOICES, lm_eval=True))
    for (tokens, scored), row in zip(encoder.encode_pairs(LONG, CHOICES), rows, strict=True):
        assert (row.tokens, row.scored) == (tokens[-ROOM - 1 :], scored)
    longest = max(len(row.tokens) + cut for row in rows)
    assert longest == ROOM + 1 + cut
    prompt = requests.prompt(Generate(LONG, max_tokens=8, lm_eval=True))
    assert not isinstance(prompt, Failure)
    (whole,) = encoder.encode([LONG])
    assert list(prompt[0].tokens) == whole[-ROOM + 8 :]
    assert LONG.endswith(requests.read(Generate(LONG, max_tokens=8, lm_eval=True)))


def test_prompts_keep_their_beginning_of_text(tmp_path: Path) -> None:
    encoder = _encoder(tmp_path, chat=CHAT_WITH_BOS)
    requests = RequestEncoder(encoder, ROOM, "truncate")
    for chat in (False, True):
        request = Generate(LONG, max_tokens=8, system="be brief", chat=chat)
        found = requests.prompt(request)
        assert not isinstance(found, Failure)
        prompt, cut = found
        (tokens,) = encoder.encode([requests.text(request)], chat=chat)
        assert list(prompt.tokens) == [encoder.bos, *tokens[1 + cut :]]
        assert len(prompt.tokens) == ROOM - 8
        read = requests.read(request)
        assert encoder.encode([read], chat=chat)[0] == list(prompt.tokens)
        assert read.startswith("<s>") == chat
        assert read.removeprefix("<s>") in requests.text(request)
    short = Generate("the cat", max_tokens=8)
    assert requests.read(short) == "the cat"
    assert isinstance(requests.prompt(Generate(LONG, max_tokens=ROOM)), Failure), "nothing else would stay"


def test_a_choice_that_leaves_no_context(tmp_path: Path) -> None:
    requests = RequestEncoder(_encoder(tmp_path), ROOM, "truncate")
    assert isinstance(requests.rows(Score("the", (" a", " cat" * 30))), Failure)
    for overflow in ("error", "skip"):
        refused = RequestEncoder(_encoder(tmp_path), ROOM, overflow)
        assert isinstance(refused.rows(Score(LONG, CHOICES)), Failure)
        assert refused.read(Score(LONG, CHOICES)) == LONG


@pytest.mark.parametrize("kind", ["t5", "bart", "bert", "roberta"])
def test_special_tokens_at_both_ends_stay(tmp_path: Path, kind: str) -> None:
    encoder = _encoder(tmp_path, kind)
    start, end = len(encoder.prefix), len(encoder.suffix)
    request = Score(LONG, CHOICES)
    if kind in ("t5", "bart"):
        (whole,) = encoder.encode_whole([LONG])
        requests: RequestEncoder = ConditionalEncoder(encoder, ROOM, "truncate")
        rows, cut = _rows(requests, request)
        prompt = requests.prompt(Generate(LONG, max_tokens=8))
        assert not isinstance(prompt, Failure)
        for context in (prompt[0].tokens, *(row.context for row in rows)):
            assert list(context) == [*whole[:start], *whole[start + cut :]]
            assert len(context) == ROOM
            assert context[-end:] == encoder.suffix
        bare, _ = _rows(requests, Score(LONG, CHOICES, lm_eval=True))
        assert list(bare[0].context) == whole[-ROOM:]
    else:
        requests = MaskedEncoder(encoder, ROOM, "truncate")
        rows, cut = _rows(requests, request)
        wholes = encoder.encode_around(LONG, CHOICES)
        assert cut == max(len(tokens) for tokens, _, _ in wholes) - ROOM
        for (tokens, first, scored), row in zip(wholes, rows, strict=True):
            assert row.tokens == (*tokens[:start], *tokens[start + cut :])
            assert (row.first, row.scored) == (first - cut, scored)
            assert row.tokens[:start] == encoder.prefix
            assert row.tokens[-end:] == encoder.suffix
    assert LONG.endswith(requests.read(request))
    assert requests.read(request) != LONG


def test_a_record_shows_what_was_read(tmp_path: Path) -> None:
    import pandas as pd

    from lsm_eval.results.reader import read_record

    model = save_model(tmp_path / "model")
    row = {"question": LONG * 2, "choices": ["a", "a long story of weather and feather"], "answer": 0}
    write_task(tmp_path / "tasks", "choose", [row], **SCORE)
    write_task(tmp_path / "tasks", "say", [row], **GENERATE)
    done = call("run", "--tasks", "choose,say", "--include", tmp_path / "tasks", "--model", model,
                "--out", tmp_path / "out", "--store", "none", "--overflow", "truncate")  # fmt: skip
    assert done.code == 0, done.err
    record = read_record(done.record)
    assert all(" overflow:truncate cut:after_start " in estimate.signature for estimate in record.estimates)
    encoder = HFModel("tiny", ModelOptions(), folder=model).encoder
    for task, new in (("choose", 0), ("say", 8)):
        (shown,) = pd.DataFrame(record.samples(task).to_pylist()).to_dict("records")
        whole = f"{row['question']}?"
        assert whole.endswith(shown["prompt"])
        cut = len(encoder.encode([whole])[0]) - len(encoder.encode([shown["prompt"]])[0])
        assert shown["truncated"] == cut > new


@pytest.mark.parametrize("options", [{}, {"special_start": False}])
@pytest.mark.parametrize("text", ["the cat sat on the mat", LONG, "", "é"])
def test_a_text_that_writes_its_own_beginning(tmp_path: Path, options: dict[str, Any], text: str) -> None:
    """Its perplexity is that of the text after one beginning, in every window."""
    model = HFModel("tiny", ModelOptions(), folder=save_model(tmp_path / "model", context=ROOM, **options))
    asked = [Perplexity(text), Perplexity("<s>" + text), Perplexity("<s>" + text, lm_eval=True)]
    costs = model.cost(asked)
    found: dict[int, Any] = {}
    for batch in model.answer(asked):
        found.update(batch)
    plain, own, harness = (found[at] for at in range(3))
    assert isinstance(own, Likelihood)
    assert own == plain
    assert (costs[1].asked, costs[1].bos) == (costs[0].asked, 1)
    assert harness.tokens == plain.tokens + 1, "there, a beginning of text is scored, too"


def test_a_masked_text_that_writes_its_own_beginning(tmp_path: Path) -> None:
    encoder = _encoder(tmp_path, "bert")
    requests = MaskedEncoder(encoder, 64, "error")
    assert requests.rows(Perplexity("[CLS] the cat")) == requests.rows(Perplexity("the cat"))
    assert requests.rows(Score("[CLS] the cat", ("sat",))) == requests.rows(Score("the cat", ("sat",)))
    conditional = ConditionalEncoder(_encoder(tmp_path / "bart", "bart"), 64, "error")
    rows, _ = _rows(conditional, Score("<s>the cat", (" sat",)))
    assert list(rows[0].context).count(conditional._encoder.prefix[0]) == 1
