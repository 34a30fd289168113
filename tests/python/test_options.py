"""Keywords of `lsm_eval.run` are the options of `lsm-eval run`, with the same defaults and the same values."""

from __future__ import annotations

from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import click
import pytest

import lsm_eval
from lsm_eval.exporting.loggers.log import Tracker
from lsm_eval.judging.reading import Reading
from lsm_eval.models.base import EndpointOptions, Engine, Overflow
from lsm_eval.python.run import DEFAULTS
from lsm_eval.python.values import _FORMS
from lsm_eval.reasoning.answered import Mode
from lsm_eval.reasoning.effort import EFFORTS
from lsm_eval.results.redaction import Redact
from lsm_eval.runner.option_values import CHOICES, MODEL, RANGES

OWN = {"progress"}
"""Keywords that are no options."""


def options() -> dict[str, click.Option]:
    """Those of `lsm-eval run`, by the names that Python gives them."""
    from lsm_eval.cli.run import run

    found = {}
    for option in run.params:
        assert isinstance(option, click.Option)
        found[max(option.opts, key=len).removeprefix("--").replace("-", "_")] = option
    return found


def gate_options() -> set[str]:
    from lsm_eval.cli.run_gate import gate_run_options

    def nothing() -> None:
        pass

    made: Any = gate_run_options(nothing)
    return {option.opts[0].removeprefix("--").replace("-", "_") for option in made.__click_params__}


def default_of(option: click.Option) -> Any:
    if option.multiple:
        return ()
    value = option.default
    if value is None or type(value).__name__ == "Sentinel":  # click's own word for none
        return False if option.is_flag else None
    return str(value) if isinstance(value, Path) else value


def test_each_option_is_a_keyword() -> None:
    keywords = {*DEFAULTS, "tasks", "model"}
    assert {*options()} - gate_options() - {
        "dry_run",
        "config",
        "save_config",
        "model_args",
        "shard",  # which leaves no record
        "quiet",
        "verbose",
    } == keywords - OWN


def test_defaults_are_the_same() -> None:
    known = options()
    assert known["model"].default == (MODEL,)
    assert lsm_eval.run.__wrapped__.__defaults__[0] == MODEL  # type: ignore[attr-defined]
    for name, value in DEFAULTS.items():
        if name not in OWN:
            assert value == default_of(known[name]) or (name == "adapter" and value is None), name


def _words(hint: Any) -> tuple[str, ...]:
    if get_origin(hint) is Literal:
        return get_args(hint)
    if get_origin(hint) in (Union, UnionType):
        return tuple(word for part in get_args(hint) for word in _words(part))
    return ()


def test_words_and_numbers_are_the_same() -> None:
    hints = get_type_hints(lsm_eval.run)
    for name, option in options().items():
        if name in hints and isinstance(option.type, click.Choice):
            assert _words(hints[name]) == tuple(option.type.choices) == CHOICES[name], name
        if name in hints and isinstance(option.type, click.IntRange):
            assert (option.type.min, option.type.max) == RANGES[name], name
    assert {*CHOICES, *RANGES} <= {*hints}


def test_words_are_those_of_the_rest_of_the_house() -> None:
    assert CHOICES["overflow"] == get_args(Overflow)
    assert CHOICES["engine"] == get_args(Engine)
    assert CHOICES["reasoning"] == get_args(Mode)
    assert CHOICES["reasoning_effort"] == EFFORTS
    assert CHOICES["redact"] == get_args(Redact)
    assert CHOICES["log_to"] == get_args(Tracker)
    assert CHOICES["judge_read"] == ("auto", *get_args(Reading))
    endpoint = get_type_hints(EndpointOptions)
    assert CHOICES["api"] == CHOICES["judge_api"] == get_args(endpoint["api"])
    assert CHOICES["stream"] == CHOICES["judge_stream"] == get_args(endpoint["stream"])


def test_the_value_of_each_keyword_is_read() -> None:
    assert {*_FORMS} == {*DEFAULTS} - OWN


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"limit": 0}, "limit=0: give a number of samples, 1 or more, or a share of each task's, above 0 and below 1, such as 0.1 or 10%."),
        ({"limit": True}, "limit=True: give a number of samples, 1 or more, or a share of each task's, above 0 and below 1, such as 0.1 or 10%."),
        ({"limit": 1.5}, "limit=1.5: give a number of samples, 1 or more, or a share of each task's, above 0 and below 1, such as 0.1 or 10%."),
        ({"sample_ids": ["a", "b,c"]}, "sample_ids=['a', 'b,c']: an id with a comma can't stand in a list: name a file with one id a line."),
        ({"temperature": "hot"}, "temperature='hot': give a number."),
        ({"temperature": -1}, "--temperature -1: give 0 (the likeliest token each time) or more."),
        ({"seed": -1}, "seed=-1: give a whole number, from 0 to 4294967295."),
        ({"chat": "yes"}, "chat='yes': give one of 'auto', 'on', 'off'."),
        ({"chat": None}, "chat=None: leave it out for the default, 'auto'."),
        ({"strict": "yes"}, "strict='yes': give True or False."),
        ({"name": 5}, "name=5: give a text."),
        ({"perturb": 5}, "perturb=5: give a text, or a list of texts."),
        ({"data_mirror": ""}, "data_mirror='' is empty: name a file or a folder."),
        ({"data_mirror": "none_such"}, "--data-mirror none_such: no such folder; make one with `lsm-eval data mirror`."),
        ({"include": 5}, "include=5: give a folder, or a list of folders."),
        ({"adapter": " "}, "--adapter is empty: name the folder or hub id of a PEFT adapter, or leave it out."),
        ({"batch_tokens": 0}, "--batch-tokens 0: give `auto` or a number of tokens, 1 or more."),
        ({"batch_tokens": 1.5}, "batch_tokens=1.5: give 'auto' or a number of tokens, 1 or more."),
        ({"max_cost": "much"}, "--max-cost much: give an amount of US dollars, such as 5 or 0.25."),
        ({"from_start": True}, "--from-start says which samples --limit takes: give --limit N, or leave --from-start out."),
        ({"store": ""}, "--store is empty: name a folder, or give auto or none."),
        ({"judge_device": "cpu"}, "--judge-device is about a judge, and there is none: name one with --judge MODEL."),
        ({"api": "chat"}, "--api, --api-key-env, --api-key-file, --header-env, --max-concurrency, --stream and --tokenizer go with --base-url: add it."),
    ],
)  # fmt: skip
def test_a_wrong_value_is_one_sentence(keywords: dict[str, Any], said: str) -> None:
    with pytest.raises(lsm_eval.UserError) as caught:
        lsm_eval.run("quickstart_bias", "builtin:first", **keywords)
    assert str(caught.value) == said


@pytest.mark.parametrize("tasks", ["", " , ", []])
def test_no_task(tasks: Any) -> None:
    with pytest.raises(lsm_eval.UserError, match=r"^tasks names no task: see `lsm-eval list tasks`\.$"):
        lsm_eval.run(tasks, "builtin:first")


def test_an_unknown_keyword_names_the_nearest() -> None:
    unchecked: Any = lsm_eval.run
    with pytest.raises(TypeError, match=r"^run\(\) has no option 'limt': did you mean 'limit'\?$"):
        unchecked("quickstart_bias", "builtin:first", limt=5)
    with pytest.raises(TypeError, match=r"no option 'zzz'; see help\(lsm_eval\.run\)\.$"):
        unchecked("quickstart_bias", "builtin:first", zzz=5)
