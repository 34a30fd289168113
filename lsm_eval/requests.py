"""What tasks ask of models, and what comes back.

A request carries text only and knows neither its task nor its model, so that equal requests of different
tasks are sent once. A response is a value even if it is a failure: it is never an exception half-way,
and never a 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

CLOSING_TOKENS = 64
"""Tokens for the text that closes thoughts which ran out of their budget."""


@dataclass(frozen=True, slots=True)
class Score:
    """How likely is each continuation of one context? The scoring primitive: one context, many continuations.

    An empty context stands for the start of a text (the model's BOS token, or EOS if it has none).
    """

    context: str
    continuations: tuple[str, ...]
    chat: bool = False
    """Send the context as a user's message through the model's chat template; the continuations answer it."""
    lm_eval: bool = False
    """Truncate as lm-evaluation-harness does: from the very left, each continuation's context by itself. Otherwise the
    beginning-of-text token stays, and all continuations lose the same tokens."""


@dataclass(frozen=True, slots=True)
class Generate:
    """Continue a prompt until a stop string, the end of text, or `max_tokens` new tokens.

    Greedily by default. n samples of one prompt are n requests with different seeds: they share the prefill of the
    prompt, and each has its own random stream, so that its text depends on nothing but its own request.
    """

    prompt: str
    stop: tuple[str, ...] = ()
    max_tokens: int = 256
    system: str | None = None
    """A system message; without a chat template it is put before the prompt, with a blank line between."""
    chat: bool = False
    """Send the prompt as a user's message through the model's chat template."""
    temperature: float = 0.0
    """The logits are divided by this before a token is sampled; 0 takes the likeliest token each time."""
    top_p: float = 1.0
    """Sample from the fewest tokens whose probabilities sum to this, above 0 and at most 1."""
    seed: int = 0
    """Seed of this sequence's random stream; not used at temperature 0."""
    detail: bool = False
    """Also return how likely the new text is (`Generated.logprob`)."""
    stop_in_thoughts: bool = False
    """Stop strings end the text inside a reasoning model's thoughts, too; by default they wait for its answer."""
    lm_eval: bool = False
    """Truncate long prompts, and cut texts at stop strings that hold special tokens, as lm-evaluation-harness does
    (`Score.lm_eval`, `inference.generating.stops.finish`)."""
    choices: tuple[str, ...] = ()
    """The text must be one of these, none of which begins with another; empty if any text will do. Only for models with
    constrained decoding (`models.base.Choosing`)."""
    reasoning_tokens: int | None = None
    """The most tokens of thoughts, `max_tokens` then being those of the answer; None if both share `max_tokens`."""
    reasoning_effort: str | None = None
    """How much the model is asked to think (`reasoning.effort`); None for the model's default."""

    @property
    def most_tokens(self) -> int:
        """The most new tokens: with a budget for thoughts, thoughts and answer and the text that closes the thoughts."""
        if self.reasoning_tokens is None:
            return self.max_tokens
        return self.max_tokens + self.reasoning_tokens + CLOSING_TOKENS


@dataclass(frozen=True, slots=True)
class Perplexity:
    """How likely is a whole text, from its start? Texts longer than the model's context are scored in windows."""

    text: str
    detail: bool = False
    """Also return how likely each token is (`Likelihood.each`)."""
    lm_eval: bool = False
    """If the text itself starts with the beginning-of-text token, score it, as lm-evaluation-harness does, rather than
    take it for the one that precedes every text."""


Request = Score | Generate | Perplexity

FailureReason = Literal[
    "nan", "too_long", "unsupported", "truncated", "null", "refused", "unanswered", "unread"
]
"""`truncated`: the text ended inside a reasoning model's thoughts, before there was an answer. `null`: the sample was
not asked, because its data holds a null. `refused`: a server refuses the request. `unanswered`: a server gave no complete
answer, however often it was asked. `unread`: the text names none of the sample's choices, or several."""


@dataclass(frozen=True, slots=True)
class Scored:
    """Answer to `Score`; each tuple has one value per continuation."""

    logprobs: tuple[float, ...]
    """Sum of the tokens' natural-log probabilities."""
    tokens: tuple[int, ...]
    """Number of tokens scored; empty if the model does not count them."""
    greedy: tuple[bool, ...]
    """Whether greedy decoding from the context would have given the continuation."""
    truncated: int = 0
    """Tokens cut from the left of the context to fit the model; the most of any continuation."""
    order_only: bool = False
    """The numbers only rank the continuations and are not log-probabilities (baselines without a model)."""
    seconds: float | None = field(default=None, compare=False)
    """How long a request that was sent by itself took (`set_seconds`); None if unknown."""


@dataclass(frozen=True, slots=True)
class Generated:
    """Answer to `Generate`."""

    text: str
    """The new text, cut before the stop string."""
    tokens: int | None
    """Number of new tokens; None if the server does not count them."""
    finish: Literal["stop", "length"]
    """`stop`: a stop string or the end of text was reached. `length`: the tokens ran out."""
    truncated: int = 0
    """Tokens cut from the left of the prompt to fit the model."""
    logprob: float | None = None
    """With `Generate.detail`: natural-log probability of `text` after the prompt, as `Score` would give it; None if it
    was not requested, the text is empty, or thoughts were removed from it."""
    thoughts: str | None = None
    """A reasoning model's thoughts, removed from the text (`reasoning.split`); empty if there are none. None if the text
    was not split yet, as in a local model's answers and in the store; a server may return thoughts separately."""
    reasoning_tokens: int | None = None
    """How many of `tokens` are thoughts, including those that a server does not show; None if unknown."""
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
    """With `Perplexity.detail`: at each position, the mean log-probability of a token sampled from the model."""
    deviations: tuple[float, ...] = ()
    """With `Perplexity.detail`: the standard deviation that belongs to each of `means`."""
    seconds: float | None = field(default=None, compare=False)
    """As of `Scored`."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no answer. Samples with a failure are left out of the estimate, and counted."""

    reason: FailureReason
    detail: str
    written: Generated | None = None
    """The text that was generated nevertheless; only with `truncated` and `unread`."""


Answer = Scored | Generated | Likelihood
Response = Answer | Failure

KINDS: dict[type[Request] | type[Answer], str] = {
    Score: "score",
    Generate: "generate",
    Perplexity: "perplexity",
    Scored: "scored",
    Generated: "generated",
    Likelihood: "likelihood",
}
"""The name of each type, as JSON has it."""


def kind(request: Request) -> str:
    """`score`, `generate` or `perplexity`."""
    return KINDS[type(request)]


def asks_likelihood(request: Request) -> bool:
    """Whether it asks how likely a text is, or how likely the generated text is."""
    return not isinstance(request, Generate) or request.detail


def set_seconds(answer: Answer, seconds: float) -> None:
    """Note in a new answer how long it took, to the microsecond. `==` ignores this field.

    In place: `dataclasses.replace` takes twenty times as long, for each of millions of answers.
    """
    object.__setattr__(answer, "seconds", round(seconds, 6))
