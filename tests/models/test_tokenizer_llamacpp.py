"""Our tokenizer of the built-in model against llama.cpp's own, reading the same GGUF file."""

from __future__ import annotations

import http.client
import json
import random
import sys
import unicodedata
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

Tokenize = Callable[[str, bool], list[int]]

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<repo_name>", "<reponame>", "<empty_output>"]

TEXTS = {
    "english": "It's what we'll do, isn't it? They've said I'd be O'Brien's. DON'T! naïve café—co-operate…",
    "chinese": "小明有3个苹果，他给了小红１２个。请问：还剩多少？《红楼梦》第一百二十回。",
    "german": "Die Größe des Straßenübergangs beträgt 3,5 m²; »Ärger« kostet 1.000,00 €.",
    "arabic": "السلام عليكم، عدد الطلاب ٣٤٥ في السنة ٢٠٢٤؟",
    "devanagari": "नमस्ते दुनिया १२३ क्षत्रिय",
    "thai": "สวัสดีครับ ๑๒๓",
    "korean": "안녕하세요 세계 각",
    "emoji": "👩‍👩‍👧‍👦 🇩🇪🏳️‍🌈 ok👍🏽 ❤️‍🔥",
    "code": "def f(x):\n\treturn x**2 if x != 0 else {'a': [1, 2.5e-3]}\n\n\n    # end\r\n",
    "fractions": "½ ⅓ ² x² H₂O Ⅷ ⅷ ① ㊿ ٣ ３ 𝟛 ৪ 〇 一二三 1½ 3⅔",
    "maths": "∀x∈ℝ: ∑ᵢ xᵢ² ≥ 0 ⇒ ∂f/∂x ≈ −1",
    "numbers": "1234567890 3.14159 1,000,000 0x1F 1e10 -42 +7 12:30 2024-01-02 007",
    "lists": "a\n\n1. one\n2. two\n\n10) ten\n \n3\n4\t5\r\n6",
    "controls": "a\x00b\x01\x02\x03c\x1b[0m\x7f\x80\x85\x9f\u00ad\u200b\ufeff",
    "spaces": " \u00a0 \u1680\u2003\u2028\u2029\u202f\u205f\u3000 x\u3000 y  \u3000",
    "combining": "e\u0301 n\u0303o \u0301x Z̴̢͔a̷l̵g̶o̸",
    "markers": "<|im_start|>system\nHi<|im_end|>\n<reponame>x<|endoftext|><|im_start|><|im_end",
    "html": '<p class="a">&amp;</p><!-- 1 --> http://example.org/?q=a%20b&c=1#x',
}


@pytest.fixture(scope="module")
def llamacpp(gguf: Path) -> Iterator[Tokenize]:
    """Text and whether special tokens are read as such, to ids, by llama.cpp's server on loopback."""
    xllamacpp = pytest.importorskip("xllamacpp", reason="needs llama.cpp (wheel xllamacpp) to compare with")
    params = xllamacpp.CommonParams()
    params.model.path = str(gguf)
    params.hostnames, params.port = ["127.0.0.1"], 0
    params.n_ctx, params.n_parallel, params.n_gpu_layers = 256, 1, 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = params.n_threads_http = 1
    params.warmup = params.fit_params = params.ui = False
    params.verbosity = -1
    server = xllamacpp.Server(params)
    address = urlsplit(server.listening_address)

    def tokenize(text: str, special: bool) -> list[int]:
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        body = json.dumps({"content": text, "add_special": False, "parse_special": special})
        try:
            connection.request("POST", "/tokenize", body, {"Content-Type": "application/json"})
            tokens: list[int] = json.loads(connection.getresponse().read())["tokens"]
        finally:
            connection.close()
        return tokens

    yield tokenize
    del server


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


def differing(texts: list[str], ours: Tokenize, llamacpp: Tokenize) -> list[str]:
    """What the two cut differently, with and without special tokens read as such."""
    return [
        f"{text!r} special={special}: ours {mine}, llama.cpp {theirs}"
        for text, special in product(texts, (True, False))
        if (mine := ours(text, special)) != (theirs := llamacpp(text, special))
    ]


@pytest.mark.parametrize("name", TEXTS)
def test_written_texts(name: str, ours: Tokenize, llamacpp: Tokenize) -> None:
    text = TEXTS[name]
    pieces = [text, f" {text} ", text * 2, text[::-1], text.upper(), *text.split(" ")]
    assert differing(pieces, ours, llamacpp) == []


