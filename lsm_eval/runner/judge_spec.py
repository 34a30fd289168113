"""Which model judges a run, and how it is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from lsm_eval.endpoints.cost.paid import Paid
from lsm_eval.errors import UserError
from lsm_eval.judging.reading import Reading
from lsm_eval.models.base import EndpointOptions, Model, ModelOptions
from lsm_eval.requests import Score

_SHARED = re.compile(
    r"--(?=(?:base-url|api|api-key-env|api-key-file|header-env|max-concurrency|device|dtype)\b)|--model (?=openai:)"
)


@dataclass(frozen=True)
class JudgeSpec:
    """A judge of its own; what is None is as for the judged model."""

    model: str
    endpoint: EndpointOptions | None = None
    """Its server; None for that of the judged model, where the judge is behind one (`openai:`)."""
    device: str | None = None
    dtype: str | None = None

    @property
    def remote(self) -> bool:
        """Whether it is behind a server."""
        return self.model.startswith("openai:")

    @property
    def own_options(self) -> bool:
        """Whether an option was given for it that the judged model has, too."""
        return (self.endpoint, self.device, self.dtype) != (None, None, None)


def judge_options(options: ModelOptions, judge: JudgeSpec | None = None) -> ModelOptions:
    """A run's options for its judge: no adapter, its own chat template, nothing of a judge's prompt is ever cut, and of what
    belongs to one kind of model only what its own kind knows. Raises `UserError` for a server that a local judge was given."""
    if judge is None:
        judge = JudgeSpec("")
    if judge.remote:
        endpoint = judge.endpoint
        if endpoint is None and options.endpoint is not None:
            endpoint = replace(options.endpoint, tokenizer=None)  # which is the judged model's
        return ModelOptions(
            device=judge.device or "auto",
            dtype=judge.dtype or "auto",
            offline=options.offline,
            endpoint=endpoint,
        )
    overflow = "skip" if options.overflow == "truncate" else options.overflow
    return replace(
        options,
        device=judge.device or options.device,
        dtype=judge.dtype or options.dtype,
        adapter=None,
        quantize=None,
        chat_template=None,
        overflow=overflow,
        endpoint=judge.endpoint,
        context=None,
        slots=None,
        threads=None,
    )


@contextmanager
def in_judges_words(judge: JudgeSpec | None) -> Iterator[None]:
    """What goes wrong is said of the judge's own options, where it has some: `--judge-base-url` for `--base-url`."""
    try:
        yield
    except UserError as error:
        if judge is not None and judge.own_options and error.args:
            error.args = (
                _SHARED.sub(lambda m: "--judge " if "model" in m.group() else "--judge-", str(error)),
            )
        raise


def check_judge(judge: Model, reading: Reading | None) -> None:
    """Raise `UserError` for a judge behind a server that is not there, or cannot be read as it is to be: before anything
    is asked, and paid for."""
    if not isinstance(judge, Paid):
        return
    if reading == "likelihood":
        try:
            judge.cost([Score("1 + 1 =", (" 2", " 3"), chat=judge.info.chat_template)])
        except UserError as error:
            raise UserError(
                f"--judge-read likelihood: {judge.info.name} tells no likelihoods: leave it out, and what it writes is read."
            ) from error
    judge.fingerprint()
