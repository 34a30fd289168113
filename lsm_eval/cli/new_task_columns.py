"""Finds the question, choices and answer among the columns of a user's rows, and writes them as templates."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.templates.values import as_index

Rows = Sequence[Mapping[str, Any]]

_TEXT = ("text", "content", "document", "sentence", "passage", "article")
_QUESTION = (
    "question",
    "prompt",
    "query",
    "input",
    "instruction",
    "problem",
    "source",
    "goal",
    "premise",
    *_TEXT,
)
_ANSWER = ("answer", "target", "label", "reference", "references", "output", "response", "completion", "gold", "solution", "correct",
           "expected", "right", "answer_index", "answer_idx", "answerkey", "answer_key", "category", "class")  # fmt: skip
_CHOICES = ("choices", "options", "endings", "candidates")
_ONE_CHOICE = re.compile(r"(?:choice|option|answer|ending)[ _-]?(?:[a-j]|[0-9])|[a-j]", re.IGNORECASE)
"""A column that is one of several choices: `A`, `option_b`, `choice1`."""
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_TAKEN = frozenset(
    {"and", "else", "false", "if", "in", "is", "none", "not", "or", "row", "true", "loop", "self"}
)
_LETTERS = "ABCDEFGHIJ"
_CLASSES = 10
"""With at most so many different answers, these are taken as the choices of every row."""


@dataclass(frozen=True)
class Named:
    """Columns that the user names; None for those that have to be found."""

    question: str | None = None
    choices: tuple[str, ...] = ()
    answer: str | None = None


@dataclass(frozen=True)
class Columns:
    """What a task file says about its rows."""

    request: str
    used: tuple[str, ...]
    question: str
    """Jinja expression of the question, or of the text."""
    choices: str | tuple[str, ...] = ()
    """Template of a list, or templates of the choices."""
    target: str | None = None
    """Template."""
    where: str | None = None
    """Jinja expression that is false for incomplete rows."""
    classes: bool = False
    """Whether all rows have the same choices."""


def find_columns(rows: Rows, file: Path, request: str | None, named: Named) -> Columns:
    """Finds the columns of `rows`, read from `file`, for this kind of request (None: the kind that fits the columns).
    Raises `UserError` if they cannot be found."""
    return _Finder(rows, file, named).columns(request)


def expression(column: str) -> str:
    """A column as a template names it."""
    if _PLAIN.fullmatch(column) and column.lower() not in _TAKEN:
        return column
    return f"row[{_literal(column)}]"


def _literal(text: str) -> str:
    """A text as a template's string, in single quotes if possible, so that YAML need not escape them."""
    return f"'{text}'" if text.isprintable() and not set("'\\") & set(text) else json.dumps(text)


