"""Our tokenizer of the built-in chat model against llama.cpp's own, reading the same GGUF file."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from llamacpp_server import serve
from tokenizer_texts import TEXTS, Tokenize, blank_runs, differing, random_texts, sentences, variants

pytestmark = pytest.mark.slow

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<repo_name>", "<reponame>", "<empty_output>"]


@pytest.fixture(scope="module")
def llamacpp(gguf: Path) -> Iterator[Tokenize]:
    with serve(gguf) as server:
        yield server.tokenize


@pytest.fixture(scope="module")
def ours(smollm2: Path) -> Tokenize:
    """The same by the checkpoint's tokenizer, as a user loads it."""
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(smollm2)

    def tokenize(text: str, special: bool) -> list[int]:
        ids: list[int] = tokenizer(text, split_special_tokens=not special)["input_ids"]
        return ids

    return tokenize


def foreign(text: str) -> bool:
    """Whether the text holds one of the 21 bytes that the vocabulary has no token for: six control characters,
    and bytes that start the planes without characters (or never stand in UTF-8)."""
    return any(byte in b"\x04\x06\x13\x14\x16\x1d\xf1\xf2" for byte in text.encode())


@pytest.mark.parametrize("name", TEXTS)
def test_written_texts(name: str, ours: Tokenize, llamacpp: Tokenize) -> None:
    assert differing(variants(TEXTS[name]), ours, llamacpp) == []


def test_llamacpp_disagrees_with_a_wrong_split(ours: Tokenize, llamacpp: Tokenize) -> None:
    """The comparison can fail: a number's digits are tokens of their own, and a special token is one token."""
    assert llamacpp("12", True) == ours("1", True) + ours("2", True)
    assert llamacpp("<|im_start|>", True) == [1] != llamacpp("<|im_start|>", False)


def test_whitespace_before_digits(ours: Tokenize, llamacpp: Tokenize) -> None:
    assert differing(blank_runs(), ours, llamacpp) == []


def test_every_character_of_the_first_three_planes(ours: Tokenize, llamacpp: Tokenize) -> None:
    """Letter, digit, blank or other: both must agree on each character that Unicode has a name for."""
    characters = [c for c in map(chr, range(0x30000)) if unicodedata.category(c) not in ("Cs", "Co", "Cn")]
    for start in range(0, len(characters), 64):
        block = characters[start : start + 64]
        text = "".join(f"a{c}b {c} {c}{c}1\n" for c in block)
        if ours(text, True) != llamacpp(text, True):
            assert differing([f"a{c}b {c} {c}{c}1\n" for c in block], ours, llamacpp) == []
            raise AssertionError(f"the block at {block[0]!r} differs only as a whole")


def test_random_strings(ours: Tokenize, llamacpp: Tokenize) -> None:
    texts = [text for text in random_texts(SPECIAL) if not foreign(text)]
    assert len(texts) > 1000
    assert differing(texts, ours, llamacpp) == []


def test_bytes_without_a_token(smollm2: Path, ours: Tokenize, llamacpp: Tokenize) -> None:
    """Both leave such bytes out. The model's own tokenizer does so before merging, so that `]\\x06]` becomes the
    one token `]]`; llama.cpp does so after it. Nothing else differs: cut at those bytes, ours is llama.cpp's."""
    from tokenizers import Regex, Tokenizer, pre_tokenizers

    assert ours("]\x06]", True) == ours("]]", True) != llamacpp("]\x06]", True)
    cutting = Tokenizer.from_file(str(smollm2 / "tokenizer.json"))
    vocabulary = cutting.get_vocab()
    unknown = sorted(set(pre_tokenizers.ByteLevel.alphabet()) - set(vocabulary))
    assert len(unknown) == 21
    cutting.pre_tokenizer = pre_tokenizers.Sequence(
        [cutting.pre_tokenizer, pre_tokenizers.Split(Regex("[" + "".join(unknown) + "]"), "isolated")]
    )
    texts = [text for text in random_texts(SPECIAL) if foreign(text)]
    texts += ["a\x04b \x06 \x13\x14\x16\x1d 1\x1d2 \U0004abcd \U000bffff", "]\x06]"]
    assert len(texts) > 50
    different = [t for t in texts if cutting.encode(t, add_special_tokens=False).ids != llamacpp(t, True)]
    assert different == []


@pytest.mark.parametrize(
    "path", ["mteb/NTREX/default", "Salesforce/wikitext/wikitext-2-raw-v1", "openai/gsm8k/main"]
)
def test_real_sentences(path: str, hub_mirror: Path, ours: Tokenize, llamacpp: Tokenize) -> None:
    """News in many languages, encyclopaedia articles, and sums."""
    assert differing(sentences(hub_mirror, path, 500), ours, llamacpp) == []
