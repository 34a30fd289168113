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
    """Examples that stand before the question."""

    shots: Whole = Field(default=0, ge=0)
    """How many by default; `--shots` overrides it."""
    split: Split | None = None
    """Split of the same dataset that examples come from; None for the evaluated split itself (a document is
    never its own example)."""
    examples: tuple[dict[str, Any], ...] = ()
    """Examples written out in the task file, as rows with the dataset's columns, instead of a split."""
    sampler: Literal["first", "random"] = "first"
    """`random` is seeded, and drawn anew for every document."""
    match: str | None = None
    """Column in which an example must agree with the document, such as `subject`."""
    answer: str | None = None
    """Template of the example's answer; by default its first right choice or reference."""
    separator: str = "\n\n"
    """Between the examples, and before the question."""
    sha256: str | dict[str, str] | None = None
    """Hash over the examples' split, as for the dataset."""

    @field_validator("examples")
    @classmethod
    def _texts(cls, examples: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        # How a boolean was written is not known any more, and Python would show it as True or False.
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
    """Several answers to one prompt (generate only): the first one greedy, the others drawn."""

    n: Whole = Field(ge=1, le=10_000)
    """How many are drawn beside the greedy one."""
    temperature: Number = Field(default=1.0, gt=0)
    top_p: Number = Field(default=1.0, gt=0, le=1)


class Options(Strict):
    """Where a row keeps the options that its prompt shows, so that their order can be changed."""

    column: str
    """Column with the list of options."""
    answer: str
    """Column with the index of the right one, from 0."""


class Reference(Strict):
    """A published figure for this task, to hold ours against."""

    model: str
    metric: str
    value: Number
    stderr: Number | None = None
    shots: Whole | None = None
    source: str


MetricSpec = str | dict[str, dict[str, Any]]
"""A metric's name, or one name with its options: `{bleu: {tokenize: zh}}`."""


class Task(Strict):
    """A named evaluation. Strings marked *template* are Jinja2 over the row's columns; one that is a single
    `{{ expression }}` yields that expression's value (a list stays a list)."""

    task: Name
    """What it is called: lower-case letters, digits and `_ . -`."""
    version: Whole = Field(ge=1)
    """Raised with every change that gives another number."""
    title: str
    area: Area
    """What it measures; tables and the leaderboard go by it."""
    description: str = ""
    """What is asked and how it is scored, in a sentence or two."""
    language: tuple[str, ...] = ("en",)
    """Codes of the languages that it is in."""
    dataset: Dataset
    """Where its rows come from."""
    request: Literal["score", "generate", "perplexity"]
    """What a model is asked: how likely each choice is, to write an answer, or how likely a text is."""
    system: str | None = None
    """Template: system message (generate only)."""
    instruction: str = ""
    """Template: stands once before examples and question, as it is (with its own line breaks)."""
    prompt: str
    """Template: the question; for perplexity, the text."""
    chat: Literal["auto", "on", "off"] = "auto"
    """auto: generation goes through the model's chat template where it has one, scoring does not."""
    delimiter: str = " "
    """Between prompt and continuation: before every choice (score) and before an example's answer."""
    choices: str | tuple[str, ...] | None = None
    """Score: template that gives a list, or a list of templates."""
    target: str | Whole | None = None
    """Template. Score: index of the right choice, list of indices, or list of 0/1 labels as long as the
    choices (marked by `target_labels`). Generate: the reference, or a list of them."""
    target_labels: bool = False
    """The target is a list of 0/1 labels, one a choice."""
    stop: tuple[str, ...] = ()
    """Generate: what ends the text where the prompt is continued as plain text (`stops`)."""
    chat_stop: tuple[str, ...] = ()
    """Generate: what ends the answer in a chat, beside the end of its turn; mostly nothing should."""
    max_tokens: Whole = Field(default=256, ge=1)
    """Generate: most new tokens of an answer, thoughts included."""
    detail: bool = False
    """Generate: answers say how likely the new text is. Perplexity: answers say it of each token. Some metrics need
    that."""
    further: tuple[str, ...] | str = ()
    """Templates of more prompts that the sample asks beside `prompt`, with the same examples, choices and
    options (a question with its two answers in both orders). Its metrics read all answers (`metrics.joint`).
    Score: or one template that gives a list of pairs, each a prompt and the list of its own choices."""
    draws: Draws | None = None
    """Generate: ask for several answers to each prompt; its metrics read all of them, the greedy one first."""
    options: Options | None = None
    """The options that the prompt shows, for `--perturb option_order`."""
    nulls: Literal["error", "missing"] = "error"
    """What becomes of a sample whose texts would hold a null of the data: an error, or a missing sample, which is asked
    nothing and counted."""
    rewordable: bool = True
    """Whether its question may be asked in other words (`--perturb`): not where the wording is what is measured."""
    sensitive: bool = False
    """Prompts and completions are harmful: folded away on pages, never printed unless asked for."""
    redistributable: bool = True
    """Whether the licence of its data lets others be shown its texts. Where it does not, pages show hashes in their place."""
    cluster: str | None = None
    """Template: what the sample shares with others."""
    group: str | None = None
    """Template: which part of the task the sample is of (a subject), over all of which `--limit` draws; None for the config
    that it comes from, where there are several."""
    metadata: dict[str, str] = {}
    """Templates: further values that metrics read by name."""
    fewshot: FewShot = FewShot()
    """Examples before the question."""
    metrics: tuple[MetricSpec, ...] = Field(min_length=1)
    """Names from `lsm-eval list metrics`, or one name with its options; the first is its main metric."""
    licence: str
    """Of its data."""
    source: str
    """Where the data comes from: paper or repository."""
    departures: tuple[str, ...] = ()
    """Where this task differs from lm-evaluation-harness's task of the same name, one sentence each."""
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
        """What ends a generated text. A text that is continued has to be told from the next question; in a chat the
        turn ends the answer, and a line break or a heading at its start ("Summary:") ends nothing."""
        return self.chat_stop if chat else self.stop


class Share(Strict):
    """A task of a suite of which only a part is asked, drawn by cluster (`tasks.draw`)."""

    task: str
    """A task's name; no glob and no suite."""
    limit: Whole = Field(ge=1)
    """About how many samples."""
    each: Whole | None = Field(default=None, ge=1)
    """At most so many of one cluster; None for whole clusters."""


class Suite(Strict):
    """A named list of tasks (globs and other suites allowed)."""

    suite: Name
    title: str
    tasks: tuple[str | Share, ...] = Field(min_length=1)
    """Names of tasks, globs and other suites, or shares of tasks."""
