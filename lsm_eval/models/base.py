"""What a model is to the rest of the house: small, batched, and with no knowledge of tasks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from lsm_eval.inference.times import Found as FoundTimes
from lsm_eval.requests import Generate, Request, Response

Overflow = Literal["error", "truncate", "skip"]
"""What to do with a request longer than the model's context: refuse the run, cut the context's left side,
or leave the sample out as missing."""

Engine = Literal["auto", "tree", "plain"]
"""How scoring shares work: `tree` computes every unique token once, `plain` pads one sequence a choice (the
reference), `auto` uses the tree where a self-check on the run's own requests agrees with plain scoring."""

LikelihoodKind = Literal["causal", "conditional", "pseudo"]
"""What a model's log-probabilities are of: each token given those before it; the same, given an encoder's
reading of the context; or each token given all others (which is no probability of the text). Numbers of
different kinds never stand in one column."""


@dataclass(frozen=True, slots=True)
class EndpointOptions:
    """How a server is to be asked (`lsm_eval.endpoints`)."""

    base_url: str
    """Above `/chat/completions`, such as `http://localhost:8000/v1`."""
    api: Literal["auto", "chat", "completions", "responses"] = "auto"
    api_key_env: str | None = None
    """The environment's variable that holds the key; None for `OPENAI_API_KEY`, where it is set."""
    api_key_file: Path | None = None
    max_concurrency: int = 512
    """Requests under way at once, at most; of several servers, at each."""
    more_urls: tuple[str, ...] = ()
    """Of further servers of the same model."""
    stream: Literal["auto", "on", "off"] = "auto"
    """Whether answers come in parts; `auto`: where nothing would be heard for long otherwise (`endpoints.streams.quirks`)."""
    header_env: tuple[str, ...] = ()
    """Further headers, as `NAME=VARIABLE` of the environment."""
    tokenizer: str | None = None
    """Folder or hub id of the model's tokenizer, for a server that tells none of its tokens."""
    probe: bool = True
    """Whether it may be asked what it can do, before all else; a dry run asks nothing."""
    ignore_ends: bool = False
    """Whether it is to write on where a text would end (`ignore_eos` of vLLM, SGLang and llama.cpp): `Endless`."""
    keep: bool = True
    """Whether what was found out of it is kept for the next run; not of a server that lives as long as this one."""
    cache_known: bool = False
    """Whether what its cache gives is known to be right (`endpoints.scoring.prompt_cache`), so that it need not be found out."""

    @property
    def base_urls(self) -> tuple[str, ...]:
        """Of all servers, in the order given."""
        return (self.base_url, *self.more_urls)


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """How a model is to be run. A backend that cannot honour one that was set raises `UserError`."""

    device: str = "auto"
    """`auto`, `cpu`, `cuda`, `cuda:0`, `mps`."""
    dtype: str = "auto"
    """`auto` (float32 on CPU, the checkpoint's own elsewhere), `float32`, `bfloat16`, `float16`."""
    batch_tokens: int | None = None
    """Tokens a batch may hold; None for a size that suits the device."""
    overflow: Overflow = "error"
    engine: Engine = "auto"
    adapter: str | None = None
    """Folder or hub id of a PEFT adapter."""
    quantize: str | None = None
    """How the weights are brought to fewer bits (`models.quantised.METHODS`); None for the checkpoint's own."""
    chat_template: str | None = None
    """Name of one of the tokenizer's chat templates, or path of a Jinja file; None for its default one."""
    trust_remote_code: bool = False
    offline: bool = False
    endpoint: EndpointOptions | None = None
    context: int | None = None
    """Of an engine (`lsm_eval.engines`): tokens of prompt and answer together; None for what suits the model."""
    slots: int | None = None
    """Of an engine: sequences that it computes at a time."""
    threads: int | None = None
    """Of an engine: threads that it computes with."""


def without_probe(options: ModelOptions) -> ModelOptions:
    """The options of a model that is asked nothing, not even what it can do."""
    endpoint = options.endpoint
    return options if endpoint is None else replace(options, endpoint=replace(endpoint, probe=False))


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """How one of the servers of a model fared."""

    url: str
    answered: int
    """Requests that it answered."""
    faults: Mapping[str, int]
    """Tries that it gave no whole answer to, by class (`lsm_eval.endpoints.outcome.Fault`)."""
    outs: int
    """How often it was gone, and left out until it was there again."""
    limits: tuple[tuple[float, float, str], ...]
    """How many requests it was sent at once: seconds since the first, the limit from then on, and why."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What is known of a model before its weights are loaded."""

    name: str
    """As it stands in records and on pages, such as `builtin:smollm2-135m`."""
    chat_template: bool
    """Whether the model has a chat template."""
    context: int | None
    """Tokens of context and continuation together; None where there is no bound."""
    parameters: int | None = None
    """Number of weights; None where unknown or none."""
    revision: str | None = None
    dtype: str | None = None
    device: str | None = None
    licence: str | None = None
    likelihood: LikelihoodKind = "causal"
    details: Mapping[str, str] | None = None
    """Anything else that a reader of the record needs, such as the quantisation or the adapter."""
    servers: tuple[ServerInfo, ...] = ()
    """Those that were asked."""
    probed: Mapping[str, Any] | None = None
    """What was found out about its server, as JSON (`endpoints.probe.findings`)."""
    cuts: bool = True
    """Whether it can cut contexts that are too long (`ModelOptions.overflow`)."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a request costs a model, in tokens."""

    asked: int
    """Tokens in all its sequences: every context as often as it has continuations, plus the continuations
    (or the prompt, plus the most new tokens)."""
    bos: int
    """Beginning-of-text tokens in its first sequence: more than one is a mistake."""
    longest: int
    """Length of its longest sequence, in tokens (for `Generate`, with the most new tokens)."""
    truncated: int = 0
    """Tokens that do not fit the model's context."""


