"""The files that `lsm-eval new task` writes: task file, rows, README, and code."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from lsm_eval.cli.new_task_columns import Columns

FUNCTION = "tidy"
"""Name of the template function in the generated code."""

ROWS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "score": [
        {"question": "What do bees make?", "choices": ["honey", "milk", "paper"], "answer": 0},
        {"question": "Which of these is a fruit?", "choices": ["a hammer", "an apple"], "answer": 1},
        {"question": "Where do fish live?", "choices": ["in trees", "on roofs", "in water"], "answer": 2},
        {"question": "What falls in winter?", "choices": ["night", "snow", "stones"], "answer": 1},
    ],
    "generate": [
        {"question": "What is two and three?", "answer": ["5", "five"]},
        {"question": "What colour is fresh snow?", "answer": ["white"]},
        {"question": "Which day comes after Monday?", "answer": ["Tuesday"]},
        {"question": "How many legs has a spider?", "answer": ["8", "eight"]},
    ],
    "perplexity": [
        {"text": "The bees fly from flower to flower and carry the pollen home."},
        {"text": "In winter the lake freezes, and the children skate on it."},
        {"text": "The train was late, so we had another cup of tea."},
        {"text": "Bread is made of flour, water, salt and yeast."},
    ],
}
"""Sample rows, for users who have none."""

_KINDS = {
    "score": "how likely is each of the choices",
    "generate": "the model writes its answer",
    "perplexity": "how likely is the text",
}
_METRICS = {
    "score": ("acc", "acc_norm"),
    "classes": ("acc", "macro_f1"),
    "generate": ("exact_match", "f1"),
    "perplexity": ("byte_perplexity", "bits_per_byte"),
}
_OWN_METRIC = {"score": "first_chosen", "generate": "answer_words", "perplexity": "nats_per_character"}
_FORMULAS = {
    "acc": "share of the samples whose right choice is the likeliest one (its summed log-probability is highest); tied choices share.",
    "acc_norm": "as `acc`, each log-probability divided by the choice's number of characters.",
    "macro_f1": "mean over the classes of F1, 2 · precision · recall / (precision + recall).",
    "exact_match": "share of the answers that equal a reference, but for case, articles and punctuation.",
    "f1": "F1 of the words that an answer shares with the reference that is nearest, mean over samples.",
    "byte_perplexity": "exp(− summed log-probability / number of UTF-8 bytes), over all texts.",
    "bits_per_byte": "the base-2 logarithm of it.",
    "first_chosen": "share of the samples whose first choice is the likeliest: far from 1 / (number of choices), the order decides too much.",
    "answer_words": "mean number of words of an answer.",
    "nats_per_character": "mean over the texts of − log-probability / number of characters.",
}
_MISLEADS = {
    "score": "Log-probabilities prefer short and frequent wordings: compare `acc` with what `builtin:longest` and `builtin:uniform` score.",
    "generate": "An answer that is right in other words counts as wrong: read some with `lsm-eval records samples`.",
    "perplexity": "A text that the model was trained on looks easy, and numbers per token hang on the tokenizer.",
}
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*", re.ASCII)


def metrics_of(columns: Columns, *, code: bool) -> list[str]:
    """The metrics of the task, including the one in its own code."""
    shared = _METRICS["classes" if columns.classes else columns.request]
    return [*shared, *([_OWN_METRIC[columns.request]] if code else [])]


def task_file(
    name: str, title: str, area: str, data: str, columns: Columns, *, code: bool, own_rows: bool
) -> str:
    """The YAML of the task. `data`: its file of rows; `own_rows`: whether they are the user's."""
    question = f"{FUNCTION}({columns.question})" if code else columns.question
    shown = f"{{{{ {question} }}}}"
    prompt = f"  {shown}" if columns.request == "perplexity" else f"  Question: {shown}\n  Answer:"
    what = "The text" if columns.request == "perplexity" else "What is asked"
    lines = [
        "# A task: what is asked of which rows, and how answers are measured. lsm-eval's docs/tasks.md has all keys.",
        f"task: {quoted(name)}",
        "version: 1  # raise it with every change that gives another number",
        f"title: {quoted(title)}",
        f"area: {area}",
        "dataset:",
        f"  file: {quoted(data)}  # .jsonl, .json, .csv or .parquet; a row is a sample",
        f"  columns: {_list(columns.used)}",
    ]
    if columns.where is not None:
        lines.append(f"  where: {_text(columns.where)}  # rows that lack something are left out")
    lines += [
        "  # sha256: …  # pins the data: `lsm-eval data pin` says what stands here",
        f"request: {columns.request}  # {_KINDS[columns.request]}",
        f"# {what} of each row: {{{{ … }}}} is filled in.",
        f"prompt: |-\n{prompt}",
    ]
    if columns.request == "score":
        texts = columns.choices
        lines.append(f"choices: {_text(texts) if isinstance(texts, str) else _list(texts, text=True)}")
    if columns.target is not None:
        meaning = (
            "the number of the right choice, from 0"
            if columns.request == "score"
            else "the right answer, or a list of them"
        )
        lines.append(f"target: {_text(columns.target)}  # {meaning}")
    if columns.request == "generate":
        lines += ['stop: ["\\n"]  # where an answer ends', "max_tokens: 32"]
    lines += [
        f"metrics: {_list(metrics_of(columns, code=code))}  # `lsm-eval list metrics` has more",
        f"licence: {'unknown' if own_rows else 'CC0-1.0'}  # of the data",
        f"source: {'unknown' if own_rows else 'examples of lsm-eval new task'}  # a paper, an address, or who wrote it",
    ]
    return "\n".join(lines) + "\n"


