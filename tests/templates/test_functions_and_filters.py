"""What templates may use beyond Jinja's own."""

from __future__ import annotations

import pytest

from lsm_eval.templates.filters import FILTERS, regex_replace, regex_search
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


def test_regular_expressions() -> None:
    assert regex_replace("test_12_3", "_[123]$", "") == "test_12"
    assert regex_search("so it is #### 42", r"#### (\d+)", 1) == "42"
    assert regex_search("nothing", r"\d+") == ""


def test_templates_reach_filters_and_functions() -> None:
    assert {"regex_replace", "regex_search"} == set(FILTERS)
    assert {"digest", "labels_over", "shuffled", "union"} == set(GLOBALS)
    render = compile_template("{{ union(a, b) | map('regex_replace', 'x', 'y') | list }}", where="test")
    assert render({"a": ["ax"], "b": ["bx", "ax"]}) == ["ay", "by"]
