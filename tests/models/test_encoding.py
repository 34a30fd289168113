"""Text to tokens: one beginning of text, contexts split from continuations, no end of text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import CHAT, CHAT_WITH_BOS, save_encoder_tokenizer, save_tokenizer

from lsm_eval.errors import UserError
from lsm_eval.models.encoding import Encoder
from lsm_eval.models.request_encoding import RequestEncoder
from lsm_eval.requests import Failure, Score

BOS, TEXT = "<s>", "the cat sat on the mat"


def _encoder(folder: Path, **options: Any) -> Encoder:
    from transformers import AutoTokenizer

    save_tokenizer(folder, **options)
    return Encoder(AutoTokenizer.from_pretrained(folder))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    """As GPT-2's: has a BOS and does not put it before texts."""
    return _encoder(tmp_path_factory.mktemp("plain"), special_start=False)


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    """As Llama's: puts its BOS before every text; its chat template writes it too."""
    return _encoder(tmp_path_factory.mktemp("llama"), chat=CHAT_WITH_BOS)


def _count(encoder: Encoder, tokens: Any) -> int:
    return list(tokens).count(encoder.bos)


def test_one_bos_before_a_text(llama: Encoder) -> None:
    (tokens,) = llama.encode([TEXT])
    assert tokens[0] == llama.bos
    assert _count(llama, tokens) == 1
    assert llama.decode(tokens) == TEXT


def test_a_text_that_begins_with_bos_gets_no_other(llama: Encoder) -> None:
    assert llama.encode([BOS + TEXT]) == llama.encode([TEXT])


def test_a_context_that_is_no_token_of_its_own_is_an_empty_one(plain: Encoder) -> None:
    """Something stands before every token that is scored."""
    ((tokens, scored),) = plain.encode_pairs("t", ["he"])
    assert (tokens, scored) == ((*plain.start, *plain.encode(["the"])[0]), 1)


def test_a_text_of_no_tokens_is_not_scored(plain: Encoder) -> None:
    """Its likelihood would be 1, and it the best of all choices."""
    found = RequestEncoder(plain, None, "error").rows(Score("", ("", "the")))
    assert isinstance(found, Failure)
    assert found.reason == "unsupported"


def test_a_chat_template_that_writes_bos_gets_no_other(llama: Encoder) -> None:
    text = llama.chat("what?", None)
    assert text.startswith(BOS)
    for chat in (True, False):
        (tokens,) = llama.encode([text], chat=chat)
        assert _count(llama, tokens) == 1
        for whole, _ in llama.encode_pairs(text, [" yes", "no"], chat=chat):
            assert _count(llama, whole) == 1


def test_a_chat_template_without_bos_is_left_as_it_is(tmp_path: Path) -> None:
    encoder = _encoder(tmp_path, chat=CHAT)
    (tokens,) = encoder.encode([encoder.chat("what?", "be brief")], chat=True)
    assert _count(encoder, tokens) == 0
    assert encoder.tokenizer.decode(tokens) == "<|system|>be brief\n<|user|>what?\n<|assistant|>"


def test_a_tokenizer_that_adds_nothing_gets_nothing(plain: Encoder) -> None:
    (tokens,) = plain.encode([TEXT])
    assert _count(plain, tokens) == 0
    assert plain.start == (plain.bos,), "an empty context is still the start of a text"


@pytest.mark.parametrize("bos", [True, False])
def test_no_end_of_text_after_what_is_to_be_continued(tmp_path: Path, bos: bool) -> None:
    encoder = _encoder(tmp_path, eos_at_end=True, bos=bos)
    end = encoder.tokenizer.eos_token_id
    assert encoder.tokenizer(TEXT)["input_ids"][-1] == end, "the tokenizer itself adds it"
    (tokens,) = encoder.encode([TEXT])
    assert end not in tokens
    assert _count(encoder, tokens) == (1 if bos else 0)
    for whole, _ in encoder.encode_pairs(TEXT, [" yes"]):
        assert end not in whole


def test_without_bos_an_empty_context_is_the_end_of_text(tmp_path: Path) -> None:
    encoder = _encoder(tmp_path, bos=False)
    ((whole, scored),) = encoder.encode_pairs("", ["yes"])
    assert whole[0] == encoder.tokenizer.eos_token_id
    assert scored == len(whole) - 1


def test_neither_bos_nor_eos(tmp_path: Path) -> None:
    encoder = _encoder(tmp_path, bos=False)
    encoder.tokenizer.eos_token = None
    with pytest.raises(UserError, match="neither a BOS nor an EOS"):
        encoder.encode_pairs("", ["yes"])


def test_an_empty_context(llama: Encoder) -> None:
    (first, second, third) = llama.encode_pairs("", ["yes", BOS + "yes", " yes"])
    assert first == second, "the BOS that a text writes itself is not doubled"
    assert first[0][0] == llama.bos
    assert first[1] == len(first[0]) - 1
    assert third[0] != first[0]


