"""An engine for tests: a transformers model, one prompt at a time, that counts what it is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lsm_eval.engines.checkpoint_model import CheckpointEngineModel
from lsm_eval.engines.network import NewToken
from lsm_eval.engines.waves import Query, Reply, TokenScore
from lsm_eval.inference.generating.drawing import Stream, choose
from lsm_eval.inference.generating.prompts import Prompt


class TransformersEngine:
    """Whatever is asked, computed in the plainest way."""

    def __init__(self, folder: Path, late: int = 0, room: int = 10_000) -> None:
        """`late`: tokens that still come of a text after it was stopped, as of an engine that runs ahead."""
        from transformers import AutoModelForCausalLM

        self._model: Any = AutoModelForCausalLM.from_pretrained(folder).eval()
        self._late = late
        self.cache_tokens = room
        self.asked: list[list[Query]] = []
        self.stopped: dict[int, int] = {}
        self.details: Mapping[str, str] = {"engine": "plain"}
        self.closed = False

    def score(self, queries: Sequence[Query]) -> list[Reply]:
        """See `Engine.score`."""
        self.asked.append(list(queries))
        return [self._score(ask) for ask in queries]

    def _logits(self, tokens: Sequence[int]) -> Any:
        import torch

        with torch.inference_mode():
            return self._model(input_ids=torch.tensor([list(tokens)]), use_cache=False).logits[0].float()

    def _score(self, ask: Query) -> Reply:
        logprobs = self._logits(ask.prompt).log_softmax(dim=-1)

        def told(place: int, token: int) -> TokenScore:
            return float(logprobs[place, token]), int(logprobs[place].argmax()) == token

        own = () if ask.since is None else range(ask.since, len(ask.prompt))
        return Reply(
            {token: told(-1, token) for token in ask.targets},
            [told(place - 1, ask.prompt[place]) for place in own],
        )

    def generate(self, prompts: Mapping[int, Prompt]) -> Iterator[Sequence[NewToken]]:
        """See `Engine.generate`."""
        new: dict[int, list[int]] = {at: [] for at in prompts}
        while new:
            batch = []
            for at, tokens in list(new.items()):
                prompt = prompts[at]
                logits = self._logits([*prompt.tokens, *tokens])[-1:]
                uniform = Stream(prompt).uniform(len(tokens)) if prompt.temperature > 0 else 0.0
                (token,) = choose(logits, [prompt], [uniform])
                tokens.append(token)
                over = len(tokens) == prompt.max_tokens
                batch.append(NewToken(at, token, bool(logits.isnan().any()), over))
                if over:
                    del new[at]
            yield batch
            for at in [at for at in self.stopped if at in new]:
                self.stopped[at] -= 1
                if self.stopped[at] < 0:
                    del new[at]

    def stop(self, sequences: Sequence[int]) -> None:
        """See `Engine.stop`."""
        self.stopped.update(dict.fromkeys(sequences, self._late))

    def close(self) -> None:
        """See `Engine.close`."""
        self.closed = True


class TransformersEngineModel(CheckpointEngineModel):
    """A model in such an engine."""

    ENGINE = "Plain"
    VERSION = 1
    PACKAGES = ("transformers",)
    late = 0
    room = 10_000
    made: TransformersEngine

    def make_engine(self, folder: Path, ends: tuple[int, ...]) -> TransformersEngine:
        """See `CheckpointEngineModel.make_engine`."""
        self.made = TransformersEngine(folder, self.late, self.room)
        return self.made
