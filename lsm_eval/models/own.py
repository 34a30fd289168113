"""What a model of the user's own is, in a few lines of Python: what it is asked, and what it answers.

`lsm_eval.models.own_model` makes one of the house's models of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Prompt:
    """One text that a model is to go on from."""

    user: str
    """What is asked, without a system message."""
    system: str | None
    chat: bool
    """Whether it is to be answered as a chat: only where the model has `chat = True`."""
    stop: tuple[str, ...]
    """Texts that end the answer. What follows one is cut off all the same: a model may leave them alone, and only wastes time."""
    max_tokens: int
    """New tokens, at most. Nobody else counts them: a model has to keep to it."""
    temperature: float
    """0: the likeliest token each time."""
    top_p: float
    seed: int
    """Of what is drawn, at a temperature above 0."""

    @property
    def text(self) -> str:
        """All of it as one text, the system message first."""
        return self.user if self.system is None else f"{self.system}\n\n{self.user}"

    @property
    def messages(self) -> list[dict[str, str]]:
        """All of it as the messages of a chat."""
        system = [] if self.system is None else [{"role": "system", "content": self.system}]
        return [*system, {"role": "user", "content": self.user}]


@dataclass(frozen=True, slots=True)
class Answer:
    """A text, and what more a model knows of it."""

    text: str
    tokens: int | None = None
    """New tokens; None where they are not counted."""
    finish: Literal["stop", "length"] = "stop"
    """`length`: it had all tokens that it might have, and would have gone on."""


Pair = tuple[str, str]
"""A context, which may be empty, and a text that goes on from it."""
Likely = tuple[float, bool] | tuple[float, bool, int]
"""The natural logarithm of that text's probability after the context; whether the model would write just that, taking the likeliest token
each time; and, where it is known, how many tokens the text has."""


class Model(Protocol):
    """What `lsm_eval.run(model=...)` asks of an object; the rest may be left out.

    It may have, too:

    - `loglikelihood(pairs: Sequence[Pair]) -> Sequence[Likely]`, for tasks that score given choices, and for those that ask how likely whole
      texts are: these come as a pair each, after an empty context, and their tokens must be counted. Without it the model is asked to write
      the letter of a choice.
    - `fingerprint: str`, which is another as soon as the model would answer otherwise (a hash of its weights, a version). Answers are kept
      under name and fingerprint, so that a later run need not ask again; without one none are kept.
    - `chat: bool`: it answers chats (`Prompt.messages`). Without it prompts are plain texts.
    - `batch_size: int`: so many prompts, or pairs, are handed over at once, at most; 64 otherwise.
    """

    @property
    def name(self) -> str:
        """What records and pages call it."""
        ...

    def generate(self, prompts: Sequence[Prompt], /) -> Sequence[str | Answer | None]:
        """An answer to each prompt, in their order; None where there is none, which counts as missing and never as wrong."""
        ...