def test_spaces_at_the_end_of_a_context_belong_to_the_continuation(llama: Encoder) -> None:
    assert llama.encode_pairs("what? ", ["the", "yes"]) == llama.encode_pairs("what?", [" the", " yes"])
    assert llama.encode_pairs(" \n", ["the"]) == llama.encode_pairs("", [" \nthe"])


def test_a_continuation_that_merges_with_the_context(plain: Encoder) -> None:
    """`th` + `e` is one token `the`: all of it, and at least one token, is scored."""
    (the,) = plain.encode([" the"])
    assert len(the) == 1
    head = plain.encode(["on th"])[0]
    ((whole, scored),) = plain.encode_pairs("on th", ["e"])
    assert list(whole) == plain.encode(["on the"])[0]
    assert len(whole) == len(head) or len(whole) < len(head), "the merge made no token more"
    assert scored == 1


@settings(max_examples=60, deadline=None)
@given(st.text("the cat\n é语", max_size=12), st.text("the cat\n é语", min_size=1, max_size=8))
def test_pairs_are_the_whole_text(llama: Encoder, context: str, continuation: str) -> None:
    ((whole, scored),) = llama.encode_pairs(context, [continuation])
    assert llama.decode(whole) == context + continuation
    assert _count(llama, whole) == 1
    assert 1 <= scored <= len(whole) - 1
    # What is not scored spells a prefix of the context (or is cut inside one of its characters).
    told = llama.decode(whole[:-scored]).rstrip("\ufffd")
    assert (context + continuation).startswith(told)


def test_tokens_that_the_model_lacks(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    save_tokenizer(tmp_path)
    with pytest.raises(
        UserError, match="the model has tokens 0 to 9 only: take tokenizer and weights from one"
    ):
        Encoder(AutoTokenizer.from_pretrained(tmp_path), vocabulary=10)


@pytest.fixture(scope="module")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Encoder]:
    """Tokenizers of models that read whole texts."""
    from transformers import AutoTokenizer

    found = {}
    for kind in ("t5", "bart", "bert"):
        folder = tmp_path_factory.mktemp(kind)
        save_encoder_tokenizer(folder, kind)
        found[kind] = Encoder(AutoTokenizer.from_pretrained(folder))
    return found


@pytest.mark.parametrize("kind", ["t5", "bart", "bert"])
def test_a_whole_text_is_what_the_tokenizer_makes_of_it(encoders: dict[str, Encoder], kind: str) -> None:
    encoder = encoders[kind]
    assert encoder.encode_whole([TEXT, "yes"]) == encoder.tokenizer([TEXT, "yes"])["input_ids"]
    (whole,) = encoder.encode_whole([TEXT])
    assert tuple(whole[: len(encoder.prefix)]) == encoder.prefix
    assert tuple(whole[-len(encoder.suffix) :]) == encoder.suffix
    assert encoder.suffix, "a text ends"


def test_a_whole_text_that_writes_its_own_beginning_gets_nothing(encoders: dict[str, Encoder]) -> None:
    whole, other = encoders["bart"].encode_whole([BOS + TEXT, TEXT])
    assert whole == other[:-1]


def test_context_and_continuation_apart(encoders: dict[str, Encoder]) -> None:
    encoder = encoders["t5"]
    end = encoder.tokenizer.eos_token_id
    first, second = encoder.encode_apart("the cat ", ["sat", " on"])
    assert first[0] == second[0] == (*encoder.encode_whole(["the cat"])[0],)
    assert encoder.decode(first[1]) == " sat"
    empty, own = encoder.encode_apart("", ["sat", "</s>sat"])
    assert empty == own, "an end of text that a continuation writes itself is not doubled"
    assert empty[0] == (end,)


def test_a_continuation_inside_a_whole_text(encoders: dict[str, Encoder]) -> None:
    encoder = encoders["bert"]
    for context, continuation in (("the cat", " sat on"), ("", "the cat"), ("the cat ", "and"), ("th", "e")):
        ((whole, first, scored),) = encoder.encode_around(context, [continuation])
        assert list(whole) == encoder.tokenizer(context + continuation)["input_ids"]
        assert first + scored == len(whole) - 1
        assert scored >= 1
    ((_, _, scored),) = encoder.encode_around("the cat", ["  "])
    assert scored == 0, "no token more"


def test_a_beginning_of_text_that_the_model_does_not_have_is_refused(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    save_tokenizer(tmp_path, special_start=False)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    size = len(tokenizer)
    tokenizer.add_special_tokens({"bos_token": "<begin>"})
    encoder = Encoder(tokenizer, size)
    with pytest.raises(UserError, match=f"gives token {size} and the model has tokens 0 to {size - 1} only"):
        encoder.encode_pairs("", [" a"])
