"""Prompts assembled from rows: examples, continuations, targets, chat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lsm_eval.errors import UserError
from lsm_eval.requests import Generate, Perplexity, Score
from lsm_eval.tasks.build import BuildOptions, build_samples
from lsm_eval.tasks.registry import LoadedTask
from lsm_eval.tasks.sample import Sample
from lsm_eval.tasks.schema import Task


@dataclass
class Rows:
    rows: Sequence[Mapping[str, Any]]
    ids: Sequence[str]


def rows(count: int, *, start: int = 0) -> Rows:
    found = [
        {"q": f"Q{i}", "options": ["no", "yes"], "right": i % 2, "subject": "ab"[i % 2]}
        for i in range(start, start + count)
    ]
    return Rows(found, [str(i) for i in range(count)])


def task(**changes: Any) -> LoadedTask:
    fields: dict[str, Any] = {
        "task": "t",
        "version": 1,
        "title": "T",
        "area": "accuracy",
        "dataset": {"file": "t.jsonl", "columns": ["q", "options", "right", "subject"]},
        "request": "score",
        "prompt": "{{ q }}?",
        "choices": "{{ options }}",
        "target": "{{ right }}",
        "metrics": ["acc"],
        "licence": "CC0-1.0",
        "source": "made here",
    }
    made = Task.model_validate({**fields, **changes})
    return LoadedTask(made, Path("folder"), Path("folder/t.yaml"))


def prompts(samples: Sequence[Sample]) -> list[str]:
    return [s.request.context for s in samples if isinstance(s.request, Score)]


def test_a_choice_follows_the_delimiter_and_the_target_is_its_index() -> None:
    (one, two) = build_samples(task(), rows(2), None, BuildOptions(shots=0))
    assert one.request == Score("Q0?", (" no", " yes"))
    assert (one.target, two.target, one.choices) == ((0,), (1,), ("no", "yes"))


def test_first_examples_stand_in_order_between_instruction_and_question() -> None:
    loaded = task(instruction="Answer.\n\n")
    samples = build_samples(loaded, rows(1), rows(5, start=10), BuildOptions(shots=2))
    assert prompts(samples) == ["Answer.\n\nQ10? no\n\nQ11? yes\n\nQ0?"]


def test_a_document_is_never_its_own_example() -> None:
    data = rows(4)
    for name, prompt in zip(
        data.ids, prompts(build_samples(task(), data, None, BuildOptions(shots=3))), strict=True
    ):
        assert prompt.count(f"Q{name}?") == 1
        assert prompt.count("?") == 4


def test_the_same_question_under_another_row_is_no_example_either() -> None:
    data = rows(2)
    twin = Rows([*data.rows, dict(data.rows[0])], ["0", "1", "2"])
    (first, *_) = prompts(build_samples(task(), twin, None, BuildOptions(shots=1)))
    assert first == "Q1? yes\n\nQ0?"


def test_examples_agree_in_the_matched_column() -> None:
    loaded = task(fewshot={"match": "subject"})
    samples = build_samples(loaded, rows(2), rows(8, start=10), BuildOptions(shots=2))
    assert prompts(samples) == ["Q10? no\n\nQ12? no\n\nQ0?", "Q11? yes\n\nQ13? yes\n\nQ1?"]


def test_random_examples_depend_on_seed_and_document_and_on_nothing_else() -> None:
    loaded = task(fewshot={"sampler": "random"})
    pool = rows(40, start=100)
    whole = prompts(build_samples(loaded, rows(6), pool, BuildOptions(shots=3, seed=1)))
    again = prompts(build_samples(loaded, rows(6), pool, BuildOptions(shots=3, seed=1, limit=3)))
    other = prompts(build_samples(loaded, rows(6), pool, BuildOptions(shots=3, seed=2)))
    assert again == [prompt for prompt in whole if prompt in again]
    assert len(again) == 3
    assert other != whole
    headers = {prompt.rpartition("\n\n")[0] for prompt in whole}
    assert len(headers) == 6, "each document draws its own"


def test_more_shots_than_examples_is_an_error() -> None:
    with pytest.raises(UserError, match=r"5 shots are asked for and only 3 examples.*lower --shots"):
        build_samples(task(), rows(4), None, BuildOptions(shots=5))


def test_generation_takes_references_stop_and_system() -> None:
    loaded = task(request="generate", choices=None, target="{{ options }}", system="Be {{ subject }}.", stop=["\n"],
                  max_tokens=7)  # fmt: skip
    (one,) = build_samples(loaded, rows(1), None, BuildOptions(shots=0))
    assert one.request == Generate("Q0?", ("\n",), 7, system="Be a.")
    assert one.target == ("no", "yes")


def test_what_ends_a_continuation_ends_no_reply_in_a_chat() -> None:
    own: dict[str, Any] = {"request": "generate", "choices": None, "target": "a", "stop": ["\n"]}
    chat = BuildOptions(shots=0, chat=True)
    (one,) = build_samples(task(**own), rows(1), None, chat)
    assert one.request == Generate("Q0?", (), 256, chat=True)
    (one,) = build_samples(task(**own, chat_stop=["\nUser:"]), rows(1), None, chat)
    assert one.request == Generate("Q0?", ("\nUser:",), 256, chat=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"chat_stop": ["a"]}, "request: score takes no system and no stop"),
        (
            {"request": "generate", "choices": None, "chat": "off", "chat_stop": ["a"]},
            "chat_stop goes with a chat",
        ),
        ({"request": "generate", "choices": None, "chat_stop": [""]}, "an empty stop string"),
    ],
)
def test_stops_of_a_chat_that_make_no_sense(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        task(**changes)


def test_in_a_chat_choices_stand_alone() -> None:
    (one,) = build_samples(task(), rows(1), None, BuildOptions(shots=0, chat=True))
    assert one.request == Score("Q0?", ("no", "yes"), chat=True)


def test_perplexity_asks_for_the_text_itself() -> None:
    loaded = task(
        request="perplexity", choices=None, target=None, prompt="{{ q }}", metrics=["token_perplexity"]
    )
    (one,) = build_samples(loaded, rows(1), None, BuildOptions(shots=0))
    assert one.request == Perplexity("Q0")


def test_labels_become_indices() -> None:
    loaded = task(target="{{ [0, 1] }}", target_labels=True)
    (one,) = build_samples(loaded, rows(1), None, BuildOptions(shots=0))
    assert one.target == (1,)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target": "{{ 2 }}"}, "not among its 2 choices"),
        ({"target": "{{ -1 }}"}, "not among its 2 choices"),
        ({"target": "{{ q }}"}, "no index"),
        ({"choices": "{{ q }}"}, "no list"),
        ({"choices": "{{ [] }}"}, "empty"),
        ({"target": "{{ [1] }}", "target_labels": True}, "1 labels for 2 choices"),
        ({"prompt": "{{ missing }}"}, r"'missing' is undefined; the columns are options, q, right, subject"),
        ({"prompt": "{{ q.nothing() }}"}, "prompt"),
        ({"prompt": "{% if %}"}, "the template is broken"),
        ({"prompt": "{{ ''.__class__.__mro__ }}"}, "prompt"),
    ],
)
def test_what_a_file_gets_wrong_is_said_with_its_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        build_samples(task(**changes), rows(2), None, BuildOptions(shots=0))
    assert str(caught.value).startswith("folder/t.yaml")
