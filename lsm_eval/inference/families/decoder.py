"""Decoder-only models: scored in a token tree if that gives the same results, and continued in batches."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lsm_eval.errors import UserError
from lsm_eval.inference.generating.generation import Continuation, Prompt, PromptContinuer
from lsm_eval.inference.ledger import Ledger
from lsm_eval.inference.memory import MemoryGuard
from lsm_eval.inference.reach import attention_chunk, attention_window
from lsm_eval.inference.runtime import Runtime
from lsm_eval.inference.scoring.budget import scoring_budget
from lsm_eval.inference.scoring.forked import ForkScorer
from lsm_eval.inference.scoring.kernel_race import quickest, worth_a_race
from lsm_eval.inference.scoring.plain import SequenceScore, TokenRow
from lsm_eval.inference.scoring.plain_scorer import PlainScorer
from lsm_eval.inference.scoring.self_check import Scorer, SelfCheck
from lsm_eval.inference.scoring.tree_attention import windows_seen
from lsm_eval.inference.scoring.tree_scorer import Kernel, TreeScorer

if TYPE_CHECKING:
    from lsm_eval.inference.generating.arriving import ArrivingLoop

_KERNELS: tuple[Kernel, ...] = ("blocks", "mask")


class DecoderNetwork:
    """A causal language model of transformers."""

    def __init__(self, model: Any, config: Any, runtime: Runtime) -> None:
        self._model, self._config, self._runtime = model, config, runtime
        self._memory = MemoryGuard(runtime.device)
        self._details: dict[str, str] = {}
        self._chosen: dict[tuple[int | None, bool], Scorer] = {}
        self.ledger = Ledger()
        self._continuer = PromptContinuer(model, config, runtime, self._memory, self.ledger)

    @property
    def details(self) -> Mapping[str, str]:
        """`engine`: how scoring was done, and why if not in the tree. `generation`: how texts were generated, and why
        if not in the continuous loop."""
        return {**self._details, **self._continuer.details}

    def score(
        self, rows: Mapping[int, Sequence[TokenRow]], known: Collection[int]
    ) -> Iterator[dict[int, list[SequenceScore]]]:
        """See `Network.score`."""
        if not rows:
            return
        longest = max(len(row.tokens) for own in rows.values() for row in own)
        budget = scoring_budget(self._config, self._runtime, longest)
        yield from self._scorer(rows).scores(rows, budget, known)

    def score_detailed(
        self, rows: Mapping[int, Sequence[TokenRow]], known: Collection[int]
    ) -> Iterator[dict[int, list[SequenceScore]]]:
        """See `Detailed.score_detailed`; always by plain scoring, since such texts share little."""
        if not rows:
            return
        self._details.setdefault("engine", "plain, for the likelihood of each token")
        longest = max(len(row.tokens) for own in rows.values() for row in own)
        budget = scoring_budget(self._config, self._runtime, longest)
        yield from self._plain(detail=True).scores(rows, budget, known)

    def generate(
        self, prompts: Mapping[int, Prompt], known: Collection[int]
    ) -> Iterator[dict[int, Continuation]]:
        """See `Network.generate`."""
        yield from self._continuer.continuations(prompts, known)

    def arriving(self, prompts: Collection[Prompt], slots: int | None) -> ArrivingLoop | str:
        """See `PromptContinuer.arriving`."""
        return self._continuer.arriving(prompts, slots)

    def _scorer(self, rows: Mapping[int, Sequence[TokenRow]]) -> Scorer:
        """The first scorer that gives the same results as plain scoring on some of these rows."""
        runtime = self._runtime
        if runtime.engine == "plain":
            self._details["engine"] = "plain, because --engine plain says so"
            return self._plain()
        flat = [row for own in rows.values() for row in own]
        longest = max(len(row.tokens) for row in flat)
        window = attention_window(self._config, longest)
        bound = window, attention_chunk(self._config, longest)
        if bound not in self._chosen:
            with self.ledger.checking():
                check = SelfCheck(self._model, flat, runtime, window=window)
                self._chosen[bound], self._details["engine"] = self._choose(check, *bound)
            if self._details["engine"] == "tree" and runtime.device.startswith("cuda"):
                self._chosen[bound] = self._race(check, rows, window, self._chosen[bound])
        return self._chosen[bound]

    def _choose(self, check: SelfCheck, window: int | None, chunked: bool) -> tuple[Scorer, str]:
        """The scorer, and its name, with the reason if it is not the tree."""
        why = None
        if chunked:
            why = "its layers attend within chunks shorter than the longest sequence"
        else:
            for kernel in _KERNELS:
                found = self._tree_differs(check, kernel, window)
                if found is None:
                    return self._tree(kernel, self.ledger), "tree"
                why = why or found
        if self._runtime.engine == "tree":
            raise UserError(
                f"--engine tree: {self._runtime.name} cannot be scored so ({why}); use --engine auto."
            )
        for stepwise in (False, True):
            if check.differs(self._forked(stepwise, Ledger())) is None:
                steps = ", one token a step" if stepwise else ""
                return self._forked(stepwise, self.ledger), f"forked state{steps}, because in the tree {why}"
        return self._plain(), f"plain, because in the tree {why}"

    def _race(
        self,
        check: SelfCheck,
        rows: Mapping[int, Sequence[TokenRow]],
        window: int | None,
        chosen: Scorer,
    ) -> Scorer:
        """FlexAttention if it gives the same results and is faster than `chosen`."""
        budget = scoring_budget(
            self._config, self._runtime, max(len(r.tokens) for own in rows.values() for r in own)
        )
        if not worth_a_race(rows, budget) or self._tree_differs(check, "flex", window) is not None:
            return chosen
        racers = {"blocks": self._tree("blocks", Ledger()), "flex": self._tree("flex", Ledger())}
        if quickest(racers, rows, budget) == "blocks":
            return chosen
        self._details["engine"] = "tree with FlexAttention"
        return self._tree("flex", self.ledger)

    def _tree_differs(self, check: SelfCheck, kernel: Kernel, window: int | None) -> str | None:
        if window is not None and kernel == "mask":
            return "a layer's attention window is shorter than the longest sequence"
        found = check.differs(self._tree(kernel, Ledger()))
        if found is None and window is not None and window not in windows_seen():
            return f"its layers do not say that they attend to {window} tokens only"
        return found

    def _tree(self, kernel: Kernel, ledger: Ledger) -> Scorer:
        return TreeScorer(self._model, device=self._runtime.device, ledger=ledger, kernel=kernel)

    def _forked(self, stepwise: bool, ledger: Ledger) -> Scorer:
        runtime = self._runtime
        return ForkScorer(
            self._model, device=runtime.device, pad=runtime.pad, ledger=ledger, stepwise=stepwise
        )

    def _plain(self, *, detail: bool = False) -> Scorer:
        runtime = self._runtime
        return PlainScorer(
            self._model,
            self._memory,
            device=runtime.device,
            pad=runtime.pad,
            ledger=self.ledger,
            detail=detail,
            quick=detail and runtime.engine != "plain",
        )
