"""Renders a question by a tokenizer's chat template: completely, reproducibly, and with a fixed date."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.models.chat_checks import explain, faults, shows, shows_parts
from lsm_eval.reasoning.effort import DEGREE, variables
from lsm_eval.reasoning.prompts import SWITCH

CLOCK = datetime(2024, 7, 26)  # noqa: DTZ001 - local time, as in transformers
"""The time given to templates that read it, so that prompts are the same every day: the default date of Llama's
templates."""
_NOW = "strftime_now"
_REMEMBERED = 64_000_000  # characters
_PROBE = ("A first message of lsm-eval: 41 words.", "A second message of lsm-eval: 73 words.")
_WITHOUT = "run with --chat off, or name another template with --chat-template"


class ChatTemplateError(UserError):
    """The template cannot be used, or leaves out a message."""


class Refused(ChatTemplateError):
    """The template refuses these messages in every form, but would accept others."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A prompt as the template renders it, up to where the reply starts."""

    text: str
    folded: bool = False
    """Whether the system message is put into the user's message, at its beginning, with a blank line after it."""


@dataclass(frozen=True, slots=True)
class _Form:
    """The form in which messages are given to the template."""

    folded: bool
    system_parts: bool
    user_parts: bool

    def messages(self, prompt: str, system: str | None) -> list[dict[str, Any]]:
        if system is not None and self.folded:
            prompt, system = f"{system}\n\n{prompt}", None
        found = [] if system is None else [_message("system", system, parts=self.system_parts)]
        return [*found, _message("user", prompt, parts=self.user_parts)]


_ALONE = tuple(_Form(False, parts, parts) for parts in (False, True))
_WITH_SYSTEM = (
    *(_Form(False, *parts) for parts in ((False, False), (True, True), (False, True), (True, False))),
    *(_Form(True, parts, parts) for parts in (False, True)),
)


