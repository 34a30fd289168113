"""A decoder's graph as a network (`inference.network.Network`): the quickest way that gives what the plain one gives."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence

from lsm_eval.engines.onnx.generation import Continuer
from lsm_eval.engines.onnx.scoring import Scorer, Way
from lsm_eval.engines.onnx.session import GraphFault, Session
from lsm_eval.errors import UserError
from lsm_eval.inference.generating.prompts import Continuation, Prompt
from lsm_eval.inference.ledger import Ledger
from lsm_eval.inference.place import Place
from lsm_eval.inference.scoring.plain import SequenceScore, TokenRow

_TOKENS = 512  # a pass
_LOGITS_BYTES = 256 * 2**20  # a pass; a graph gives them for every token it reads
_HELD_TOKENS = {"cpu": 8192, "cuda": 65536}
"""Tokens that the sequences of a batch may come to hold, by kind of device."""
_SLOTS = {"cpu": 32, "cuda": 128}
_CHECKED = 48  # tokens of each row that is looked at
_CHECKED_SCORED = 8
_WRITTEN = 4  # tokens that are written to see whether a way is right
_WAYS: tuple[Way, ...] = ("batched", "batched by length", "one at a time", "plain")


class OnnxNetwork:
    """Scores and continues by one graph."""

    def __init__(self, session: Session, place: Place, slots: int | None) -> None:
        """`slots`: sequences that are continued at a time; None for what suits the device."""
        self._session, self._place, self._slots = session, place, slots
        self.ledger = Ledger()
        self._way: Way | None = None
        self._writing: Way | None = None
        self._why = ""

    @property
    def details(self) -> Mapping[str, str]:
        """`batching`: whether several requests go through the graph at a time when they are scored, and why if not.
        `generation`: the same of those that are continued."""
        found: dict[str, str] = {}
        if self._way is not None:
            found["batching"] = f"{self._way}, because {self._why}" if self._why else self._way
        if self._writing is not None:
            found["generation"] = self._writing
        return found

    def score(
        self, rows: Mapping[int, Sequence[TokenRow]], known: Collection[int]
    ) -> Iterator[dict[int, list[SequenceScore]]]:
        """See `Network.score`."""
        yield from self._scored(rows, known, detail=False)

    def score_detailed(
        self, rows: Mapping[int, Sequence[TokenRow]], known: Collection[int]
    ) -> Iterator[dict[int, list[SequenceScore]]]:
        """See `Detailed.score_detailed`."""
        yield from self._scored(rows, known, detail=True)

    def generate(
        self, prompts: Mapping[int, Prompt], known: Collection[int]
    ) -> Iterator[dict[int, Continuation]]:
        """See `Network.generate`. Raises `UserError` where the graph cannot go on from its own keys and values."""
        if not prompts:
            return
        if self._writing is None:
            with self.ledger.checking():
                self._writing = self._way_of_writing(list(prompts.values()))
        yield from self._continued(prompts, known, self._writing, self.ledger)

    def _continued(
        self, prompts: Mapping[int, Prompt], known: Collection[int], way: Way, ledger: Ledger
    ) -> Iterator[dict[int, Continuation]]:
        kind = self._place.device.partition(":")[0]
        yield from Continuer(self._session, self._place, ledger).continuations(
            prompts,
            known,
            way=way,
            most=self._slots or _SLOTS[kind],
            budget=self._place.batch_tokens or _HELD_TOKENS[kind],
            positions=self._budget,
        )

    def _way_of_writing(self, prompts: Sequence[Prompt]) -> Way:
        """The first way in which some of these prompts, cut short, go on as they do one at a time."""
        if self._place.engine == "plain":
            return "one at a time"
        rows = [TokenRow(one.tokens, 1) for one in prompts if len(one.tokens) > 1]
        if not rows:
            return "one at a time"
        if self._chosen(rows) == "plain":
            raise UserError(
                f"{self._place.name}: what its graph says hangs on how it is read ({self._why}), so that no text can be continued "
                "with it; name another folder."
            )
        texts = [row.tokens for own in _some(rows).values() for row in own]
        asked = {at: Prompt(text, (), _WRITTEN) for at, text in enumerate(dict.fromkeys(texts))}
        alone = self._texts(asked, "one at a time")
        for way in _WAYS[:2]:
            try:
                if self._texts(asked, way) == alone:
                    return way
            except GraphFault:
                continue
        return "one at a time"

    def _texts(self, prompts: Mapping[int, Prompt], way: Way) -> dict[int, Continuation]:
        found: dict[int, Continuation] = {}
        for batch in self._continued(prompts, (), way, Ledger()):
            found |= batch
        return found

    def _scored(
        self, rows: Mapping[int, Sequence[TokenRow]], known: Collection[int], *, detail: bool
    ) -> Iterator[dict[int, list[SequenceScore]]]:
        if not rows:
            return
        way = self._chosen([row for own in rows.values() for row in own])
        scorer = Scorer(self._session, way, pad=self._place.pad, ledger=self.ledger, detail=detail)
        yield from scorer.scores(rows, self._budget, known)

    @property
    def _budget(self) -> int:
        """Tokens a pass."""
        if self._place.batch_tokens is not None:
            return self._place.batch_tokens
        vocabulary = self._session.vocabulary or 2**18
        return max(min(_TOKENS, _LOGITS_BYTES // (4 * vocabulary)), 16)

    def _chosen(self, rows: Sequence[TokenRow]) -> Way:
        """The first way that gives what the plain one gives on some of these rows."""
        if self._place.engine == "plain":
            self._way, self._why = "plain", "--engine plain says so"
        if self._way is None:
            with self.ledger.checking():
                self._way = self._first_alike(_some(rows))
        return self._way

    def _first_alike(self, rows: Mapping[int, Sequence[TokenRow]]) -> Way:
        budget = max(len(one.tokens) for own in rows.values() for one in own) * 2
        plain = self._sums("plain", rows, 10**6)
        for way in _WAYS[:-1]:
            try:
                found = self._sums(way, rows, budget)
            except GraphFault as error:
                self._why = self._why or error.why
                continue
            apart = [abs(found[key] - plain[key]) for key in plain if not math.isnan(plain[key])]
            if all(one <= self._place.tolerance * math.sqrt(_CHECKED_SCORED) for one in apart):
                return way
            self._why = self._why or f"with others beside them log-probabilities differ by {max(apart):.3g}"
        return "plain"

    def _sums(
        self, way: Way, rows: Mapping[int, Sequence[TokenRow]], budget: int
    ) -> dict[tuple[int, int], float]:
        scorer = Scorer(self._session, way, pad=self._place.pad, ledger=Ledger())
        return {
            (number, at): score.logprob
            for batch in scorer.scores(rows, budget, ())
            for number, own in batch.items()
            for at, score in enumerate(own)
        }


def _some(rows: Sequence[TokenRow]) -> dict[int, list[TokenRow]]:
    """Rows of several lengths that share what they begin with, as the choices of a question do, made of the first, the last
    and the longest of these."""
    found: dict[int, list[TokenRow]] = {}
    chosen = (rows[0], rows[-1], max(rows, key=lambda row: len(row.tokens)))
    for number, row in enumerate(dict.fromkeys(one.tokens[:_CHECKED] for one in chosen)):
        cut = row[: max(len(row) * (3 - number % 2) // 3, 2)]
        shared = cut[:-1][: len(cut) * 2 // 3]
        others = (
            (*shared, *row[:3]),
            (*shared, *cut[len(shared) :][::-1]),
        )  # one of another length, one of the same
        found[number] = [
            TokenRow(one, min(len(one) - 1, _CHECKED_SCORED)) for one in (cut, *others) if len(one) > 1
        ]
    return found
