"""The words between tasks and models: what is asked, and what comes back.

A request carries text only and knows neither its task nor its model, so that equal requests of different
tasks are asked once. A response is a value even when it is a failure; it is never an exception half-way,
and never a 0.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import operator
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin, get_type_hints

CLOSING_TOKENS = 64
"""Room for what closes thoughts that ran out of their budget."""


@dataclass(frozen=True, slots=True)
class Score:
    """How likely is each continuation of one context? The scoring primitive: one context, many continuations.

    An empty context stands for the start of a text (the model's BOS token, or EOS where it has none).
    """

    context: str
    continuations: tuple[str, ...]
    chat: bool = False
    """Send the context as a user's message through the model's chat template; the continuations answer it."""
    lm_eval: bool = False
    """Cut what is too long as lm-evaluation-harness does: from the very left, each continuation's context by itself.
    Otherwise the beginning of text stays, and all continuations lose the same tokens."""


@dataclass(frozen=True, slots=True)
class Generate:
    """Continue a prompt until a stop string, the end of text, or `max_tokens` new tokens.

    Greedily by default. n samples of one prompt are n requests with different seeds: they share the reading
    of the prompt, and each has a random stream of its own, so that its text hangs on nothing but its own request.
    """

    prompt: str
    stop: tuple[str, ...] = ()
    max_tokens: int = 256
    system: str | None = None
    """A system message; without a chat template it stands before the prompt, a blank line between."""
    chat: bool = False
    """Send the prompt as a user's message through the model's chat template."""
    temperature: float = 0.0
    """What the logits are divided by before a token is drawn; 0 takes the likeliest token each time."""
    top_p: float = 1.0
    """Draw from the fewest tokens whose probabilities sum to this, above 0 and at most 1."""
    seed: int = 0
    """Of this sequence's random stream; means nothing at temperature 0."""
    detail: bool = False
    """Tell how likely the new text is (`Generated.logprob`), too."""
    stop_in_thoughts: bool = False
    """Stop strings end the text inside a reasoning model's thoughts, too; by default they wait for its answer."""
    lm_eval: bool = False
    """Cut what is too long, and texts at stop strings that hold special tokens, as lm-evaluation-harness does
    (`Score.lm_eval`, `inference.generating.stops.finish`)."""
    choices: tuple[str, ...] = ()
    """The text is one of these, of which none begins with another; empty where it may be any. Asked only of a model that
    can be held to it (`models.base.Choosing`)."""
    reasoning_tokens: int | None = None
    """Tokens that thoughts may have, `max_tokens` being those of the answer then; None where both share `max_tokens`."""
    reasoning_effort: str | None = None
    """How much the model is asked to think (`reasoning.effort`); None for what it does by itself."""

    @property
    def most_tokens(self) -> int:
        """New tokens, at most: with a budget for thoughts, those of both, and room for what closes the thoughts."""
        if self.reasoning_tokens is None:
            return self.max_tokens
        return self.max_tokens + self.reasoning_tokens + CLOSING_TOKENS


@dataclass(frozen=True, slots=True)
class Perplexity:
    """How likely is a whole text, from its start? Longer texts than the model's context go in windows."""

    text: str
    detail: bool = False
    """Tell of each token how likely it is (`Likelihood.each`), too."""
    lm_eval: bool = False
    """Score a beginning of text that the text writes itself, as lm-evaluation-harness does, rather than read it as
    the one that stands before every text."""


Request = Score | Generate | Perplexity

FailureReason = Literal[
    "nan", "too_long", "unsupported", "truncated", "null", "refused", "unanswered", "unread"
]
"""`truncated`: the text ended inside a reasoning model's thoughts, before there was an answer. `null`: the sample was
not asked, because its data holds a null. `refused`: a server will not answer it. `unanswered`: a server gave no whole
answer, however often it was asked. `unread`: the text tells none of the sample's choices, or several."""


@dataclass(frozen=True, slots=True)
class Scored:
    """Answer to `Score`; the lists run parallel to its continuations."""

    logprobs: tuple[float, ...]
    """Sum of the tokens' natural-log probabilities, one a continuation."""
    tokens: tuple[int, ...]
    """Number of tokens scored, one a continuation; empty of a model that does not count them."""
    greedy: tuple[bool, ...]
    """Whether greedy decoding from the context would have given the continuation."""
    truncated: int = 0
    """Tokens cut from the left of the context, at most, to fit the model."""
    order_only: bool = False
    """The numbers put the continuations in order and are no log-probabilities (rows that need no model)."""
    seconds: float | None = field(default=None, compare=False)
    """How long it took, of a request that was asked by itself (`timed`); None where that is not known."""


@dataclass(frozen=True, slots=True)
class Generated:
    """Answer to `Generate`."""

    text: str
    """The new text, cut before the stop string."""
    tokens: int | None
    """Number of new tokens; None of a server that does not count them."""
    finish: Literal["stop", "length"]
    """Whether a stop string or the end of text came, or the tokens ran out."""
    truncated: int = 0
    """Tokens cut from the left of the prompt to fit the model."""
    logprob: float | None = None
    """With `Generate.detail`: natural-log probability of `text` after the prompt, as `Score` would give it; None
    where it was not asked for, the text is empty, or thoughts were taken off it."""
    thoughts: str | None = None
    """A reasoning model's thoughts, taken off the text (`reasoning.split`): empty where it has none. None where nobody
    looked for any, as in what a local model answers and the store keeps of it; a server may have told them apart."""
    reasoning_tokens: int | None = None
    """How many of `tokens` went into thoughts, those included that a server does not show; None where that is unknown."""
    seconds: float | None = field(default=None, compare=False)
    """As of `Scored`."""


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Answer to `Perplexity`."""

    logprob: float
    """Sum of the natural-log probabilities of the text's tokens."""
    tokens: int
    """Number of tokens scored."""
    each: tuple[float, ...] = ()
    """With `Perplexity.detail`: the natural-log probability of each token, in the order of the text."""
    means: tuple[float, ...] = ()
    """With it: what the log-probability of a token drawn from the model has for a mean at each place."""
    deviations: tuple[float, ...] = ()
    """With it: the standard deviation that goes with `means`."""
    seconds: float | None = field(default=None, compare=False)
    """As of `Scored`."""


@dataclass(frozen=True, slots=True)
class Failure:
    """No answer, and why. Samples with a failure are missing from the estimate, and counted."""

    reason: FailureReason
    detail: str
    written: Generated | None = None
    """What was written all the same; of `truncated` and `unread` only."""


Answer = Scored | Generated | Likelihood
Response = Answer | Failure

_REQUESTS: dict[str, type[Request]] = {"score": Score, "generate": Generate, "perplexity": Perplexity}
_ANSWERS: dict[str, type[Answer]] = {"scored": Scored, "generated": Generated, "likelihood": Likelihood}
_KINDS = {cls: name for names in (_REQUESTS, _ANSWERS) for name, cls in names.items()}
_SORTED = json.JSONEncoder(sort_keys=True, ensure_ascii=True)  # `json.dumps` would make one for each request
_READABLE = json.JSONEncoder(ensure_ascii=False)
_NAMES = {
    cls: tuple(field.name for field in dataclasses.fields(cls))
    for cls in (Score, Generate, Perplexity, Scored, Generated, Likelihood)
}
_REST = operator.attrgetter(*_NAMES[Generate][1:])
"""All of a `Generate` but its prompt."""
HOLE = "\ue000 here the prompt \ue000"
"""Stands where a prompt will, in what is written once for many; what holds it by itself is not split in two by it."""


def kind(request: Request) -> str:
    """`score`, `generate` or `perplexity`."""
    return _KINDS[type(request)]


def asks_likelihood(request: Request) -> bool:
    """Whether it asks how likely a text is, the one that is written included."""
    return not isinstance(request, Generate) or request.detail


def key(request: Request, stored_as: str, prompt: str | None = None) -> str:
    """The response store's key: SHA-256 (hex) over what the model's answers are stored as, and the whole request.

    `prompt`: as a chat template makes it, which may write what the request does not say (the date); None where there
    is none.

    What has no part in a greedy text is left out, and so are `detail`, `stop_in_thoughts`, `lm_eval`, `choices` and budgets of
    thoughts where they are not asked for: such keys are what they were before there were sampling and any of these.
    """
    parts = _around(stored_as, *_REST(request)) if isinstance(request, Generate) else ()
    if isinstance(request, Generate) and len(parts) == 2:
        content = f"{parts[0]}{_SORTED.encode(request.prompt)}{parts[1]}"
    else:
        content = _SORTED.encode([stored_as, kind(request), _asked(request)])[:-1]
    content += "]" if prompt is None else f", {_SORTED.encode(prompt)}]"
    return hashlib.sha256(content.encode()).hexdigest()


@functools.lru_cache(maxsize=1024, typed=True)  # 1 and 1.0 are written differently
def _around(stored_as: str, *rest: Any) -> Sequence[str]:
    """What stands before a prompt, and after it, in the JSON of a `key`, for all requests that differ in nothing else:
    a task has thousands of them."""
    content = _SORTED.encode([stored_as, "generate", _asked(Generate(HOLE, *rest))])[:-1]
    return content.split(_SORTED.encode(HOLE))


def asked(requests: Sequence[Request]) -> str:
    """What a sample asks, as SHA-256 (hex): equal in two runs that ask the same, whatever model and chat template read it."""
    content = json.dumps(
        [[kind(request), _asked(request)] for request in requests], sort_keys=True, ensure_ascii=True
    )
    return hashlib.sha256(content.encode()).hexdigest()


def _asked(request: Request) -> dict[str, Any]:
    """The fields that have a say in an answer."""
    fields = _shallow(request)
    for name in ("detail", "stop_in_thoughts", "lm_eval", "choices"):
        if not fields.get(name):
            fields.pop(name, None)
    for name in ("reasoning_tokens", "reasoning_effort"):
        if fields.get(name) is None:
            fields.pop(name, None)
    if isinstance(request, Generate) and request.temperature == 0:
        for name in ("temperature", "top_p", "seed"):
            del fields[name]
    return fields


def timed(answer: Answer, seconds: float) -> None:
    """Note how long a new answer took, to the microsecond. It stays equal to what it was: how long it took is no part of
    what was answered.

    In place: `dataclasses.replace` takes twenty times as long, for each of millions of answers.
    """
    object.__setattr__(answer, "seconds", round(seconds, 6))


def dump_answer(answer: Answer) -> str:
    """An answer as JSON; floats keep every digit."""
    return _READABLE.encode({"kind": _KINDS[type(answer)], **answer_fields(answer)})


def answer_fields(answer: Answer) -> dict[str, Any]:
    """Its fields by name; `thoughts` only where there are any, and their tokens, and `seconds`, where they are known."""
    fields = _shallow(answer)
    if not fields.get("thoughts"):
        fields.pop("thoughts", None)
    for name in ("reasoning_tokens", "seconds"):
        if fields.get(name) is None:
            fields.pop(name, None)
    return fields


def load_answer(text: str) -> Answer:
    """The answer that `dump_answer` wrote. Raises ValueError, KeyError or TypeError on anything else."""
    fields = json.loads(text)
    if not isinstance(fields, dict):
        raise TypeError("an answer is a JSON object")
    cls: Any = _ANSWERS[fields.pop("kind")]
    answer: Answer = cls(**{name: tuple(v) if isinstance(v, list) else v for name, v in fields.items()})
    if not all(_fits(getattr(answer, name), hint) for name, hint in _types(cls).items()):
        raise TypeError("an answer's values are of other types")
    return answer


def _shallow(thing: Request | Answer) -> dict[str, Any]:
    """Its fields by name, as `dataclasses.asdict` gives them where there is nothing nested, and ten times as fast."""
    return {name: getattr(thing, name) for name in _NAMES[type(thing)]}


@functools.cache
def _types(cls: type[Answer]) -> dict[str, Any]:
    return get_type_hints(cls)


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value is of the type that a field of an answer is declared with."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(one, inner[0]) for one in value)
    if origin is Literal:
        return value in inner
    if origin is not None:
        return any(_fits(value, one) for one in inner)
    return type(value) is hint or (hint is float and type(value) is int)
