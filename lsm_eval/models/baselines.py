"""Baselines without a model: chance and simple rules.

Most answer `Score` requests from the continuations alone and ignore the context, so a task on which one of them does well
can be answered without reading the question. Their scores only rank the continuations and are not probabilities
(`Scored.order_only`), so metrics of likelihoods have no value for them. One, `says_no`, answers every `Generate` request with
the same refusal: perfectly safe on harmful requests, and useless on all others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from types import MappingProxyType

from lsm_eval.errors import UserError, unknown
from lsm_eval.models.base import Cost, ModelInfo, ModelOptions
from lsm_eval.requests import Failure, Generate, Generated, Perplexity, Request, Response, Score, Scored

_VERSION = 2
"""Part of the fingerprint: raised if an answer changes."""

_BATCH = 1024
_WORST = -1e4


def _uniform(continuations: Sequence[str]) -> tuple[float, ...]:
    """Zero for all: equal also after dividing by length."""
    return (0.0,) * len(continuations)


def _longest(continuations: Sequence[str]) -> tuple[float, ...]:
    """Zero for the continuation with the most characters (for all of them, if several are equally long)."""
    most = max(len(continuation) for continuation in continuations)
    return tuple(0.0 if len(continuation) == most else _WORST for continuation in continuations)


def _first(continuations: Sequence[str]) -> tuple[float, ...]:
    """Zero for the first continuation."""
    return (0.0,) + (_WORST,) * (len(continuations) - 1)


BASELINES: Mapping[str, Callable[[Sequence[str]], tuple[float, ...]]] = MappingProxyType(
    {"uniform": _uniform, "longest": _longest, "first": _first}
)
"""By name: the function from continuations (at least two) to their scores, 0.0 for the chosen ones and -1e4 for the others."""

REPLIES: Mapping[str, str] = MappingProxyType({"says_no": "I'm sorry, but I can't help with that."})
"""By name: the text that answers every prompt."""

NAMES = (*BASELINES, *REPLIES)


class Baseline:
    """A baseline with the interface of a model (`lsm_eval.models.base.Model`).

    Each answer counts one token per continuation (or text), and no continuation as greedy, since nothing is decoded. Those
    in `BASELINES` choose: a `Score` request with fewer than two continuations leaves nothing to choose, and its 0.0 would
    pass for certainty (a perplexity of 1), so it fails as unsupported, like `Generate` and `Perplexity`. Those in `REPLIES`
    answer only `Generate`, and everything else fails as unsupported.
    """

    def __init__(self, name: str, options: ModelOptions | None = None) -> None:
        """`name`: one of `NAMES`. Raises `UserError` for an unknown one, and for an option that needs a model."""
        if name not in NAMES:
            raise unknown("model", f"builtin:{name}", (f"builtin:{known}" for known in NAMES))
        _refuse(name, options or ModelOptions())
        self._name = name

    @property
    def info(self) -> ModelInfo:
        return ModelInfo(name=f"builtin:{self._name}", chat_template=False, context=None)

    def fingerprint(self) -> str:
        """SHA-256 (hex) over the name and the version of the rule."""
        return hashlib.sha256(f"builtin:{self._name}:{_VERSION}".encode()).hexdigest()

    def cost(self, requests: Sequence[Request]) -> list[Cost]:
        """Empty, as no tokens are counted."""
        return []

    def render(self, request: Request) -> str:
        """The prompt after the system message, without a chat template."""
        match request:
            case Score(context=context):
                return context
            case Generate(prompt=prompt, system=system):
                return prompt if system is None else f"{system}\n\n{prompt}"
            case Perplexity(text=text):
                return text

    def computed(self) -> Mapping[str, float]:
        """Empty, as no token is read."""
        return {}

    def load(self) -> None:
        """Nothing to load."""

    def answer(
        self, requests: Sequence[Request], known: Collection[int] = ()
    ) -> Iterator[dict[int, Response]]:
        """See `models.base.Model`; each answer depends on its own request only."""
        answered = set(known)
        for start in range(0, len(requests), _BATCH):
            numbers = range(start, min(start + _BATCH, len(requests)))
            batch = {number: self._one(requests[number]) for number in numbers if number not in answered}
            if batch:
                yield batch

    def _one(self, request: Request) -> Response:
        if self._name in REPLIES and isinstance(request, Generate):
            if request.choices:
                return Failure(
                    "unsupported", f"builtin:{self._name} is no model and cannot choose among given answers."
                )
            if request.detail:
                return Failure(
                    "unsupported", f"builtin:{self._name} is no model and cannot tell how likely its text is."
                )
            return Generated(_until(REPLIES[self._name], request.stop), tokens=1, finish="stop")
        if self._name in REPLIES or not isinstance(request, Score):
            return Failure(
                "unsupported", f"builtin:{self._name} is no model and cannot {_ASKED[type(request)]}."
            )
        count = len(request.continuations)
        if count < 2:
            return Failure(
                "unsupported", f"builtin:{self._name} needs two continuations or more to choose from."
            )
        scores = BASELINES[self._name](request.continuations)
        return Scored(logprobs=scores, tokens=(1,) * count, greedy=(False,) * count, order_only=True)


_ASKED = {Score: "choose", Generate: "generate text", Perplexity: "tell how likely a text is"}


def _until(text: str, stops: Sequence[str]) -> str:
    """`text` before the first stop string in it."""
    return text[: min((text.find(stop) for stop in stops if stop and stop in text), default=len(text))]


def _refuse(name: str, options: ModelOptions) -> None:
    """Raises `UserError` for options that need a model; `overflow` and `offline` are met in any case."""
    senseless = {
        "adapter": options.adapter is not None,
        "quantize": options.quantize is not None,
        f"dtype {options.dtype}": options.dtype != "auto",
        f"device {options.device}": options.device not in ("auto", "cpu"),
        "batch size in tokens": options.batch_tokens is not None,
        "remote code": options.trust_remote_code,
        "chat template": options.chat_template is not None,
    }
    for what, given in senseless.items():
        if given:
            raise UserError(f"builtin:{name} is no model and takes no {what}: leave that option out")
