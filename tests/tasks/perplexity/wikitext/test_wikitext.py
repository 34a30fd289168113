"""WikiText's pages, put together again."""

from __future__ import annotations

from pathlib import Path

import pytest
from mirrored_tasks import samples_of

from lsm_eval.benchmarks.perplexity.wikitext.code import detokenize_wikitext
from lsm_eval.requests import Perplexity


@pytest.mark.parametrize(
    ("split", "joined"),
    [
        ("a 10 @-@ year @,@ x 3 @.@ 5", "a 10-year,x 3.5"),
        ("one , two ; three : four . Five ! six ? seven", "one, two; three: four. Five! six? seven"),
        ("he ( the king ) said", "he (the king) said"),
        ("[ note ] { set }", "[note] {set}"),
        ('he said " no " twice', 'he said "no" twice'),
        (" = = Life = = \n text \n more", " == Life ==\ntext\nmore"),
        (" = = = = Deep = = = = ", " ==== Deep ==== "),
        ("the king 's horse", "the king's horse"),
        ("5 ° N of", "5°N of"),
    ],
)
def test_a_page_is_put_together_again(split: str, joined: str) -> None:
    assert detokenize_wikitext(split) == joined


def test_the_page_is_counted_as_it_came(hub_mirror: Path) -> None:
    for sample in samples_of("wikitext", hub_mirror, limit=5):
        assert isinstance(sample.request, Perplexity)
        original = sample.metadata["original"]
        assert " @-@ " in original or " , " in original
        assert sample.request.text != original
        assert " , " not in sample.request.text