class Model(Protocol):
    """Answers requests, in any number at a time."""

    @property
    def info(self) -> ModelInfo: ...

    def fingerprint(self) -> str:
        """SHA-256 (hex) over what makes it this model: weights, adapter, tokenizer, template, dtype. The same under
        other versions of the packages that run it (`Versioned`)."""
        ...

    def cost(self, requests: Sequence[Request]) -> list[Cost]:
        """Tokens of each request, parallel to `requests`. Loads the tokenizer at most, never the weights.
        Empty list where the model counts no tokens (the no-model rows)."""
        ...

    def render(self, request: Request) -> str:
        """The prompt as the model reads it: through its chat template if the request asks for that."""
        ...

    def computed(self) -> Mapping[str, float]:
        """What was computed so far, by name (`inference.ledger.Ledger.counts`); empty where nothing is."""
        ...

    def load(self) -> None:
        """Bring the weights to the device. Called once before `answer`; raises `UserError`."""
        ...

    def answer(
        self, requests: Sequence[Request], known: Collection[int] = ()
    ) -> Iterator[dict[int, Response]]:
        """Batches of answers by index into `requests`, each as soon as it is there.

        `known` are indices whose answer is already held. Batches are composed from *all* requests and those
        that hold nothing new are skipped, so that a resumed run computes what an uninterrupted one would,
        to the last bit. Every index that is not known is answered exactly once, with a `Failure` if need be.
        """
        ...


@runtime_checkable
class Chatting(Protocol):
    """A model whose chat template may not take every message."""

    def refusal(self, request: Request) -> str | None:
        """Why the template takes no such request, in a sentence; None where it does."""
        ...

    def folded(self, request: Request) -> bool:
        """Whether the request's system message stands in the user's message, since the template takes none."""
        ...


@runtime_checkable
class Budgeting(Protocol):
    """A model that can keep to a budget of thoughts (`Generate.reasoning_tokens`, `Generate.reasoning_effort`)."""

    def no_budget(self, request: Generate) -> str | None:
        """Why it cannot keep to those of a request, in the rest of a sentence; None where it can."""
        ...


@runtime_checkable
class Counting(Protocol):
    """A model whose tokenizer is at hand."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text, with nothing put before or after it."""
        ...


@runtime_checkable
class Releasing(Protocol):
    """A model that can let its weights go, so that another finds room; `load` brings them back."""

    def release(self) -> None:
        """Free what `load` took. What it computed and how it was run stays known."""
        ...


@runtime_checkable
class Versioned(Protocol):
    """A model whose answers hang on packages, too: those stored under other versions are asked again."""

    def versions(self) -> Mapping[str, str]:
        """Versions, by package, of what computes its answers."""
        ...


@runtime_checkable
class Measuring(Protocol):
    """A model that may find how likely a text is in several ways, of which another run may take another."""

    def scored_as(self) -> str:
        """The way of this run; empty where it tells nothing of it. Answers with log-probabilities are kept under it, and texts that are
        written are not. Raises `UserError` where that cannot be found out."""
        ...


@runtime_checkable
class Choosing(Protocol):
    """A model that may tell no log-probabilities, or that can be held to given answers."""

    def scores(self) -> bool | None:
        """Whether it answers `Score`; None where that is not known without asking."""
        ...

    def constrains(self, *, chat: bool) -> bool | None:
        """Whether it answers a `Generate` with `choices`, and keeps to them; None where that is not known without asking."""
        ...


@runtime_checkable
class Probing(Protocol):
    """A model of which is found out what it can do, by asking it."""

    def probe(self, requests: Sequence[Request]) -> None:
        """Find out, by a few short requests of its own, how these are to be asked. Called before any of them is. Raises
        `UserError` where none could be."""
        ...


@runtime_checkable
class Timing(Protocol):
    """A model that knows how long each of its requests took."""

    def times(self) -> FoundTimes:
        """Seconds so far (`inference.times`); what is not known has no entry. Those of requests that were not answered are not
        among them."""
        ...


@runtime_checkable
class Endless(Protocol):
    """A model that can write on where it would end a text, so that an answer has as many tokens as it may have."""

    def ignore_ends(self) -> None:
        """From now on it does. Called before `load`: for measuring how fast it writes, never for what it says."""
        ...
