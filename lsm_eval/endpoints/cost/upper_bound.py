"""The most that requests can cost, computed before any is sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, cast

from lsm_eval.endpoints.asking import Path, Quirks, body, path_of
from lsm_eval.endpoints.constraint import order
from lsm_eval.endpoints.discovery import Discovery
from lsm_eval.endpoints.probe import questions
from lsm_eval.requests import Failure, Generate, Perplexity, Request, Score

if TYPE_CHECKING:
    from lsm_eval.endpoints.scoring.find_scoring import Scoring
    from lsm_eval.inference.scoring.plain import TokenRow

_ON_TOP = 64
"""Tokens that a server's chat template may add to a text that is generated and then scored."""


def most_cost(requests: Sequence[Request], known: Discovery) -> int:
    """The most that one answer to each request and one probe of their paths can cost, in picodollars. Nothing is sent but
    requests to tokenize."""
    account, api = known.key.account, known.options.api
    if account is None or account.prices is None:
        return 0
    quirks = known.sites[0].quirks
    texts = [one for one in requests if isinstance(one, Generate)]
    found = sum(account.most(body(one, known.model, path_of(one, api), quirks)) for one in texts)
    paths = dict.fromkeys(path_of(one, api) for one in texts)
    for path in paths:
        found += sum(account.most(sent) for sent in _probe(path, known))
    if known.likely is not None and not known.likely.lacks:
        for request in requests:
            found += account.prices.most(*_scored(request, known.likely))
    return found


def not_counted(known: Discovery) -> str:
    """What `most_cost` leaves out, as a sentence; empty if nothing."""
    if known.likely is None or not known.likely.not_asked:
        return ""
    return "The first run with such tasks finds out whether choices are asked by likelihoods, which can cost more."


def _probe(path: Path, known: Discovery) -> Iterator[bytes]:
    """All that the probe may send, whatever the answers."""
    if path == "responses":
        return
    quirks, model = Quirks(limit="max_completion_tokens"), known.model
    first = questions.letters(path)
    kind = None if known.seen is None else known.seen.kind
    for request in [first] * 4 + [questions.sampled(path, 1)] * 3 + [questions.stopped(path, "abc")]:
        yield questions.sent(request, model, path, quirks)
    for how in order(kind):
        yield questions.sent(questions.constrained(path, thinks=True), model, path, quirks, how)
    if path == "completions":
        yield questions.by_ids(model)


def _scored(request: Request, scoring: Scoring) -> tuple[int, int]:
    """The most tokens that are sent to score it, and the most new ones that come back."""
    assert scoring.requests is not None
    if isinstance(request, Generate):
        if not request.detail:
            return 0, 0
        longest = len(scoring.requests.text(request).encode()) + request.most_tokens + _ON_TOP
        lengths = [(longest, request.most_tokens)]
    else:
        assert isinstance(request, Score | Perplexity)
        found = scoring.requests.refusal(request) or scoring.requests.rows(request)
        if isinstance(found, Failure):
            return 0, 0
        rows = cast("Sequence[TokenRow]", found[0])  # a decoder-only model's
        lengths = [(len(row.tokens), row.scored) for row in rows]
    if scoring.finding.route != "llama.cpp":
        return sum(size for size, _ in lengths), len(lengths)
    # A request for each token, and of some a second one.
    places = [size - back for size, scored in lengths for back in range(scored)]
    return 2 * sum(places), 2 * len(places)
