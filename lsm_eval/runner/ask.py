"""Asks the model the requests of all tasks, grouped by kind, and assigns the responses to samples."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from lsm_eval.inference.store import AnswerStore
from lsm_eval.metrics.joint import SampleResponse, join
from lsm_eval.models.base import Measuring, Model
from lsm_eval.progress import Progress
from lsm_eval.requests import Failure, Request, Response, asks_likelihood, kind
from lsm_eval.runner.execute import Job, Tally, execute
from lsm_eval.runner.execute import prepare as prepare_job
from lsm_eval.runner.prepared import PreparedTask

KINDS = ("score", "perplexity", "generate")
"""The kinds of requests (`requests.kind`), in the order in which they are asked."""


def ask(
    prepared: Sequence[PreparedTask],
    model: Model,
    stored_as: str,
    store: AnswerStore | None,
    progress: Progress,
    *,
    loaded: bool = False,
) -> tuple[list[SampleResponse], list[Tally]]:
    """Responses to all samples of all tasks, in order, and the tally of each kind of request. `stored_as`: see
    `store_key`. `loaded`: whether the model is loaded already."""
    samples = [sample for task in prepared for sample in task.samples]
    requests = [request for sample in samples for request in sample.requests]
    tokens = tokens_of(prepared)
    responses, tallies = ask_requests(requests, tokens, model, stored_as, store, progress, loaded=loaded)
    answers = iter(responses)
    return [
        Failure("null", sample.missing)
        if sample.missing
        else join(list(islice(answers, len(sample.requests))))
        for sample in samples
    ], tallies


def tokens_of(prepared: Sequence[PreparedTask]) -> dict[Request, int]:
    """What each request of the tasks counts towards the progress shown."""
    tokens: dict[Request, int] = {}
    for task in prepared:
        if task.tokens:  # a server may count tokens of scored texts, but not of generated ones
            own = [request for sample in task.samples for request in sample.requests]
            tokens.update(zip(own, task.tokens, strict=True))
    return tokens


def ask_requests(
    requests: Sequence[Request],
    tokens: dict[Request, int],
    model: Model,
    stored_as: str,
    store: AnswerStore | None,
    progress: Progress,
    *,
    loaded: bool = False,
) -> tuple[list[Response], list[Tally]]:
    """Responses parallel to `requests`. `tokens`: what each request counts towards the progress shown."""
    likely = any(map(asks_likelihood, requests))
    scored_as = model.scored_as() if likely and isinstance(model, Measuring) else ""
    jobs: list[tuple[str, list[int], Job]] = []
    for name in KINDS:
        places = [at for at, request in enumerate(requests) if kind(request) == name]
        if places:
            own = [requests[at] for at in places]
            jobs.append((name, places, prepare_job(own, stored_as, store, model.render, scored_as)))
    if not loaded and any(not job.finished for _, _, job in jobs):
        with progress.phase("load model"):
            model.load()
    responses: dict[int, Response] = {}
    tallies: list[Tally] = []
    for name, places, job in jobs:
        with progress.phase(name, len(places)) as phase:
            answers, tally = execute(job, model, store, phase, lambda request: tokens.get(request, 0))
        responses.update(zip(places, answers, strict=True))
        tallies.append(tally)
    return [responses[at] for at in range(len(requests))], tallies
