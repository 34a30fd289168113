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
from lsm_eval.python.command import Object, command_line, python_call
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
_OF_NAMED_JUDGES = (
    "judge_base_url", "judge_api", "judge_api_key_env", "judge_api_key_file", "judge_header_env", "judge_max_concurrency", "judge_stream",
    "judge_device", "judge_dtype",
)  # fmt: skip
"""The same for a judge."""


def ask(
    tasks: object, model: object, values: Mapping[str, Any], defaults: Mapping[str, Any], progress: Progress
) -> tuple[Record, list[str]]:
    """The record that was written, and notes that its reader must know. `values`: keywords of `lsm_eval.run`, all of them. Raises `UserError`."""
    given = checked(values, defaults)
    tracker: Tracker | None = given.pop("log_to")
    if tracker is not None:
        check_tracker(tracker)
    names = _names(tasks)
    own, named, shown = _asked(model, "model")
    judging = None
    settings = dict(given)
    if own is not None:
        _refuse(given, defaults, _OF_NAMED, "model")
    if given["judge"] is not None:
        judging, given["judge"], settings["judge"] = _asked(given["judge"], "judge")
    if judging is not None:
        _refuse(given, defaults, _OF_NAMED_JUDGES, "judge")
    by_name = own is None and judging is None
    command = (command_line if by_name else python_call)(names, shown, settings, defaults)
    spec = _spec(names, named, (own, judging), given, command)
    check_tasks(spec)  # a misspelt name is reported at once, not after a model has been downloaded
    used = own or create(spec.model, spec.options, progress)
    judge = judging
    if spec.judge is not None and judge is None:
        with in_judges_words(spec.judge):
            judge = create(spec.judge.model, judge_options(spec.options, spec.judge), progress)
    try:
        result = run(spec, used, progress, judge)
    finally:
        if own is None and isinstance(used, Releasing):
            used.release()  # a notebook's variables may keep the result alive, which needs no weights
    record = read_record(result.record)
    problems = list(result.problems)
    if tracker is not None:
        try:
            log(tracker, record.manifest, record.estimates)
        except UserError as error:
            problems.append(str(error))
    return record, problems


def _asked(model: object, what: str) -> tuple[Model | None, str, str]:
    """An object as a model, None for a name; what the record calls it; and how it stands in the call. `what`: model or judge."""
    if isinstance(model, (str, os.PathLike)):
        named = str(os.fspath(model))
        return None, named, named
    own = as_model(model, what)
    kind = type(model)
    return own, f"python:{kind.__module__}.{kind.__qualname__}", Object(f"{kind.__name__} {own.info.name}")


def as_model(model: object, what: str = "model") -> Model:
    """Wraps an object as a model of lsm-eval: the user's own model, or a backend (docs/plugins.md). `what` it is called in errors. Raises
    `UserError`."""
    kind = type(model).__name__
    if isinstance(model, type):
        raise UserError(
            f"the {what} is the class {model.__name__}: give one of its objects, such as {model.__name__}()."
        )
    if all(hasattr(model, part) for part in ("answer", "info", "render", "fingerprint", "cost")):
        return model  # type: ignore[return-value]  # it has what the protocol asks for
    if not callable(getattr(model, "generate", None)):
        raise UserError(
            f"the {what} is a {kind}, which has no method generate(): name a model by a text, or give an object that is asked as docs/python.md "
            "says."
        )
    return OwnModel(model)  # type: ignore[arg-type]  # which looks for the rest


def _names(tasks: object) -> list[str]:
    several = [tasks] if isinstance(tasks, str) else tasks
    if not isinstance(several, Sequence) or not all(isinstance(name, str) for name in several):
        raise UserError(f"tasks={tasks!r}: give the name of a task or a suite, or a list of names.")
    return split_names(several, "tasks")


def _spec(
    names: Sequence[str],
    named: str,
    objects: Sequence[Model | None],
    given: Mapping[str, Any],
    command: Sequence[str],
) -> RunSpec:
    """`objects`: the model and the judge, where they are such. Nothing is kept where one does not say which model it is."""
    options = as_options(given)
    options["judge"] = take_judge(options)
    spec = make_spec(names, model=named, command=command, **options)
    unknown = next((one for one in objects if isinstance(one, OwnModel) and not one.identified), None)
    if unknown is not None:
        if given["store"] not in ("auto", "none"):
            raise UserError(
                f"store={given['store']!r} keeps answers by the model's fingerprint, and {unknown.info.name} has none: give it one, or leave store "
                "out."
            )
        spec = replace(spec, store=None)
    return spec


def _refuse(given: Mapping[str, Any], defaults: Mapping[str, Any], options: Sequence[str], what: str) -> None:
    """Raise `UserError` for an option of a model (or judge) given by name, if it is an object."""
    for name in options:
        if given[name] not in (None, ()) and given[name] != defaults[name]:
            raise UserError(
                f"{name}={given[name]!r} says how a {what} is run that is named by a text, and this one is an object: leave it out."
            )
