"""A decoder's graph as a network (`inference.network.Network`), with the fastest batching that gives the reference's results."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence

from lsm_eval.engines.onnx.generation import Continuer
from lsm_eval.engines.onnx.scoring import Batching, Scorer
from lsm_eval.engines.onnx.session import GraphFault, Session
from lsm_eval.errors import UserError
from lsm_eval.inference.generating.prompts import Continuation, Prompt
from lsm_eval.inference.ledger import Ledger
from lsm_eval.inference.runtime import Runtime
from lsm_eval.inference.scoring.plain import SequenceScore, TokenRow

_TOKENS = 512  # per pass
_LOGITS_BYTES = 256 * 2**20  # per pass; a graph returns logits for every token it reads
_HELD_TOKENS = {"cpu": 8192, "cuda": 65536}
"""The most tokens of all sequences of a batch, with those still to come, by kind of device."""
_SLOTS = {"cpu": 32, "cuda": 128}
_CHECKED = 48  # tokens of each row in the check
_CHECKED_SCORED = 8
_WRITTEN = 4  # tokens that are generated in the check
_BATCHINGS: tuple[Batching, ...] = ("batched", "batched by length", "one at a time", "plain")


class OnnxNetwork:
    """Scores and continues with one graph."""

    def __init__(self, session: Session, runtime: Runtime, slots: int | None) -> None:
        """`slots`: sequences that are continued at the same time; None for the device's default."""
        self._session, self._runtime, self._slots = session, runtime, slots
        self.ledger = Ledger()
        self._batching: Batching | None = None
        self._text_batching: Batching | None = None
        self._why = ""

    @property
    def details(self) -> Mapping[str, str]:
        """`batching`: how requests are batched when they are scored, and why not otherwise. `generation`: the same when they
        are continued."""
        found: dict[str, str] = {}
        if self._batching is not None:
            found["batching"] = f"{self._batching}, because {self._why}" if self._why else self._batching
        if self._text_batching is not None:
            found["generation"] = self._text_batching
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
        """See `Network.generate`. Raises `UserError` if the graph cannot continue from its own keys and values."""
        if not prompts:
            return
        if self._text_batching is None:
            with self.ledger.checking():
                self._text_batching = self._batching_of_texts(list(prompts.values()))
        yield from self._continued(prompts, known, self._text_batching, self.ledger)

    def _continued(
        self, prompts: Mapping[int, Prompt], known: Collection[int], batching: Batching, ledger: Ledger
    ) -> Iterator[dict[int, Continuation]]:
        kind = self._runtime.device.partition(":")[0]
        yield from Continuer(self._session, self._runtime, ledger).continuations(
            prompts,
            known,
            batching=batching,
            most=self._slots or _SLOTS[kind],
            budget=self._runtime.batch_tokens or _HELD_TOKENS[kind],
            positions=self._budget,
        )

    def _batching_of_texts(self, prompts: Sequence[Prompt]) -> Batching:
        """The first batching in which some of these prompts, shortened, continue as they do one at a time."""
        if self._runtime.engine == "plain":
            return "one at a time"
        rows = [TokenRow(one.tokens, 1) for one in prompts if len(one.tokens) > 1]
        if not rows:
            return "one at a time"
        if self._chosen(rows) == "plain":
            raise UserError(
                f"{self._runtime.name}: its graph gives other numbers when a text is read in parts ({self._why}), so that no text can "
                "be continued with it; name another folder."
            )
        texts = [row.tokens for own in _some(rows).values() for row in own]
        asked = {at: Prompt(text, (), _WRITTEN) for at, text in enumerate(dict.fromkeys(texts))}
        alone = self._texts(asked, "one at a time")
        for batching in _BATCHINGS[:2]:
            try:
                if self._texts(asked, batching) == alone:
                    return batching
            except GraphFault:
                continue
        return "one at a time"

    def _texts(self, prompts: Mapping[int, Prompt], batching: Batching) -> dict[int, Continuation]:
        found: dict[int, Continuation] = {}
        for batch in self._continued(prompts, (), batching, Ledger()):
            found |= batch
        return found

    def _scored(
        self, rows: Mapping[int, Sequence[TokenRow]], known: Collection[int], *, detail: bool
    ) -> Iterator[dict[int, list[SequenceScore]]]:
        if not rows:
            return
        batching = self._chosen([row for own in rows.values() for row in own])
        scorer = Scorer(self._session, batching, pad=self._runtime.pad, ledger=self.ledger, detail=detail)
        yield from scorer.scores(rows, self._budget, known)

    @property
    def _budget(self) -> int:
        """Tokens per pass."""
        if self._runtime.batch_tokens is not None:
            return self._runtime.batch_tokens
        vocabulary = self._session.vocabulary or 2**18
        return max(min(_TOKENS, _LOGITS_BYTES // (4 * vocabulary)), 16)

    def _chosen(self, rows: Sequence[TokenRow]) -> Batching:
        """The first batching that gives the same results as `plain` on some of these rows."""
        if self._runtime.engine == "plain":
            self._batching, self._why = "plain", "--engine plain says so"
        if self._batching is None:
            with self.ledger.checking():
                self._batching = self._first_alike(_some(rows))
        return self._batching

    def _first_alike(self, rows: Mapping[int, Sequence[TokenRow]]) -> Batching:
        budget = max(len(one.tokens) for own in rows.values() for one in own) * 2
        plain = self._sums("plain", rows, 10**6)
        for batching in _BATCHINGS[:-1]:
            try:
                found = self._sums(batching, rows, budget)
            except GraphFault as error:
                self._why = self._why or error.why
                continue
            apart = [abs(found[key] - plain[key]) for key in plain if not math.isnan(plain[key])]
            if all(one <= self._runtime.tolerance * math.sqrt(_CHECKED_SCORED) for one in apart):
                return batching
            self._why = self._why or f"log-probabilities in batches differ by {max(apart):.3g}"
        return "plain"

    def _sums(
        self, batching: Batching, rows: Mapping[int, Sequence[TokenRow]], budget: int
    ) -> dict[tuple[int, int], float]:
        scorer = Scorer(self._session, batching, pad=self._runtime.pad, ledger=Ledger())
        return {
            (number, at): score.logprob
            for batch in scorer.scores(rows, budget, ())
            for number, own in batch.items()
            for at, score in enumerate(own)
        }


def _some(rows: Sequence[TokenRow]) -> dict[int, list[TokenRow]]:
    """Rows of several lengths with common prefixes, like the choices of a question, made from the first, the last and the
    longest of these."""
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
