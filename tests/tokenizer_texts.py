"""Texts on which tokenizers tend to differ, and the comparison of two tokenizers."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import pytest

Tokenize = Callable[[str, bool], list[int]]
"""Text, and whether special tokens in it are read as such, to ids (no BOS)."""

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
    "turns": "<bos><start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\n<eos><pad><unused7><start_of_turn",
    "html": '<p class="a">&amp;</p><!-- 1 --> http://example.org/?q=a%20b&c=1#x',
    "table": "<table><tr><td>1</td><td> <b>2</b></td></tr></table>\n<h1>x</h1 ><code>a  b</code>",
}
"""By what they are about."""


def variants(text: str) -> list[str]:
    """The text, and texts made of it."""
    return [text, f" {text} ", text * 2, text[::-1], text.upper(), *text.split(" ")]


def blank_runs() -> list[str]:
    """Every run of up to three blanks between a letter or nothing, and a digit, letter, mark or the end."""
    blanks = ["".join(run) for n in range(4) for run in product(" \n\t\r", repeat=n)]
    return [
        f"{before}{run}{after}" for run in blanks for before in ("", "a") for after in ("", "1.", "b", "!")
    ]


def random_texts(special: Sequence[str], count: int = 1500) -> list[str]:
    """Strings of up to 24 pieces out of one to four pools, one of which holds the tokens `special`."""
    draw = random.Random(20240607)
    pools: list[list[str]] = [
        list("abcXYZ'sd tre vmll"),
        list("0123456789½²٣３①Ⅷ"),
        list(" \n\t\r\u00a0\u3000\u2028"),
        list("!?.,:;-_()[]{}<>|/\\\"'`~@#$%^&*+="),
        [chr(c) for c in range(0x20)],
        [chr(c) for c in (*range(0x4E00, 0x4F00), *range(0x600, 0x700), *range(0x1F300, 0x1F700))],
        [chr(c) for c in (0x200D, 0xFE0F, 0x301, 0x308, 0x20E3, 0x1F3FD, 0xE0067, 0x10FFFF, 0xE000, 0xFFFD)],
        [*special, "<|im_", "end|>", "<|", "|>"],
        [chr(c) for c in draw.sample([c for c in range(sys.maxunicode) if not 0xD800 <= c < 0xE000], 500)],
    ]
    texts = []
    for _ in range(count):
        chosen = draw.sample(pools, draw.randint(1, 4))
        texts.append("".join(draw.choice(draw.choice(chosen)) for _ in range(draw.randint(1, 24))))
    return texts


def sentences(hub_mirror: Path, path: str, count: int) -> list[str]:
    """Texts of the data set's split `test`; the test is skipped where it is missing."""
    import pyarrow.parquet as parquet

    file = hub_mirror / path / "test.parquet"
    if not file.is_file():
        pytest.skip(f"needs {file}")
    rows = parquet.read_table(file).slice(0, 20_000).to_pylist()
    texts = sorted(
        {value for row in rows for value in row.values() if isinstance(value, str) and value.strip()}
    )
    return random.Random(7).sample(texts, min(count, len(texts)))


def differing(texts: Sequence[str], ours: Tokenize, theirs: Tokenize) -> list[str]:
    """What the two cut differently, with and without special tokens read as such."""
    return [
        f"{text!r} special={special}: ours {mine}, llama.cpp {other}"
        for text, special in product(texts, (True, False))
        if (mine := ours(text, special)) != (other := theirs(text, special))
    ]
