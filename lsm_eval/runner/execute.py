"""Asks a model each distinct request that is not answered yet, and stores every answer immediately."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from lsm_eval.inference.store import AnswerStore
from lsm_eval.models.base import Model
from lsm_eval.progress import Phase
from lsm_eval.request_json import store_key
from lsm_eval.requests import Answer, Failure, Generate, Generated, Request, Response, asks_likelihood, kind
from lsm_eval.runner.batch_times import Stopwatch
from lsm_eval.well_formed import well_formed


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts for a list of requests; `failed` ones are included in `computed`."""

    asked: int
    unique: int
    from_store: int
    computed: int
    failed: int
    tokens_asked: int = 0
    """Tokens of the answered requests, with repetitions; a generated text counts with its actual tokens,
    not with the most that were allowed."""
    tokens_from_store: int = 0
    """Those whose answers were in the store."""
    tokens_generated: int = 0
    """New tokens of texts that were generated, not taken from the store."""
    seconds: float = 0.0
    """Wall time of answering, without work that is done once for all requests (`batch_times.Stopwatch`)."""
    kind: str = ""
    """Kind of the requests (`requests.kind`); empty if there were none."""
    batches: tuple[tuple[float, int], ...] = ()
    """Seconds and requests of each batch, if a batch is computed as a whole."""
    here: bool = False
    """Whether the model computes in this process and counts what it computes."""
    counted: bool = True
    """Whether the tokens of every generated text are known."""


@dataclass(frozen=True, slots=True)
class Job:
    """Distinct requests, their known answers, and the response's position for each asked request."""

    unique: list[Request]
    keys: list[str]
    place: list[int]
    """Index into `unique` for each asked request."""
    plan: str
    done: dict[int, Answer]
    """Known answers, by index into `unique`."""
    todo: list[int]
    """Indices into `unique` of which batches are composed: all that other runs have not answered."""

    @property
    def finished(self) -> bool:
        """Whether nothing is left to ask."""
        return len(self.done) == len(self.unique)


def prepare(
    requests: Sequence[Request],
    stored_as: str,
    store: AnswerStore | None,
    render: Callable[[Request], str],
    scored_as: str = "",
) -> Job:
    """Dedupe `requests` and look them up in the store. `render`: see `Model.render`. `scored_as`: see `models.base.Measuring`."""
    index: dict[Request, int] = {}
    place = [index.setdefault(request, len(index)) for request in requests]
    unique = list(index)
    scores = f"{stored_as}/{scored_as}" if scored_as else stored_as
    keys = [
        store_key(
            request,
            scores if asks_likelihood(request) else stored_as,
            render(request) if getattr(request, "chat", False) else None,
        )
        for request in unique
    ]
    plan = hashlib.sha256("\n".join(keys).encode()).hexdigest()
    held = store.get(keys) if store else {}
    done = {i: held[k][0] for i, k in enumerate(keys) if k in held}
    # Requests that an interrupted run of the same plan answered stay in it: batches are composed from the whole plan,
    # so that a run that was cut off computes what an uninterrupted one would, to the last bit.
    todo = [i for i, k in enumerate(keys) if k not in held or held[k][1] == plan]
    return Job(unique, keys, place, plan, done, todo)


def execute(
    job: Job, model: Model, store: AnswerStore | None, report: Phase, tokens: Callable[[Request], int]
) -> tuple[list[Response], Tally]:
    """Responses parallel to the asked requests, and the tally.

    Every batch of answers is in the store before the next is computed. `tokens`: what a request counts
    towards the progress shown.
    """
    responses: dict[int, Response] = dict(job.done)
    watch = Stopwatch(model, kind(job.unique[0]) if job.unique else "")
    copies = [0] * len(job.unique)
    for at in job.place:
        copies[at] += 1
    report.advance(sum(copies[i] for i in job.done))
    if not job.finished:
        for new in new_answers(job, model, store, watch):
            responses.update(new)
            report.advance(sum(copies[i] for i in new), sum(tokens(job.unique[i]) for i in new))
    computed = len(job.unique) - len(job.done)
    failed = sum(isinstance(response, Failure) for response in responses.values())
    spent = [_tokens(request, responses[i], tokens) for i, request in enumerate(job.unique)]
    tally = Tally(
        len(job.place),
        len(job.unique),
        len(job.done),
        computed,
        failed,
        tokens_asked=sum(spent[i] for i in job.place),
        tokens_from_store=sum(spent[i] for i in job.place if i in job.done),
        tokens_generated=sum(
            response.tokens or 0
            for i, response in responses.items()
            if isinstance(response, Generated) and i not in job.done
        ),
        kind=kind(job.unique[0]) if job.unique else "",
        seconds=watch.seconds,
        batches=tuple(watch.batches),
        here=watch.here,
        counted=all(
            response.tokens is not None
            for i, response in responses.items()
            if isinstance(response, Generated) and i not in job.done
        ),
    )
    return [responses[at] for at in job.place], tally


def new_answers(
    job: Job, model: Model, store: AnswerStore | None, watch: Stopwatch, skip: Collection[int] = ()
) -> Iterator[dict[int, Response]]:
    """Batches of answers that are not known yet, by index into `Job.unique`; each is in the store before the next is computed.

    `skip`: indices that need no answer. Batches are composed as if they did, so that the others get the same answers, to the last bit.
    """
    asked = [job.unique[i] for i in job.todo]
    known = {at for at, i in enumerate(job.todo) if i in job.done or i in skip}
    for batch in watch.over(model.answer(asked, known)):
        new = {job.todo[at]: _encodable(response) for at, response in batch.items()}
        if store:
            store.put({job.keys[i]: r for i, r in new.items() if not isinstance(r, Failure)}, job.plan)
        yield new


def _encodable(response: Response) -> Response:
    """The response with encodable text: a backend may return lone surrogates."""
    if isinstance(response, Generated) and (text := well_formed(response.text)) is not response.text:
        return replace(response, text=text)
    return response


def _tokens(request: Request, response: Response, tokens: Callable[[Request], int]) -> int:
    if isinstance(response, Failure):
        return tokens(request) if response.reason == "nan" else 0  # the others never reached the model
    if isinstance(request, Generate) and isinstance(response, Generated):
        return max(tokens(request) - request.most_tokens + (response.tokens or 0), 0)
    return tokens(request)
