"""The interface of a model: small, batched, and without knowledge of tasks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from lsm_eval.inference.times import Found as FoundTimes
from lsm_eval.requests import Generate, Request, Response

Overflow = Literal["error", "truncate", "skip"]
"""How a request longer than the model's context is treated: the run is refused, the context is truncated on the left, or
the sample is missing."""

Engine = Literal["auto", "tree", "plain"]
"""How scoring shares work: `tree` computes every unique token once, `plain` pads one sequence per choice (the
reference), `auto` uses the tree if a self-check on the run's own requests agrees with plain scoring."""

LikelihoodKind = Literal["causal", "conditional", "pseudo"]
"""What a model's log-probabilities mean: each token given those before it; the same, given the encoded context; or each
token given all others (which is not the probability of the text). Values of different kinds are never put in one column."""


@dataclass(frozen=True, slots=True)
class EndpointOptions:
    """How a server is used (`lsm_eval.endpoints`)."""

    base_url: str
    """The address without `/chat/completions`, such as `http://localhost:8000/v1`."""
    api: Literal["auto", "chat", "completions", "responses"] = "auto"
    api_key_env: str | None = None
    """The environment variable that holds the key; None for `OPENAI_API_KEY`, if it is set."""
    api_key_file: Path | None = None
    max_concurrency: int = 512
    """The most requests in flight, at each server."""
    more_urls: tuple[str, ...] = ()
    """Addresses of other servers with the same model."""
    stream: Literal["auto", "on", "off"] = "auto"
    """Whether answers come in parts; `auto`: where nothing would be heard for long otherwise (`endpoints.streams.quirks`)."""
    header_env: tuple[str, ...] = ()
    """Additional headers, as `NAME=VARIABLE` with an environment variable."""
    tokenizer: str | None = None
    """Folder or hub id of the model's tokenizer, for a server that does not tokenize."""
    probe: bool = True
    """Whether the server may be probed first; a dry run sends nothing."""
    ignore_ends: bool = False
    """Whether to ignore end-of-text tokens (`ignore_eos` of vLLM, SGLang and llama.cpp): `Endless`."""
    keep: bool = True
    """Whether findings about it are cached for the next run; not for a server that lives only as long as this run."""
    cache_known: bool = False
    """Whether its prompt cache is known to be exact (`endpoints.scoring.prompt_cache`), so that this need not be checked."""

    @property
    def base_urls(self) -> tuple[str, ...]:
        """The addresses of all servers, in the order given."""
        return (self.base_url, *self.more_urls)


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """How a model is run. A backend raises `UserError` if an option was set that it cannot honour."""

    device: str = "auto"
    """`auto`, `cpu`, `cuda`, `cuda:0`, `mps`."""
    dtype: str = "auto"
    """`auto` (float32 on CPU, the checkpoint's own elsewhere), `float32`, `bfloat16`, `float16`."""
    batch_tokens: int | None = None
    """The most tokens of a batch; None for the device's default."""
    overflow: Overflow = "error"
    engine: Engine = "auto"
    adapter: str | None = None
    """Folder or hub id of a PEFT adapter."""
    quantize: str | None = None
    """How the weights are quantised (`models.quantised.METHODS`); None to use them as they are."""
    chat_template: str | None = None
    """Name of one of the tokenizer's chat templates, or path of a Jinja file; None for the default template."""
    trust_remote_code: bool = False
    offline: bool = False
    endpoint: EndpointOptions | None = None
    context: int | None = None
    """For engines (`lsm_eval.engines`): the most tokens of prompt and answer together; None for the model's default."""
    slots: int | None = None
    """For engines: sequences that are computed at the same time."""
    threads: int | None = None
    """For engines: threads to compute with."""


def without_probe(options: ModelOptions) -> ModelOptions:
    """The options with the probe turned off, so that nothing is sent to a server."""
    endpoint = options.endpoint
    return options if endpoint is None else replace(options, endpoint=replace(endpoint, probe=False))


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What happened at one of a model's servers."""

    url: str
    answered: int
    """Requests that it answered."""
    faults: Mapping[str, int]
    """Tries without a complete answer, by class (`lsm_eval.endpoints.outcome.Fault`)."""
    outs: int
    """How often it was unreachable, and left out until it could be reached again."""
    limits: tuple[tuple[float, float, str], ...]
    """The limit of requests in flight: seconds since the first request, the limit from then on, and why."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What is known of a model before its weights are loaded."""

    name: str
    """The name in records and on pages, such as `builtin:smollm2-135m`."""
    chat_template: bool
    """Whether the model has a chat template."""
    context: int | None
    """The most tokens of context and continuation together; None if there is no limit."""
    parameters: int | None = None
    """Number of weights; None if unknown, or if there are none."""
    revision: str | None = None
    dtype: str | None = None
    device: str | None = None
    licence: str | None = None
    likelihood: LikelihoodKind = "causal"
    details: Mapping[str, str] | None = None
    """Anything else that the record should show, such as the quantisation or the adapter."""
    servers: tuple[ServerInfo, ...] = ()
    """The servers that were used."""
    probed: Mapping[str, Any] | None = None
    """Findings about its server, as JSON (`endpoints.probe.findings`)."""
    cuts: bool = True
    """Whether it can truncate contexts that are too long (`ModelOptions.overflow`)."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a request costs a model, in tokens."""

    asked: int
    """Tokens in all its sequences: every context once for each of its continuations, plus the continuations (or the
    prompt, plus the most new tokens)."""
    bos: int
    """Beginning-of-text tokens in its first sequence; more than one is a mistake."""
    longest: int
    """Length of its longest sequence, in tokens (for `Generate`, with the most new tokens)."""
    truncated: int = 0
    """Tokens that do not fit the model's context."""