class _Finder:
    def __init__(self, rows: Rows, file: Path, named: Named) -> None:
        self._rows, self._file, self._named = rows, file, named
        self._there = list(dict.fromkeys(name for row in rows for name in row))
        if not self._there:
            raise UserError(f"{file} has no rows: give a file with a sample a row.")
        for option, columns in (
            ("question", [named.question]),
            ("choices", named.choices),
            ("answer", [named.answer]),
        ):
            for column in columns:
                if column is not None and column not in self._there:
                    raise UserError(
                        f"--{option} {column}: {file} has no such column: it has {', '.join(self._there)}."
                    )

    def columns(self, request: str | None) -> Columns:
        if request == "perplexity":
            return self._perplexity()
        choices = self._choices()
        answer = self._named.answer or self._called(_ANSWER, without=choices)
        if answer is None:
            if request is None and not choices:
                return self._perplexity()
            raise UserError(
                f"no column of {self._file} is called as an answer is (answer, target, label, …): it has "
                f"{', '.join(self._there)}; name the right one with --answer."
            )
        if request == "generate" or (request is None and not choices and not self._classes(answer)):
            question = self._question([answer, *choices])
            target = self._words(answer)
            return self._made("generate", question, [answer], target=target)
        if choices:
            return self._choosing(choices, answer)
        return self._classifying(answer)

    def _perplexity(self) -> Columns:
        text = self._named.question or self._called(_TEXT) or self._question([])
        return self._made("perplexity", text, [])

    def _choosing(self, choices: Sequence[str], answer: str) -> Columns:
        question = self._question([answer, *choices])
        listed = self._is_list(choices[0])
        names = [expression(column) for column in choices]
        shown: str | tuple[str, ...] = (
            f"{{{{ {names[0]} }}}}" if listed else tuple(f"{{{{ {n} }}}}" for n in names)
        )
        among = names[0] if listed else f"[{', '.join(names)}]"
        target = f"{{{{ {self._place(choices, answer, among)} }}}}"
        return self._made("score", question, [*choices, answer], choices=shown, target=target)

    def _classifying(self, answer: str) -> Columns:
        classes = self._classes(answer)
        if not classes:
            raise UserError(
                f"no column of {self._file} has the choices (a list, or columns called A, B, C or choice1, choice2), and "
                f"{answer!r} has too many different values, or too few, to be the choices of all rows: name them with --choices, or add "
                "--request generate."
            )
        question, name = self._question([answer]), expression(answer)
        if classes == ("no", "yes"):
            target = f"{{{{ 1 if {name} else 0 }}}}"
        else:
            target = f"{{{{ [{', '.join(map(_literal, classes))}].index({name} | string) }}}}"
        return self._made("score", question, [answer], choices=classes, target=target, classes=True)

    def _made(self, request: str, question: str, more: Sequence[str], **fields: Any) -> Columns:
        used = tuple(dict.fromkeys([question, *more]))
        lacking = [test for column in used for test in self._tests(column)]
        if not self._full(used):
            raise UserError(f"every row of {self._file} lacks one of {', '.join(used)}: fill them in.")
        where = " and ".join(lacking) or None
        return Columns(request, used, expression(question), where=where, **fields)

    def _tests(self, column: str) -> Iterable[str]:
        values = [row.get(column) for row in self._rows]
        if any(value is None for value in values):
            yield f"{expression(column)} is not none"
        if any(value == "" for value in values):
            yield f"{expression(column)} != ''"

    def _full(self, columns: Sequence[str]) -> Rows:
        """Rows that have all of the columns."""
        return [row for row in self._rows if all(row.get(column) not in (None, "") for column in columns)]

    def _values(self, column: str) -> list[Any]:
        return [row[column] for row in self._full([column])]

    def _called(self, names: Sequence[str], without: Sequence[str] = ()) -> str | None:
        """The column with the first of these names that exists."""
        by_name = {column.strip().lower(): column for column in self._there if column not in without}
        return next((by_name[name] for name in names if name in by_name), None)

    def _question(self, without: Sequence[str]) -> str:
        if self._named.question:
            return self._named.question
        texts = [
            column
            for column in self._there
            if column not in without and any(isinstance(value, str) for value in self._values(column))
        ]
        found = self._called(_QUESTION, without=[column for column in self._there if column not in texts])
        if found is None and len(texts) != 1:
            raise UserError(
                f"which column of {self._file} is asked cannot be told: it has {', '.join(self._there)}; name it with --question."
            )
        return found or texts[0]

    def _choices(self) -> list[str]:
        """The column with the list of choices, or the columns with one choice each; empty if there are none."""
        if self._named.choices:
            return [*self._named.choices]
        right = {self._named.answer, *(column for column in self._there if column.strip().lower() in _ANSWER)}
        lists = [column for column in self._there if self._is_list(column) and column not in right]
        named = [column for column in lists if column.strip().lower() in _CHOICES]
        one_each = [column for column in self._there if _ONE_CHOICE.fullmatch(column.strip())]
        return named[:1] or (lists if len(lists) == 1 else []) or (one_each if len(one_each) > 1 else [])

    def _is_list(self, column: str) -> bool:
        values = self._values(column)
        return bool(values) and all(isinstance(value, list) and len(value) > 1 for value in values)

    def _classes(self, answer: str) -> tuple[str, ...]:
        """The different answers of all rows, as words; empty if there are too many."""
        values = self._values(answer)
        if values and all(isinstance(value, bool) for value in values):
            return ("no", "yes")
        if not all(isinstance(value, (str, int)) and not isinstance(value, bool) for value in values):
            return ()
        found = sorted({str(value) for value in values})
        return tuple(found) if 2 <= len(found) <= min(_CLASSES, len(values) // 2) else ()

    def _words(self, answer: str) -> str:
        name = expression(answer)
        if all(isinstance(value, bool) for value in self._values(answer)):
            return f"{{{{ 'yes' if {name} else 'no' }}}}"
        return f"{{{{ {name} }}}}"

    def _place(self, choices: Sequence[str], answer: str, among: str) -> str:
        """Expression for the index, from 0, of the right choice, which answers give by its text, letter or number."""
        name = expression(answer)
        pairs = []
        for row in self._full([*choices, answer]):
            given = row[choices[0]] if self._is_list(choices[0]) else [row[column] for column in choices]
            pairs.append((row[answer], given))
        if all(value in given for value, given in pairs if isinstance(value, str)) and any(
            isinstance(value, str) for value, _ in pairs
        ):
            return f"{among}.index({name})"
        letters = [(str(value).strip().upper(), len(given)) for value, given in pairs]
        if all(len(letter) == 1 and letter in _LETTERS[:count] for letter, count in letters):
            return f"'{_LETTERS[: max(count for _, count in letters)]}'.index({name} | trim | upper)"
        places = [(as_index(value), len(given)) for value, given in pairs]
        if all(at is not None and 0 <= at < count for at, count in places):
            return name
        if all(at is not None and 1 <= at <= count for at, count in places):
            return f"({name} | int) - 1"
        raise UserError(
            f"{self._file}: {answer!r} is to name the right choice by its text, its letter (A, B, …) or its number (from 0 or 1), and does "
            "not in every row: correct the rows, or name another column with --answer."
        )