class ChatTemplate:
    """The chat template of a tokenizer, or the one that was chosen instead.

    If a template refuses or leaves out a system message, it is put into the user's; if it needs a message's content as a list
    of parts, it gets that. The form is found by a test message, and each prompt is checked for completeness.
    """

    def __init__(self, tokenizer: Any, chosen: str | None = None) -> None:
        """`chosen`: name of one of the tokenizer's templates, or path of a Jinja file. Raises `UserError` if it is neither."""
        self._tokenizer = tokenizer
        own = tokenizer.chat_template
        self._named: dict[str, str] = (
            dict(own) if isinstance(own, Mapping) else {"default": own} if own else {}
        )
        self._chosen = chosen
        self.text: str | None = self._named.get("default")
        if chosen is not None:
            self.text = self._named.get(chosen) or _read(chosen, self._named)
            tokenizer.chat_template = self.text  # for other code that renders with this tokenizer
            self._named = {"default": self.text}
        self._forms: dict[bool, _Form | UserError] = {}
        self._known: dict[tuple[str, str | None, bool | str | None], Rendered | ChatTemplateError] = {}
        self._room = _REMEMBERED
        self._clock_read = False

    def __bool__(self) -> bool:
        """Whether there is a chat template."""
        return bool(self._named)

    @property
    def sha256(self) -> str | None:
        """Hash of the template that was chosen by an option; None if none was."""
        return hashlib.sha256((self.text or "").encode()).hexdigest() if self._chosen is not None else None

    @property
    def details(self) -> dict[str, str]:
        """Details for the record, according to what was rendered so far."""
        found: dict[str, str] = {}
        if self._chosen is not None:
            found["chat_template"] = f"{Path(self._chosen).name} (sha256 {str(self.sha256)[:16]})"
        if self._clock_read:
            found["chat_clock"] = f"{CLOCK:%Y-%m-%d} (the template reads the date)"
        forms = [form for form in self._forms.values() if isinstance(form, _Form)]
        if any(form.folded for form in forms):
            found["chat_system"] = "in the user's message: the template takes no system message"
        if any(form.user_parts or form.system_parts for form in forms):
            found["chat_content"] = "as a list of parts: the template takes no plain text"
        return found

    def effort(self, effort: str) -> dict[str, Any]:
        """The template's variables for `--reasoning-effort`. Raises `ChatTemplateError` if it does not support the effort."""
        try:
            return variables(effort, self._variables, harmony="<|channel|>" in (self.text or ""))
        except UserError as error:
            raise ChatTemplateError(f"the model's chat template {error}") from error

    @cached_property
    def _variables(self) -> frozenset[str]:
        """Variables that the template reads but does not set; of a template that cannot be parsed, known names in its text."""
        from jinja2 import TemplateError, meta
        from transformers.utils import chat_template_utils

        try:
            environment = chat_template_utils._compile_jinja_template(self.text or "").environment
            return frozenset(meta.find_undeclared_variables(environment.parse(self.text or "")))
        except (TemplateError, AttributeError):
            return frozenset(name for name in (DEGREE, SWITCH) if name in (self.text or ""))

    def render(
        self, prompt: str, system: str | None, *, thinking: bool = True, effort: str | None = None
    ) -> Rendered:
        """`prompt` as a user's message, after `system` if there is one. Without `thinking`, the template is told to leave out
        thoughts, if it supports that; `effort`: how much to think.

        The same arguments always give the same text. Raises `Refused` if the template refuses these messages, and
        `ChatTemplateError` if it is broken, missing, or leaves out the prompt.
        """
        off = {} if thinking or SWITCH not in (self.text or "") else {SWITCH: False}
        if effort is not None:
            off = self.effort(effort)
        key = (prompt, system, effort if thinking else bool(off))
        found = self._known.get(key)
        if found is None:
            try:
                found = self._render(prompt, system, off)
            except ChatTemplateError as error:
                found = error
            size = len(prompt) + (len(found.text) if isinstance(found, Rendered) else 0)
            if size <= self._room:
                self._room -= size
                self._known[key] = found
        if isinstance(found, ChatTemplateError):
            raise found
        return found

    @contextmanager
    def steady(self) -> Iterator[None]:
        """Inside this context the template reads a fixed date, and its random choices are the same each time."""
        from transformers.utils import chat_template_utils

        # transformers turns functions among a template's variables into text, so its compiled template is changed.
        compiled = getattr(chat_template_utils, "_compile_jinja_template", None)
        state = random.getstate()
        random.seed(0)
        names: Any = {}
        before = None
        try:
            if compiled is not None and _NOW in (self.text or ""):
                names = compiled(self.text).globals
                before, names[_NOW] = names[_NOW], self._now
            yield
        finally:
            random.setstate(state)
            if before is not None:
                names[_NOW] = before

    def _now(self, form: str) -> str:
        self._clock_read = True
        return CLOCK.strftime(form)

    def _render(self, prompt: str, system: str | None, off: Mapping[str, Any]) -> Rendered:
        first = self._form(system is not None)
        folded = () if system is None or first.folded else (replace(first, folded=True),)
        try:
            return self._first_complete((first, *folded), prompt, system, off)
        except _Error as error:
            if error.lost:
                raise ChatTemplateError(
                    f"the model's chat template leaves out a question, or a part of it: {_WITHOUT}."
                ) from error
            raise _refused(error) from error

    def _form(self, with_system: bool) -> _Form:
        """The first form that the template accepts and renders completely. Raises `ChatTemplateError`."""
        if with_system not in self._forms:
            self._forms[with_system] = self._probe(with_system)
        found = self._forms[with_system]
        if isinstance(found, UserError):
            raise found
        return found

    def _probe(self, with_system: bool) -> _Form | ChatTemplateError:
        if self.text is None:
            names = ", ".join(sorted(self._named))
            return ChatTemplateError(
                f"the tokenizer has several chat templates and none called default ({names}): name one with "
                "--chat-template, or run with --chat off."
            )
        prompt, system = _PROBE if with_system else (_PROBE[0], None)
        why: _Error | None = None
        for form in _WITH_SYSTEM if with_system else _ALONE:
            try:
                self._first_complete((form,), prompt, system)
            except _Error as error:
                why = why or error
            else:
                return form
        assert why is not None
        if with_system and not isinstance(self._probe(False), UserError):
            return _refused(why)
        if why.lost:
            return ChatTemplateError(f"the model's chat template leaves out the question: {_WITHOUT}.")
        return ChatTemplateError(f"the model's chat template cannot be used ({why}): {_WITHOUT}.")

    def _first_complete(
        self,
        forms: tuple[_Form, ...],
        prompt: str,
        system: str | None,
        off: Mapping[str, Any] = MappingProxyType({}),
    ) -> Rendered:
        """Renders in the first of `forms` that is accepted and complete. Raises `_Error` with the first problem."""
        errors: list[_Error] = []
        for form in forms:
            try:
                text = self._apply(form.messages(prompt, system), off)
            except _Error as error:
                errors.append(error)
                continue
            whole = shows(text, prompt) and (system is None or shows(text, system))
            if whole and not ((form.user_parts or form.system_parts) and shows_parts(text, prompt, system)):
                return Rendered(text, form.folded and system is not None)
            errors.append(_Error("it leaves out a message", lost=True))
        raise next((error for error in errors if not error.lost), errors[0])

    def _apply(self, messages: list[dict[str, Any]], off: Mapping[str, Any]) -> str:
        try:
            with self.steady():
                return str(
                    self._tokenizer.apply_chat_template(
                        messages, tokenize=False, add_generation_prompt=True, **off
                    )
                )
        except faults() as error:
            raise _Error(explain(error)) from error


class _Error(Exception):
    def __init__(self, text: str, *, lost: bool = False) -> None:
        super().__init__(text)
        self.lost = lost


def _refused(why: Exception) -> Refused:
    return Refused(f"the model's chat template refuses the messages ({why}): {_WITHOUT}.")


def _message(role: str, content: str, *, parts: bool) -> dict[str, Any]:
    return {"role": role, "content": [{"type": "text", "text": content}] if parts else content}


def _read(chosen: str, named: Mapping[str, str]) -> str:
    path = Path(chosen).expanduser()
    if not path.is_file():
        names = f"its templates are {', '.join(sorted(named))}" if named else "it has none"
        raise UserError(
            f"--chat-template {chosen}: no template of the tokenizer's ({names}), and no such file: name one of them, or "
            "a Jinja file."
        )
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--chat-template {chosen}: cannot be read as UTF-8 text ({error}).") from error
    if not text.strip():
        raise UserError(f"--chat-template {chosen}: is empty; name a file that holds a Jinja template.")
    return text