def rows_file(request: str) -> str:
    """The sample rows, as JSON Lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS[request])


def page(
    name: str,
    title: str,
    data: str,
    columns: Columns,
    *,
    code: bool,
    count: int,
    commands: Sequence[str],
    own_rows: bool,
) -> str:
    """The README.md of the folder. `count`: number of rows."""
    rows = (
        f"the {count:,} rows of `{data}`"
        if own_rows
        else f"{count} examples in `{data}`, whose place your own rows take"
    )
    formulas = [f"- `{metric}`: {_FORMULAS[metric]}" for metric in metrics_of(columns, code=code)]
    few = "Few samples say little: the interval beside each number says how little." if count < 100 else ""
    return "\n".join(
        [
            f"# {title}",
            "",
            f"Task: `{name}`",
            "",
            f"Asks {rows}: {_KINDS[columns.request]}. Say here what a high number means, and for whom.",
            "",
            "## Formulas",
            "",
            *formulas,
            "",
            "## How it misleads",
            "",
            *([few] if few else []),
            _MISLEADS[columns.request],
            "",
            "## Licence",
            "",
            f"Of the data: {'unknown; name it here and in the task file' if own_rows else 'CC0-1.0'}.",
            "",
            "## To run it",
            "",
            "```sh",
            *commands,
            "```",
            "",
        ]
    )


def code_file(name: str, columns: Columns) -> str:
    """The `code.py` of the folder, with a metric for answers of this kind and a template function."""
    return _CODE[columns.request].replace("NAME", name)


def quoted(text: str) -> str:
    """A name in YAML, quoted only if necessary."""
    return text if _PLAIN.fullmatch(text) and text.lower() not in _WORDS else _text(text)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _list(texts: Sequence[str], *, text: bool = False) -> str:
    return f"[{', '.join(_text(one) if text else quoted(one) for one in texts)}]"


_HEAD = '''"""NAME: a metric and a template function of its own. It runs with --include-code only."""

from __future__ import annotations

'''
_TIDY = '''

def tidy(text: object) -> str:
    """A text without line breaks and double spaces."""
    return " ".join(str(text).split())
'''
_CODE = {
    "score": _HEAD
    + '''from lsm_eval.metrics.base import Measurement
from lsm_eval.metrics.choice import best, credit
from lsm_eval.metrics.common import ProportionMetric, scored
from lsm_eval.requests import Answer
from lsm_eval.tasks.sample import Sample

METRICS = {  # name: (class, a few words, unit, whether higher is better (None: neither), requests whose answers it reads)
    "first_chosen": ("FirstChosen", "the first choice is the likeliest", "fraction", None, "score"),
}
FUNCTIONS = ("tidy",)  # what templates may call


class FirstChosen(ProportionMetric):
    """Share of the samples whose first choice has the highest log-probability; tied choices share."""

    default_name = "first_chosen"
    higher_is_better = None

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        """1 or 0 of one sample, or a share where choices are tied."""
        return credit(best(scored(self.name, answer).logprobs), frozenset([0]))
'''
    + _TIDY,
    "generate": _HEAD
    + '''from lsm_eval.metrics.base import Measurement
from lsm_eval.metrics.common import MeanMetric, counted, generated
from lsm_eval.requests import Answer
from lsm_eval.tasks.sample import Sample

METRICS = {  # name: (class, a few words, unit, whether higher is better (None: neither), requests whose answers it reads)
    "answer_words": ("AnswerWords", "words of an answer", "other", None, "generate"),
}
FUNCTIONS = ("tidy",)  # what templates may call


class AnswerWords(MeanMetric):
    """Mean number of words of an answer."""

    default_name = "answer_words"
    unit = "other"
    higher_is_better = None

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        """Words of one answer."""
        return counted(len(generated(self.name, answer).text.split()))
'''
    + _TIDY,
    "perplexity": _HEAD
    + '''from lsm_eval.metrics.base import Measurement
from lsm_eval.metrics.common import MeanMetric, counted, likelihood
from lsm_eval.requests import Answer, Perplexity
from lsm_eval.tasks.sample import Sample

METRICS = {  # name: (class, a few words, unit, whether higher is better (None: neither), requests whose answers it reads)
    "nats_per_character": ("NatsPerCharacter", "negative log-likelihood per character", "nats", False, "perplexity"),
}
FUNCTIONS = ("tidy",)  # what templates may call


class NatsPerCharacter(MeanMetric):
    """Mean over the texts of minus the log-probability, divided by the number of characters."""

    default_name = "nats_per_character"
    unit = "nats"
    higher_is_better = False
    reads_likelihood = True

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        """Of one text."""
        assert isinstance(sample.request, Perplexity)
        return counted(-likelihood(self.name, answer).logprob / max(len(sample.request.text), 1))
'''
    + _TIDY,
}
"""By kind of request."""
