"""`lsm_eval.run`, from its arguments to the record: what `lsm-eval run` does, without a command line."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.exporting.loggers.log import Tracker, check_tracker, log
from lsm_eval.models.base import Model, Releasing
from lsm_eval.models.create import create
from lsm_eval.models.own_model import OwnModel
from lsm_eval.progress import Progress
from lsm_eval.python.command import command_line, python_call
from lsm_eval.python.values import as_options, checked
from lsm_eval.results.reader import Record, read_record
from lsm_eval.runner.check_tasks import check_tasks
from lsm_eval.runner.judge_spec import in_judges_words, judge_options
from lsm_eval.runner.make_spec import make_spec, split_names, take_judge
from lsm_eval.runner.run import run
from lsm_eval.runner.spec import RunSpec

_OF_NAMED = (
    "base_url", "api", "api_key_env", "api_key_file", "max_concurrency", "stream", "header_env", "tokenizer", "context", "slots",
    "threads", "chat_template", "device", "dtype", "batch_tokens", "overflow", "engine", "adapter", "quantize", "trust_remote_code",
)  # fmt: skip
"""Options for how a model given by name is run."""


def ask(
    tasks: object, model: object, values: Mapping[str, Any], defaults: Mapping[str, Any], progress: Progress
) -> tuple[Record, list[str]]:
    """The record that was written, and notes that its reader must know. `values`: keywords of `lsm_eval.run`, all of them. Raises `UserError`."""
    given = checked(values, defaults)
    tracker: Tracker | None = given.pop("log_to")
    if tracker is not None:
        check_tracker(tracker)
    names = _names(tasks)
    own = None if isinstance(model, (str, os.PathLike)) else as_model(model)
    if own is None:
        named = os.fspath(model)  # type: ignore[call-overload]  # it is a text or a path
        command = command_line(names, named, given, defaults)
    else:
        named = f"python:{type(model).__module__}.{type(model).__qualname__}"
        command = python_call(names, f"{type(model).__name__} {own.info.name}", given, defaults)
        _refuse(given, defaults)
    spec = _spec(names, named, own, given, command)
    check_tasks(spec)  # a misspelt name is reported at once, not after a model has been downloaded
    asked = own or create(spec.model, spec.options, progress)
    judge = None
    if spec.judge is not None:
        with in_judges_words(spec.judge):
            judge = create(spec.judge.model, judge_options(spec.options, spec.judge), progress)
    try:
        result = run(spec, asked, progress, judge)
    finally:
        if own is None and isinstance(asked, Releasing):
            asked.release()  # a notebook's variables may keep the result alive, which needs no weights
    record = read_record(result.record)
    problems = list(result.problems)
    if tracker is not None:
        try:
            log(tracker, record.manifest, record.estimates)
        except UserError as error:
            problems.append(str(error))
    return record, problems


def as_model(model: object) -> Model:
    """Wraps an object as a model of lsm-eval: the user's own model, or a backend (docs/plugins.md). Raises `UserError`."""
    kind = type(model).__name__
    if isinstance(model, type):
        raise UserError(
            f"the model is the class {model.__name__}: give one of its objects, such as {model.__name__}()."
        )
    if all(hasattr(model, part) for part in ("answer", "info", "render", "fingerprint", "cost")):
        return model  # type: ignore[return-value]  # it has what the protocol asks for
    if not callable(getattr(model, "generate", None)):
        raise UserError(
            f"the model is a {kind}, which has no method generate(): name a model by a text, or give an object that is asked as docs/python.md "
            "says."
        )
    return OwnModel(model)  # type: ignore[arg-type]  # which looks for the rest


def _names(tasks: object) -> list[str]:
    several = [tasks] if isinstance(tasks, str) else tasks
    if not isinstance(several, Sequence) or not all(isinstance(name, str) for name in several):
        raise UserError(f"tasks={tasks!r}: give the name of a task or a suite, or a list of names.")
    return split_names(several, "tasks")


def _spec(
    names: Sequence[str], named: str, own: Model | None, given: Mapping[str, Any], command: Sequence[str]
) -> RunSpec:
    options = as_options(given)
    options["judge"] = take_judge(options)
    spec = make_spec(names, model=named, command=command, **options)
    if isinstance(own, OwnModel) and not own.identified:
        if given["store"] not in ("auto", "none"):
            raise UserError(
                f"store={given['store']!r} keeps answers by the model's fingerprint, and {own.info.name} has none: give it one, or leave store "
                "out."
            )
        spec = replace(spec, store=None)
    return spec


def _refuse(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
    """Raise `UserError` for an option of a model given by name, if the model is an object."""
    for name in _OF_NAMED:
        if given[name] not in (None, ()) and given[name] != defaults[name]:
            raise UserError(
                f"{name}={given[name]!r} says how a model is run that is named by a text, and this one is an object: leave it out."
            )
