"""The interface of a model that users write in a few lines of Python: its prompts and answers.

`lsm_eval.models.own_model` wraps it as a `models.base.Model`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt that a model must answer."""

    user: str
    """The user's message, without a system message."""
    system: str | None
    chat: bool
    """Whether to answer it as a chat; only if the model has `chat = True`."""
    stop: tuple[str, ...]
    """Texts that end the answer. The answer is cut before them in any case: a model that ignores them only wastes time."""
    max_tokens: int
    """The most new tokens. The model itself must keep to it, as nobody else counts them."""
    temperature: float
    """0: the likeliest token each time."""
    top_p: float
    seed: int
    """The seed for sampling, at a temperature above 0."""

    @property
    def text(self) -> str:
        """The whole prompt as one text, the system message first."""
        return self.user if self.system is None else f"{self.system}\n\n{self.user}"

    @property
    def messages(self) -> list[dict[str, str]]:
        """The whole prompt as the messages of a chat."""
        system = [] if self.system is None else [{"role": "system", "content": self.system}]
        return [*system, {"role": "user", "content": self.user}]


@dataclass(frozen=True, slots=True)
class Answer:
    """A text, and what else a model knows about it."""

    text: str
    tokens: int | None = None
    """The number of new tokens; None if they are not counted."""
    finish: Literal["stop", "length"] = "stop"
    """`length`: the tokens ran out before the text had ended."""


Pair = tuple[str, str]
"""A context, which may be empty, and a text that continues it."""
Likely = tuple[float, bool] | tuple[float, bool, int]
"""The natural logarithm of the text's probability after the context; whether greedy decoding would give exactly this text; and, if known, how
many tokens the text has."""


class Model(Protocol):
    """What `lsm_eval.run(model=...)` requires of an object.

    Optionally it may also have:

    - `loglikelihood(pairs: Sequence[Pair]) -> Sequence[Likely]`, for tasks that score given choices, and for those that ask how likely whole
      texts are: these come as a pair each, after an empty context, and their tokens must be counted. Without it the model is asked to write
      the letter of a choice.
    - `fingerprint: str`, which must change whenever the model's answers may change (a hash of its weights, a version). Answers are stored
      under name and fingerprint, so that later runs can reuse them; without it none are stored.
    - `chat: bool`: it answers chats (`Prompt.messages`). Without it prompts are plain texts.
    - `batch_size: int`: the most prompts, or pairs, that it is given at once; 64 by default.
    """

    @property
    def name(self) -> str:
        """The name in records and on pages."""
        ...

    def generate(self, prompts: Sequence[Prompt], /) -> Sequence[str | Answer | None]:
        """An answer to each prompt, in their order; None if there is none, which counts as missing and not as wrong."""
        ...
