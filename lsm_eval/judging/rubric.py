"""Rubrics: files with the questions for a judge, which have typed answers.

Those that several benchmarks use are in `FOLDER`; any other lies in its benchmark's folder as `rubric.yaml`. A rubric does not depend on a model. It turns one answered prompt into `Question`s; `judging.reading` makes the requests
to a judge and reads its responses.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, Field, StringConstraints, ValidationError, model_validator

from lsm_eval.errors import UserError
from lsm_eval.names import checked_name
from lsm_eval.strict import Strict
from lsm_eval.templates.render import compile_text

FOLDER = Path(__file__).parent / "rubrics"

Label = Annotated[str, StringConstraints(pattern=r"^[a-z]+( [a-z]+)*$")]


class RubricQuestion(Strict):
    """One question of a rubric: its text, and either labels or a scale for the answer."""

    ask: str
    labels: tuple[Label, ...] = ()
    scale: tuple[int, int] | None = None
    """Lowest and highest integer (of one digit) that is an allowed answer."""

    @model_validator(mode="after")
    def _typed(self) -> RubricQuestion:
        if bool(self.labels) == bool(self.scale):
            raise ValueError("give labels or a scale")
        if self.scale and not 0 <= self.scale[0] < self.scale[1] <= 9:
            raise ValueError("a scale goes from a digit to a higher one")
        known = self.answers
        if len(known) < 2 or any(a != b and b.startswith(a) for a in known for b in known):
            raise ValueError("answers must be two or more, and none the beginning of another")
        return self

    @property
    def answers(self) -> tuple[str, ...]:
        """All allowed answers."""
        if self.scale:
            return tuple(str(number) for number in range(self.scale[0], self.scale[1] + 1))
        return self.labels


@dataclass(frozen=True, slots=True)
class Question:
    """One question to a judge about one answered prompt."""

    rubric: str
    name: str
    text: str
    """The complete text for the judge, without the cue."""
    answers: tuple[str, ...]
    cue: str
    """Follows the text if the judge has no chat template, so that it continues with the answer."""
    least_mass: float


class Rubric(Strict):
    """A fixed way to judge an answer."""

    rubric: Annotated[str, AfterValidator(checked_name)]
    version: int = Field(ge=1)
    title: str
    source: str
    """Source of the scale; the wording is this project's own."""
    prompt: str
    """Template over `request` and `completion` (texts), `metadata`, `ask`, `answers` (text: the allowed ones) and
    `fence` (a word that occurs in neither text)."""
    cue: str = "Answer:"
    least_mass: float = Field(default=0.01, ge=0, lt=1)
    """Least total probability of the allowed answers; below, the judge was about to say something else and could not judge."""
    questions: dict[str, RubricQuestion] = Field(min_length=1)

    @cached_property
    def sha256(self) -> str:
        """Hash of the rubric's complete content."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def template(self) -> Callable[[Mapping[str, Any]], str]:
        """The prompt, compiled."""
        return compile_text(self.prompt, where=f"rubric {self.rubric}")

    @property
    def signature(self) -> str:
        """Name, version and the beginning of the hash."""
        return f"{self.rubric}/{self.version}/{self.sha256[:8]}"

    def ask(self, request: str, completion: str, metadata: Mapping[str, Any]) -> tuple[Question, ...]:
        """The questions about one completion, in the rubric's order."""
        values = {
            "request": request,
            "completion": completion,
            "metadata": metadata,
            "fence": _fence(request, completion),
        }
        return tuple(
            Question(
                rubric=self.rubric,
                name=name,
                text=self.template(
                    {**values, "ask": question.ask.strip(), "answers": _listed(question.answers)}
                ),
                answers=question.answers,
                cue=self.cue,
                least_mass=self.least_mass,
            )
            for name, question in self.questions.items()
        )


def names() -> list[str]:
    """The rubrics that come with lsm-eval for any benchmark, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


@lru_cache(maxsize=64)
def load(name: str) -> Rubric:
    """The rubric of that name. Raises `UserError` if there is none."""
    if name not in names():
        raise UserError(f"unknown rubric {name!r}: there are {', '.join(names())}.")
    return read(FOLDER / f"{name}.yaml")


def read(path: Path) -> Rubric:
    """The rubric in a file. Raises `UserError`, which names the file, if it is broken."""
    try:
        return Rubric.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        reason = " ".join(str(error).split())[:300]
        raise UserError(f"{path} is not a rubric ({reason}): correct it.") from error


def _fence(request: str, completion: str) -> str:
    """A word derived by SHA-256 from the judged texts, so that neither of them can contain its own fence."""
    return hashlib.sha256(json.dumps([request, completion]).encode()).hexdigest()[:8]


def _listed(answers: tuple[str, ...]) -> str:
    return f"{', '.join(answers[:-1])} or {answers[-1]}"
