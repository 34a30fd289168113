"""The task file's schema: what a YAML file of a task or a suite may say, and what each key means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from lsm_eval.data.schema import Dataset, Split
from lsm_eval.names import checked_label, checked_name
from lsm_eval.strict import Number, Strict, Whole

Area = Literal[
    "accuracy", "translation", "summarisation", "bias", "hallucination", "privacy", "safety", "perplexity"
]

Name = Annotated[str, AfterValidator(checked_name)]


class FewShot(Strict):
    """Examples before the question."""

    shots: Whole = Field(default=0, ge=0)
    """Default number of examples; `--shots` overrides it."""
    split: Split | None = None
    """Split of the same dataset from which examples are taken; None for the evaluated split itself (a document is
    never its own example)."""
    examples: tuple[dict[str, Any], ...] = ()
    """Examples in the task file itself, as rows with the dataset's columns, instead of a split."""
    sampler: Literal["first", "random"] = "first"
    """`random` is seeded, and draws again for every document."""
    match: str | None = None
    """Column in which an example must equal the document, such as `subject`."""
    answer: str | None = None
    """Template of the example's answer; by default its first right choice or reference."""
    separator: str = "\n\n"
    """Text between the examples, and before the question."""
    sha256: str | dict[str, str] | None = None
    """Hash of the examples' split, as for the dataset."""

    @field_validator("examples")
    @classmethod
    def _texts(cls, examples: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        # The original spelling of a boolean is lost, and Python would show it as True or False.
        for value in _scalars(examples):
            if isinstance(value, bool):
                raise ValueError(f"YAML reads {str(value).lower()} as a boolean: quote it")
        return examples


def _scalars(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for part in value:
            yield from _scalars(part)
    else:
        yield value


class Draws(Strict):
    """Several answers to one prompt (generate only): the first is greedy, the others are drawn."""

    n: Whole = Field(ge=1, le=10_000)
    """Number of answers drawn in addition to the greedy one."""
    temperature: Number = Field(default=1.0, gt=0)
    """Temperature of the drawn answers."""
    top_p: Number = Field(default=1.0, gt=0, le=1)
    """They are drawn from the likeliest tokens of this total probability."""


class Options(Strict):
    """The columns with the options that a prompt shows, so that their order can be changed."""

    column: str
    """Column with the list of options."""
    answer: str
    """Column with the index of the right option, from 0."""


class Reference(Strict):
    """A published figure for this task, to compare ours with."""

    model: str
    """The model it was published for."""
    metric: str
    """Name of the metric, one of the task's."""
    value: Number
    """The published figure, in the metric's unit."""
    stderr: Number | None = None
    """Its standard error, if it was published."""
    shots: Whole | None = None
    """Number of examples before the question, if it is known."""
    source: str
    """Where it was published."""


MetricSpec = str | dict[str, dict[str, Any]]
"""A metric's name, or one name with its options: `{bleu: {tokenize: zh}}`."""


class Task(Strict):
    """A named evaluation. Strings marked *template* are Jinja2 over the row's columns; one that is a single
    `{{ expression }}` yields that expression's value (a list stays a list)."""

    task: Name
    """Its name: lower-case letters, digits and `_ . -`."""
    version: Whole = Field(ge=1)
    """Increased with every change that affects the numbers."""
    title: str
    """What tables and pages call it."""
    area: Area
    """What it measures; tables and the leaderboard are grouped by it."""
    description: str = ""
    """What is asked and how it is scored, in a sentence or two."""
    language: tuple[str, ...] = ("en",)
    """Codes of its languages."""
    dataset: Dataset
    """The source of its rows."""
    request: Literal["score", "generate", "perplexity"]
    """What a model is asked for: the likelihood of each choice, an answer, or the likelihood of a text."""
    system: str | None = None
    """Template: system message (generate only)."""
    instruction: str = ""
    """Template: put once before examples and question, unchanged (with its own line breaks)."""
    prompt: str
    """Template: the question; for perplexity, the text."""
    chat: Literal["auto", "on", "off"] = "auto"
    """auto: generation uses the model's chat template if it has one, scoring does not."""
    delimiter: str = " "
    """Text between prompt and continuation: before every choice (score) and before an example's answer."""
    choices: str | tuple[str, ...] | None = None
    """Score: template that gives a list, or a list of templates."""
    target: str | Whole | None = None
    """Template. Score: index of the right choice, list of indices, or list of 0/1 labels as long as the
    choices (marked by `target_labels`). Generate: the reference, or a list of them."""
    target_labels: bool = False
    """Whether the target is a list of 0/1 labels, one per choice."""
    stop: tuple[str, ...] = ()
    """Generate: texts that end the answer if the prompt is continued as plain text (`stops`)."""
    chat_stop: tuple[str, ...] = ()
    """Generate: texts that end the answer in a chat, besides the end of its turn; usually none."""
    max_tokens: Whole = Field(default=256, ge=1)
    """Generate: most new tokens of an answer, including thoughts."""
    detail: bool = False
    """Generate: answers include the likelihood of the new text. Perplexity: of each token. Some metrics need this."""
    further: tuple[str, ...] | str = ()
    """Templates of more prompts of the sample besides `prompt`, with the same examples, choices and options (a
    question with its two answers in both orders). Its metrics read all answers (`metrics.joint`). Score: or one
    template that gives a list of pairs, each a prompt and the list of its own choices."""
    draws: Draws | None = None
    """Generate: ask for several answers to each prompt; its metrics read all of them, the greedy one first."""
    options: Options | None = None
    """The options that the prompt shows, for `--perturb option_order`."""
    nulls: Literal["error", "missing"] = "error"
    """Treatment of a sample whose texts would contain a null of the data: an error, or a missing sample, which is not
    asked but counted as missing."""
    rewordable: bool = True
    """Whether its question may be asked in other words (`--perturb`); false if the wording itself is measured."""
    sensitive: bool = False
    """Whether prompts and completions are harmful: hidden on pages until opened, and printed only on request."""
    redistributable: bool = True
    """Whether the licence of its data allows showing its texts to others. If not, pages show hashes instead."""
    cluster: str | None = None
    """Template: name of what the sample shares with others (a document)."""
    group: str | None = None
    """Template: the part of the task that the sample belongs to (a subject); `--limit` draws from all of them. None for its
    config, if there are several."""
    metadata: dict[str, str] = {}
    """Templates: further values that metrics read by name."""
    fewshot: FewShot = FewShot()
    """Examples before the question."""
    metrics: tuple[MetricSpec, ...] = Field(min_length=1)
    """Names from `lsm-eval list metrics`, or a name with its options; the first is the main metric."""
    licence: str
    """Licence of its data."""
    source: str
    """Origin of the data: paper or repository."""
    departures: tuple[str, ...] = ()
    """Differences from lm-evaluation-harness's task of the same name, one sentence each."""
    references: tuple[Reference, ...] = ()
    """Published figures."""

    @field_validator("metrics")
    @classmethod
    def _one_name_each(cls, metrics: tuple[MetricSpec, ...]) -> tuple[MetricSpec, ...]:
        for spec in metrics:
            if isinstance(spec, dict) and len(spec) != 1:
                raise ValueError("a metric with options is a mapping of one name to its options")
            options = next(iter(spec.values())) if isinstance(spec, dict) else {}
            if isinstance(options.get("name"), str):
                checked_label(options["name"])
        return metrics

    @field_validator("stop", "chat_stop")
    @classmethod
    def _stops_somewhere(cls, stop: tuple[str, ...]) -> tuple[str, ...]:
        if "" in stop:
            raise ValueError("an empty stop string would end every text before its first word: remove it")
        return stop

    @model_validator(mode="after")
    def _fits_request(self) -> Task:
        if self.request == "score" and self.choices is None:
            raise ValueError("request: score needs choices")
        if self.request != "score" and self.choices is not None:
            raise ValueError(f"request: {self.request} takes no choices")
        if self.request == "generate" and self.target is None and not self.metadata:
            raise ValueError("request: generate needs a target (or metadata that its metrics read)")
        if self.request != "generate" and (self.system or self.stop or self.chat_stop):
            raise ValueError(f"request: {self.request} takes no system and no stop")
        if self.chat == "off" and self.chat_stop:
            raise ValueError("chat_stop goes with a chat, and the task says chat: off: remove one")
        if self.request == "score" and self.detail:
            raise ValueError("request: score takes no detail: its answers have all there is")
        if isinstance(self.further, str) and self.request != "score":
            raise ValueError("further prompts with choices of their own go with request: score")
        if self.draws and (self.request != "generate" or self.further):
            raise ValueError("draws goes with request: generate, and without further prompts")
        if self.request == "perplexity" and (self.fewshot.shots or self.chat == "on"):
            raise ValueError("request: perplexity takes no examples and no chat template")
        return self

    def stops(self, *, chat: bool) -> tuple[str, ...]:
        """Texts that end a generated text. A continued text must end before the next question; in a chat the turn ends
        the answer, and a line break or a heading at its start ("Summary:") must not."""
        return self.chat_stop if chat else self.stop


class Share(Strict):
    """A task in a suite of which only a part is asked, drawn by cluster (`tasks.draw`)."""

    task: str
    """A task's name, not a glob or a suite."""
    limit: Whole = Field(ge=1)
    """Approximate number of samples."""
    each: Whole | None = Field(default=None, ge=1)
    """Most samples of one cluster; None for whole clusters."""


class Suite(Strict):
    """A named list of tasks (globs and other suites allowed)."""

    suite: Name
    """Its name: lower-case letters, digits and `_ . -`."""
    title: str
    """What tables and pages call it."""
    tasks: tuple[str | Share, ...] = Field(min_length=1)
    """Names of tasks, globs and other suites, or shares of tasks."""
