"""Wordings: the same for the same seed, different where they say so, and never of what would be right."""

from __future__ import annotations

import base64
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsm_eval.data.load import Table
from lsm_eval.errors import UserError
from lsm_eval.robustness.perturbations import PERTURBATIONS, mistype
from lsm_eval.robustness.variant import make_variant, shown_columns
from lsm_eval.tasks.build import BuildOptions, build_samples
from lsm_eval.tasks.registry import LoadedTask
from lsm_eval.tasks.schema import Task

TEXT = "Which of these planets is the largest one that circles around our own nearest star? " * 4


def _loaded(**changes: Any) -> LoadedTask:
    content: dict[str, Any] = {
        "task": "letters",
        "version": 1,
        "title": "Letters",
        "area": "accuracy",
        "dataset": {"file": "rows.jsonl", "columns": ["question", "options", "right", "pair"]},
        "request": "score",
        "prompt": "Q: {{ question }}\n{% for o in options %}{{ loop.index }}. {{ o }}\n{% endfor %}A:",
        "choices": ["1", "2", "3"],
        "target": "{{ right }}",
        "options": {"column": "options", "answer": "right"},
        "metadata": {"options": "{{ options }}"},
        "metrics": ["acc"],
        "licence": "CC0-1.0",
        "source": "here",
    }
    return LoadedTask(Task.model_validate({**content, **changes}), Path(), Path("letters.yaml"))


def _data(count: int = 30) -> Table:
    rows = [
        {"question": f"{TEXT} {n}", "options": [f"a{n}", f"b{n}", f"c{n}"], "right": n % 3, "pair": n // 2}
        for n in range(count)
    ]
    return Table(rows, [str(n) for n in range(count)], "file", "rows.jsonl", (), "test", None, "0" * 64)


def _built(name: str, seed: int = 0, **changes: Any) -> list[Any]:
    return build_samples(
        _loaded(**changes), _data(), None, BuildOptions(shots=0, variant=make_variant(name, seed))
    )


@pytest.mark.parametrize("name", ["typos", "upper", "prefix+typos", "option_order", "rephrase"])
def test_a_variant_hangs_on_its_name_and_the_seed_alone(name: str) -> None:
    assert _built(name) == _built(name)
    plain = build_samples(_loaded(), _data(), None, BuildOptions(shots=0))
    assert all(a.request != b.request for a, b in zip(_built(name), plain, strict=True))
    if name != "upper":
        assert _built(name, seed=1) != _built(name)


def test_the_cue_and_the_options_stay_as_they_are() -> None:
    for sample, row in zip(_built("typos+mixed_case"), _data().rows, strict=True):
        assert sample.request.context.startswith("Q: ")
        assert sample.request.context.endswith(
            f"1. {row['options'][0]}\n2. {row['options'][1]}\n3. {row['options'][2]}\nA:"
        )
        assert sample.target == (row["right"],)


def test_options_move_and_the_right_one_moves_with_them() -> None:
    for sample, row in zip(_built("option_order"), _data().rows, strict=True):
        shown = sample.metadata["options"]
        assert shown != row["options"]
        assert sorted(shown) == sorted(row["options"])
        assert shown[sample.target[0]] == row["options"][row["right"]]
        assert f"1. {shown[0]}" in sample.request.context


def test_a_wrapping_holds_the_whole_question() -> None:
    stream = Random(0)
    coded = PERTURBATIONS["base64"].change("do this", stream).rsplit("\n", 1)[1]
    assert base64.b64decode(coded).decode() == "do this"
    assert "qb guvf" in PERTURBATIONS["rot13"].change("do this", stream)
    assert make_variant("base64", 0).why_not(_loaded().task) == "base64 is for tasks that generate"


@given(st.text(max_size=200), st.integers(0, 1000))
def test_slips_are_few_and_small(text: str, seed: int) -> None:
    slipped = mistype(text, Random(seed))
    words, others = text.split(" "), slipped.split(" ")
    assert len(words) == len(others)
    assert all(abs(len(a) - len(b)) <= 1 for a, b in zip(words, others, strict=True))


def test_about_a_tenth_of_the_longer_words_are_mistyped() -> None:
    words = ("straightforward sentence about nothing " * 2000).split(" ")
    slipped = mistype(" ".join(words), Random(3)).split(" ")
    share = sum(a != b for a, b in zip(words, slipped, strict=True)) / len(words)
    assert 0.07 < share < 0.11


def test_what_cannot_be_changed_is_said() -> None:
    task = _loaded(prompt="Continue:", options=None).task
    assert shown_columns(task) == []
    assert make_variant("typos", 0).why_not(task) is not None
    assert make_variant("option_order", 0).why_not(task) is not None
    assert make_variant("prefix", 0).why_not(task) is None
    assert make_variant("prefix", 0).why_not(_loaded(rewordable=False).task) is not None
    for name in ("tipos", "typos+typos"):
        with pytest.raises(UserError):
            make_variant(name, 0)


def test_shuffled_options_stay_where_they_were_in_another_wording() -> None:
    letters = (
        "{% for o in shuffled(options, [pair, question]) %}{{ 'ABC'[loop.index0] }}. {{ o }}\n{% endfor %}"
    )
    changes: dict[str, Any] = {
        "prompt": "Q: {{ question }}\n" + letters + "A:",
        "target": "{{ shuffled([0, 1, 2], [pair, question]).index(right) }}",
        "options": None,
        "metadata": {},
    }
    plain = build_samples(_loaded(**changes), _data(), None, BuildOptions(shots=0))
    assert len({sample.target for sample in plain}) == 3
    for name in ("typos", "upper", "no_punctuation", "typos+mixed_case"):
        for sample, before, row in zip(_built(name, **changes), plain, _data().rows, strict=True):
            assert sample.request != before.request
            assert sample.target == before.target
            right = row["options"][row["right"]]
            assert f"{'ABC'[sample.target[0]]}. {right}\n" in sample.request.context


def test_further_prompts_are_reworded_alike() -> None:
    changes: dict[str, Any] = {
        "prompt": "{{ question }} {{ options[0] }}",
        "further": ["{{ question }} {{ pair }}"],
        "options": None,
        "metadata": {},
    }
    for sample in _built("upper", **changes):
        assert TEXT.strip().upper() in sample.request.context
        assert TEXT.strip().upper() in sample.further[0].context
    assert make_variant("upper", 0).why_not(_loaded(further="{{ options }}").task) is not None
