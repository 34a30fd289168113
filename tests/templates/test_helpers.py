"""What templates may use beyond Jinja's own."""

from __future__ import annotations

import pytest

from lsm_eval.tasks.helpers.cmmlu import cmmlu_subject
from lsm_eval.templates.filters import (
    FILTERS,
    detokenize_wikitext,
    hellaswag_clean,
    regex_replace,
    regex_search,
)
from lsm_eval.templates.functions import GLOBALS, labels_over, union
from lsm_eval.templates.render import compile_template


def test_union_keeps_the_first_place_of_each() -> None:
    assert union(["b", "a"], ["a", "c", "b"]) == ["b", "a", "c"]


def test_labels_over_marks_what_is_not_listed() -> None:
    assert labels_over(["a", "b", "c"], ["c", "a"], [0, 1]) == [1, None, 0]


def test_labels_over_refuses_what_contradicts_itself() -> None:
    with pytest.raises(ValueError, match="both 1 and 0"):
        labels_over(["a"], ["a", "a"], [1, 0])
    with pytest.raises(ValueError, match="shorter"):
        labels_over(["a"], ["a", "b"], [1])


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
def test_wikitext_is_put_together_again(split: str, joined: str) -> None:
    assert detokenize_wikitext(split) == joined


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (" Then [title] Wash it. [step] Use soap. ", "Then. Wash it. Use soap."),
        ("[header] How to swim", " How to swim"),
        ("no marks", "no marks"),
    ],
)
def test_hellaswag_marks_are_taken_out(text: str, clean: str) -> None:
    assert hellaswag_clean(text) == clean


def test_regular_expressions() -> None:
    assert regex_replace("test_12_3", "_[123]$", "") == "test_12"
    assert regex_search("so it is #### 42", r"#### (\d+)", 1) == "42"
    assert regex_search("nothing", r"\d+") == ""


def test_subject_in_chinese() -> None:
    assert cmmlu_subject("agronomy") == "农学"


def test_templates_reach_filters_and_functions() -> None:
    assert {"detokenize_wikitext", "hellaswag_clean", "regex_replace", "regex_search"} == set(FILTERS)
    assert {"cmmlu_subject", "labels_over", "shuffled", "union"} <= set(GLOBALS)
    render = compile_template("{{ union(a, b) | map('regex_replace', 'x', 'y') | list }}", where="test")
    assert render({"a": ["ax"], "b": ["bx", "ax"]}) == ["ay", "by"]
