"""`lsm_eval.run`: one keyword for each option of `lsm-eval run`."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence
from decimal import Decimal
from difflib import get_close_matches
from os import PathLike
from typing import Literal, ParamSpec, TypeVar

from lsm_eval.models.base import Model as Backend
from lsm_eval.models.own import Model
from lsm_eval.python.record import Record
from lsm_eval.runner.option_values import (
    AUTO,
    MODEL,
    OUT,
    OVERFLOW,
    REDACT,
    SEED,
    Api,
    ChatMode,
    Choices,
    Effort,
    Engine,
    JudgeRead,
    Overflow,
    Reasoning,
    Redact,
    Stream,
    Tracker,
)

Place = str | PathLike[str]
P = ParamSpec("P")
R = TypeVar("R")


def _naming_the_nearest(function: Callable[P, R]) -> Callable[P, R]:
    """Wraps the function so that the error for an unknown keyword names the nearest one."""
    known = [name for name in function.__annotations__ if name != "return"]

    @functools.wraps(function)
    def call(*arguments: P.args, **keywords: P.kwargs) -> R:
        for name in keywords:
            if name not in known:
                near = get_close_matches(name, known, n=1, cutoff=0.5)
                hint = f": did you mean {near[0]!r}?" if near else "; see help(lsm_eval.run)."
                raise TypeError(f"run() has no option {name!r}{hint}")
        return function(*arguments, **keywords)

    return call


@_naming_the_nearest
def run(
    tasks: str | Sequence[str],
    model: Place | Model | Backend = MODEL,
    *,
    limit: int | float | str | None = None,
    from_start: bool = False,
    sample_ids: Place | Sequence[str] | None = None,
    shots: int | None = None,
    seed: int = SEED,
    perturb: str | Sequence[str] = (),
    chat: ChatMode = AUTO,
    chat_template: Place | None = None,
    choices: Choices = AUTO,
    reasoning: Reasoning = AUTO,
    max_tokens: int | None = None,
    system: str | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    stop: str | Sequence[str] = (),
    reasoning_tokens: int | None = None,
    reasoning_effort: Effort | None = None,
    out: Place | None = OUT,
    store: Place | None = AUTO,
    name: str | None = None,
    strict: bool = False,
    redact: Redact = REDACT,
    log_to: Tracker | None = None,
    progress: bool = False,
    include: Place | Sequence[Place] = (),
    include_code: bool = False,
    data_mirror: Place | None = None,
    data_files: Place | None = None,
    offline: bool = False,
    allow_drift: bool = False,
    device: str = AUTO,
    dtype: str = AUTO,
    batch_tokens: int | Literal["auto"] = AUTO,
    overflow: Overflow = OVERFLOW,
    engine: Engine = AUTO,
    adapter: Place | None = None,
    quantize: str | None = None,
    trust_remote_code: bool = False,
    context: int | None = None,
    slots: int | None = None,
    threads: int | None = None,
    base_url: str | Sequence[str] = (),
    api: Api = AUTO,
    api_key_env: str | None = None,
    api_key_file: Place | None = None,
    header_env: str | Sequence[str] = (),
    max_concurrency: int | None = None,
    stream: Stream = AUTO,
    tokenizer: Place | None = None,
    max_cost: str | float | Decimal | None = None,
    prices: Place | None = None,
    judge: Place | Model | Backend | None = None,
    judge_read: JudgeRead = AUTO,
    judge_base_url: str | Sequence[str] = (),
    judge_api: Api = AUTO,
    judge_api_key_env: str | None = None,
    judge_api_key_file: Place | None = None,
    judge_header_env: str | Sequence[str] = (),
    judge_max_concurrency: int | None = None,
    judge_stream: Stream = AUTO,
    judge_device: str | None = None,
    judge_dtype: str | None = None,
) -> Record:
    """Ask a model the tasks, score the answers, write a record, and return it: `lsm-eval run` in Python.

    `tasks`: names, globs and suites, as a list or as one text with commas (`lsm_eval.list_tasks()`). `model`: a name as on the command line,
    or an object (`lsm_eval.Model`); `judge` likewise. Every other keyword is the option of that name: `base_url` is `--base-url`, and `lsm-eval run --help`
    says what it does. Only these differ:

    - `out`: the folder for records, `reports` in the current folder, also for None.
    - `store`: where answers are kept; "auto" is the user's cache, None or "none" keeps nothing.
    - `progress`: bars and lines on standard error. Without them notes go to the logger `lsm_eval`, as warnings.
    - `adapter` takes one, since one record comes back.

    A task that cannot be asked is left out: `record.left_out` says why, and there is a warning; with `strict` nothing is asked. Raises
    `lsm_eval.UserError` for what the command refuses with code 2, and `lsm_eval.BudgetSpent` where `max_cost` is reached. A Ctrl-C is a
    KeyboardInterrupt, and keeps what was answered, as both errors do.
    """
    values = {key: value for key, value in locals().items() if key not in ("tasks", "model", "progress")}
    from lsm_eval.python.asking import ask
    from lsm_eval.python.beside_loop import beside_loop
    from lsm_eval.python.watching import watching

    shown = watching(progress=progress)
    record, problems = beside_loop(lambda: ask(tasks, model, values, DEFAULTS, shown))
    for problem in problems:
        warnings.warn(problem, stacklevel=3)  # where `run` was called
    return Record(record)


DEFAULTS = run.__wrapped__.__kwdefaults__  # type: ignore[attr-defined]  # of `functools.wraps`
"""The default of each keyword."""
