"""A whole backend for lsm-eval: `--model example:FILE` counts which byte follows which in a text file."""

import hashlib
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

from lsm_eval.errors import UserError
from lsm_eval.models.base import Cost, ModelInfo, ModelOptions
from lsm_eval.requests import (
    Failure,
    Generate,
    Generated,
    Likelihood,
    Perplexity,
    Request,
    Response,
    Score,
    Scored,
)

VERSION = 1  # raised whenever the same file would answer in another way


class Bigrams:
    """What `lsm_eval.models.base.Model` asks of a model."""

    def __init__(self, name: str, content: bytes) -> None:
        self.info = ModelInfo(name=f"example:{name}", chat_template=False, context=None, parameters=256 * 256)
        self._identity = hashlib.sha256(b"bigrams %d " % VERSION + content).hexdigest()
        self._counts = [[1] * 256 for _ in range(256)]  # one of each, so that nothing is impossible
        for before, after in pairwise(content):
            self._counts[before][after] += 1

    def fingerprint(self) -> str:
        return self._identity  # answers are kept by this: all that makes it this model, and not where it lies

    def cost(self, requests: Sequence[Request]) -> list[Cost]:
        return []  # or one for each request, in tokens

    def render(self, request: Request) -> str:
        match request:
            case Score():
                return request.context
            case Perplexity():
                return request.text
            case Generate():
                return f"{request.system}\n\n{request.prompt}" if request.system else request.prompt

    def computed(self) -> Mapping[str, float]:
        return {}

    def load(self) -> None:
        """Weights would be read here, and not before: a run whose answers are all in the store needs none."""

    def answer(
        self, requests: Sequence[Request], known: Collection[int] = ()
    ) -> Iterator[dict[int, Response]]:
        for at, request in enumerate(requests):
            if at not in known:
                yield {at: self._answer(request)}  # as soon as it is there: what was yielded is kept

    def _answer(self, request: Request) -> Response:
        prompt = self.render(request).encode()
        match request:
            case Score():
                scores = [self._score(prompt, one.encode()) for one in request.continuations]
                logprobs, tokens, greedy = zip(*scores, strict=True)
                return Scored(logprobs, tokens, greedy)
            case Perplexity(detail=False):
                logprob, count, _ = self._score(b"", prompt)
                return Likelihood(logprob, count)
            case Generate(temperature=0.0, detail=False):
                return self._write(prompt, request)
        return Failure("unsupported", "byte bigrams draw nothing at random and tell no details")

    def _score(self, before: bytes, text: bytes) -> tuple[float, int, bool]:
        """Log-probability (natural), number of tokens, and whether each is the likeliest."""
        rows = [self._counts[byte] for byte in (before[-1:] or b"\n") + text[:-1]]
        pairs = list(zip(rows, text, strict=False))
        logprob = sum(math.log(row[byte] / sum(row)) for row, byte in pairs)
        return logprob, len(text), all(row.index(max(row)) == byte for row, byte in pairs)

    def _write(self, prompt: bytes, request: Generate) -> Generated:
        new = bytearray()
        while len(new) < request.max_tokens:
            row = self._counts[((prompt or b"\n") + new)[-1]]
            new.append(row.index(max(row)))
            text = new.decode(errors="replace")
            places = [text.find(stop) for stop in request.stop if stop and stop in text]
            if places:
                return Generated(text[: min(places)], len(new), "stop")
        return Generated(new.decode(errors="replace"), len(new), "length")


def make(rest: str, options: ModelOptions) -> Bigrams:
    """The model of `--model example:REST`; what is wrong is one sentence, and what cannot be honoured is refused."""
    named = [
        f"--{one.name.replace('_', '-')}"
        for one in fields(options)
        if one.name != "offline" and getattr(options, one.name) != one.default
    ]
    if named:
        raise UserError(f"{', '.join(named)} has no meaning for --model example:FILE: leave it out.")
    path = Path(rest).expanduser()
    if not path.is_file():
        raise UserError(f"--model example:{rest}: no such file; name a text file.")
    return Bigrams(path.name, path.read_bytes())