class Model(Protocol):
    """Answers any number of requests."""

    @property
    def info(self) -> ModelInfo: ...

    def fingerprint(self) -> str:
        """SHA-256 (hex) over everything that defines the model: weights, adapter, tokenizer, template, dtype. It does not
        depend on the versions of the packages that run it (`Versioned`)."""
        ...

    def cost(self, requests: Sequence[Request]) -> list[Cost]:
        """Tokens of each request, parallel to `requests`. May load the tokenizer, but not the weights.
        An empty list if the model counts no tokens (baselines without a model)."""
        ...

    def render(self, request: Request) -> str:
        """The prompt as the model reads it, rendered by its chat template if the request asks for that."""
        ...

    def computed(self) -> Mapping[str, float]:
        """Counts of what was computed so far, by name (`inference.ledger.Ledger.counts`); empty if there are none."""
        ...

    def load(self) -> None:
        """Load the weights on the device. Called once before `answer`. Raises `UserError`."""
        ...

    def answer(
        self, requests: Sequence[Request], known: Collection[int] = ()
    ) -> Iterator[dict[int, Response]]:
        """Batches of answers by index into `requests`, each as soon as it is ready.

        `known` are indices that need no answer. Batches are formed from *all* requests, and those with nothing new are
        skipped, so that a resumed run computes the same as an uninterrupted one, to the last bit. Every other index is
        answered exactly once, with a `Failure` if need be.
        """
        ...


@runtime_checkable
class Chatting(Protocol):
    """A model whose chat template may refuse messages."""

    def refusal(self, request: Request) -> str | None:
        """Why the template refuses the request, as a sentence; None if it does not."""
        ...

    def folded(self, request: Request) -> bool:
        """Whether the request's system message is put into the user's message, as the template takes none."""
        ...


@runtime_checkable
class Budgeting(Protocol):
    """A model that can keep to a budget of thoughts (`Generate.reasoning_tokens`, `Generate.reasoning_effort`)."""

    def no_budget(self, request: Generate) -> str | None:
        """Why it cannot keep to those of a request, as the rest of a sentence; None if it can."""
        ...


@runtime_checkable
class Counting(Protocol):
    """A model that can count tokens."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text, without special tokens around it."""
        ...


@runtime_checkable
class Releasing(Protocol):
    """A model that can free its weights to make room for another; `load` loads them again."""

    def release(self) -> None:
        """Free what `load` allocated. Counts and details stay available."""
        ...


@runtime_checkable
class Versioned(Protocol):
    """A model whose answers also depend on packages: answers stored under other versions are computed again."""

    def versions(self) -> Mapping[str, str]:
        """Versions of the packages that compute its answers, by package."""
        ...


@runtime_checkable
class Measuring(Protocol):
    """A model that can compute likelihoods in several ways, which may differ between runs."""

    def scored_as(self) -> str:
        """An id of the way used in this run; empty if it returns no likelihoods. Answers with log-probabilities are stored under it, but
        generated texts are not. Raises `UserError` if it cannot be found out."""
        ...


@runtime_checkable
class Choosing(Protocol):
    """A model that may lack log-probabilities, or that can be constrained to given answers."""

    def scores(self) -> bool | None:
        """Whether it answers `Score`; None if that is unknown without sending requests."""
        ...

    def constrains(self, *, chat: bool) -> bool | None:
        """Whether it answers a `Generate` with `choices`, and keeps to them; None if that is unknown without sending requests."""
        ...


@runtime_checkable
class Probing(Protocol):
    """A model whose abilities are found out by sending it requests."""

    def probe(self, requests: Sequence[Request]) -> None:
        """Find out, by a few short requests, how these must be sent. Called before any of them is sent. Raises `UserError` if
        none could be answered."""
        ...


@runtime_checkable
class Timing(Protocol):
    """A model that records how long its requests took."""

    def times(self) -> FoundTimes:
        """Seconds so far (`inference.times`), without entries for what is unknown, and without requests that were not
        answered."""
        ...


@runtime_checkable
class Endless(Protocol):
    """A model that can ignore end-of-text tokens, so that every answer has the most tokens allowed."""

    def ignore_ends(self) -> None:
        """Ignore them from now on. Called before `load`, only for measuring speed."""
        ...
