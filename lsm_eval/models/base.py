"""What a model is to the rest of the house: small, batched, and with no knowledge of tasks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from lsm_eval.requests import Request, Response

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
    api: Literal["auto", "chat", "completions"] = "auto"
    api_key_env: str | None = None
    """The environment's variable that holds the key; None for `OPENAI_API_KEY`, where it is set."""
    api_key_file: Path | None = None
    max_concurrency: int = 512
    """Requests under way at once, at most."""


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