def test_llamacpp_disagrees_with_a_wrong_split(ours: Tokenize, llamacpp: Tokenize) -> None:
    """The comparison can fail: a number's digits are tokens of their own, and a special token is one token."""
    assert llamacpp("12", True) == ours("1", True) + ours("2", True)
    assert llamacpp("<|im_start|>", True) == [1] != llamacpp("<|im_start|>", False)


def test_whitespace_before_digits(ours: Tokenize, llamacpp: Tokenize) -> None:
    """Every run of up to three blanks between a letter or nothing, and a digit, letter, mark or the end."""
    blanks = ["".join(run) for n in range(4) for run in product(" \n\t\r", repeat=n)]
    texts = [
        f"{before}{run}{after}" for run in blanks for before in ("", "a") for after in ("", "1.", "b", "!")
    ]
    assert differing(texts, ours, llamacpp) == []


def test_every_character_of_the_first_three_planes(ours: Tokenize, llamacpp: Tokenize) -> None:
    """Letter, digit, blank or other: both must agree on each character that Unicode has a name for."""
    characters = [c for c in map(chr, range(0x30000)) if unicodedata.category(c) not in ("Cs", "Co", "Cn")]
    for start in range(0, len(characters), 64):
        block = characters[start : start + 64]
        text = "".join(f"a{c}b {c} {c}{c}1\n" for c in block)
        if ours(text, True) != llamacpp(text, True):
            assert differing([f"a{c}b {c} {c}{c}1\n" for c in block], ours, llamacpp) == []
            raise AssertionError(f"the block at {block[0]!r} differs only as a whole")


def random_texts() -> list[str]:
    draw = random.Random(20240607)
    pools: list[list[str]] = [
        list("abcXYZ'sd tre vmll"),
        list("0123456789½²٣３①Ⅷ"),
        list(" \n\t\r\u00a0\u3000\u2028"),
        list("!?.,:;-_()[]{}<>|/\\\"'`~@#$%^&*+="),
        [chr(c) for c in range(0x20)],
        [chr(c) for c in (*range(0x4E00, 0x4F00), *range(0x600, 0x700), *range(0x1F300, 0x1F700))],
        [chr(c) for c in (0x200D, 0xFE0F, 0x301, 0x308, 0x20E3, 0x1F3FD, 0xE0067, 0x10FFFF, 0xE000, 0xFFFD)],
        [*SPECIAL, "<|im_", "end|>", "<|", "|>"],
        [chr(c) for c in draw.sample([c for c in range(sys.maxunicode) if not 0xD800 <= c < 0xE000], 500)],
    ]
    texts = []
    for _ in range(1500):
        chosen = draw.sample(pools, draw.randint(1, 4))
        texts.append("".join(draw.choice(draw.choice(chosen)) for _ in range(draw.randint(1, 24))))
    return texts


def test_random_strings(ours: Tokenize, llamacpp: Tokenize) -> None:
    texts = [text for text in random_texts() if not foreign(text)]
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
    texts = [text for text in random_texts() if foreign(text)]
    texts += ["a\x04b \x06 \x13\x14\x16\x1d 1\x1d2 \U0004abcd \U000bffff", "]\x06]"]
    assert len(texts) > 50
    different = [t for t in texts if cutting.encode(t, add_special_tokens=False).ids != llamacpp(t, True)]
    assert different == []


@pytest.mark.parametrize(
    "path", ["mteb/NTREX/default", "Salesforce/wikitext/wikitext-2-raw-v1", "openai/gsm8k/main"]
)
def test_real_sentences(path: str, hub_mirror: Path, ours: Tokenize, llamacpp: Tokenize) -> None:
    """News in many languages, encyclopaedia articles, and sums."""
    import pyarrow.parquet as parquet

    file = hub_mirror / path / "test.parquet"
    if not file.is_file():
        pytest.skip(f"needs {file}")
    rows = parquet.read_table(file).slice(0, 20_000).to_pylist()
    texts = sorted(
        {value for row in rows for value in row.values() if isinstance(value, str) and value.strip()}
    )
    chosen = random.Random(7).sample(texts, min(500, len(texts)))
    assert differing(chosen, ours, llamacpp) == []
