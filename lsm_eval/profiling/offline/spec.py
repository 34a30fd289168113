"""Options of an offline profile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lsm_eval.errors import UserError
from lsm_eval.profiling.cells import cell_name

MOST_CELLS = 200
EnergyFrom = Literal["counters", "zeus"]
"""What reads the energy counters: lsm-eval itself, or the package zeus."""
WITHIN = 0.05
"""Half-width of an interval that is narrow enough, relative to the mean."""


@dataclass(frozen=True, slots=True)
class Cell:
    """The conditions of one measurement."""

    phase: Literal["prefill", "decode"]
    """`prefill`: prompts are read, and one token generated for each. `decode`: they are read, and all tokens generated."""
    batch: int
    prompt: int
    output: int

    @property
    def conditions(self) -> dict[str, str | int]:
        """The conditions as they are stored in a record."""
        return {
            "phase": self.phase,
            "batch": self.batch,
            "prompt_tokens": self.prompt,
            "output_tokens": self.output,
        }

    @property
    def name(self) -> str:
        """Such as `decode_b8_p128_o64`."""
        return cell_name(self.conditions)

    @property
    def title(self) -> str:
        """In words."""
        length = f"prompt {self.prompt:,}" + (f", output {self.output:,}" if self.phase == "decode" else "")
        return f"{self.phase.capitalize()}, batch {self.batch:,}, {length}"

    @property
    def tokens(self) -> int:
        """Total tokens of all prompts and answers in the batch."""
        return self.batch * (self.prompt + self.output)


@dataclass(frozen=True)
class OfflineSpec:
    """The cells are all combinations of batch size, prompt length and output length, and prefill for each batch size and prompt length."""

    batches: Sequence[int] = (1, 8)
    prompts: Sequence[int] = (64, 256)
    outputs: Sequence[int] = (16, 64)
    repeats: int = 5
    """Least number of rounds in which each cell is measured."""
    max_repeats: int | None = None
    """Largest number of rounds; None for twice `repeats`."""
    within: float = WITHIN
    seed: int = 0
    energy: EnergyFrom = "counters"

    @property
    def most(self) -> int:
        """Largest number of rounds. Raises `UserError` if it is below `repeats`."""
        if self.max_repeats is None:
            return 2 * self.repeats
        if self.max_repeats < self.repeats:
            raise UserError(
                f"--max-repeats {self.max_repeats} is fewer than the --repeats {self.repeats} that are measured in any case: "
                "raise it, or leave it out."
            )
        return self.max_repeats

    def cells(self, name: str, context: int | None) -> list[Cell]:
        """The cells, small ones first. Raises `UserError` if there are too many, or one does not fit the context of the model `name`."""
        found = [Cell("prefill", batch, prompt, 1) for batch in self.batches for prompt in self.prompts]
        found += [
            Cell("decode", batch, prompt, output)
            for batch in self.batches
            for prompt in self.prompts
            for output in self.outputs
            if output > 1
        ]
        if len(found) > MOST_CELLS:
            raise UserError(
                f"--batch, --prompt-tokens and --output-tokens make {len(found):,} cells: give fewer values, {MOST_CELLS} cells at most."
            )
        longest = max(found, key=lambda cell: cell.prompt + cell.output)
        if context is not None and longest.prompt + longest.output > context:
            raise UserError(
                f"a prompt of {longest.prompt:,} and an answer of {longest.output:,} tokens do not fit {name}'s context of {context:,}: give "
                "shorter --prompt-tokens or --output-tokens."
            )
        return sorted(found, key=lambda cell: (cell.tokens, cell.name))


def check_local(model: str) -> None:
    """Raises `UserError` for a model that cannot be given batches."""
    prefix, colon, _ = model.partition(":")
    if colon and prefix == "openai":
        raise UserError(
            f"--model {model} is behind a server, which makes its own batches: profile how it serves (--concurrency or --rate)."
        )
