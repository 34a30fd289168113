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
    """The judge's options; None means the same as for the judged model."""

    model: str
    endpoint: EndpointOptions | None = None
    """Its server; if None, a judge behind a server (`openai:`) uses that of the judged model."""
    device: str | None = None
    dtype: str | None = None

    @property
    def remote(self) -> bool:
        """Whether it is behind a server."""
        return self.model.startswith("openai:")

    @property
    def own_options(self) -> bool:
        """Whether one of the judge's options was given that the judged model has, too."""
        return (self.endpoint, self.device, self.dtype) != (None, None, None)


def judge_options(options: ModelOptions, judge: JudgeSpec | None = None) -> ModelOptions:
    """The model options of a run for its judge: no adapter, its own chat template, prompts that are never cut, and only the options that its
    kind of model has. Raises `UserError` if a local judge was given a server."""
    if judge is None:
        judge = JudgeSpec("")
    if judge.remote:
        endpoint = judge.endpoint
        if endpoint is None and options.endpoint is not None:
            endpoint = replace(options.endpoint, tokenizer=None)  # that of the judged model
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
    """Context in which errors name the judge's own options, if it has some: `--judge-base-url` instead of `--base-url`."""
    try:
        yield
    except UserError as error:
        if judge is not None and judge.own_options and error.args:
            error.args = (
                _SHARED.sub(lambda m: "--judge " if "model" in m.group() else "--judge-", str(error)),
            )
        raise


def check_judge(judge: Model, reading: Reading | None) -> None:
    """Raise `UserError` if the judge's server is not there or does not support the reading, before anything is asked and paid for."""
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
