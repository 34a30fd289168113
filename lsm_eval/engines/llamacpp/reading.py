"""The prompt that llama.cpp reads for a request, rendered by the file's chat template, and its number of tokens."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lsm_eval.endpoints.asking import messages, plain
from lsm_eval.engines.llamacpp.server import LlamaServer, Refusal
from lsm_eval.models.chat_checks import shows
from lsm_eval.requests import Generate, Perplexity, Request, Score

_WITHOUT = "run with --chat off, or name another template with --chat-template"


@dataclass(frozen=True, slots=True)
class Reading:
    """A request as it is sent, and its prompt."""

    request: Request
    text: str
    folded: bool = False
    """Whether the system message is put into the user's message."""
    refusal: str | None = None
    """Why the chat template takes no such messages."""


class Reader:
    """Renders and counts requests, with a cache."""

    def __init__(self, server: LlamaServer) -> None:
        self._server = server
        self._readings: dict[Request, Reading] = {}
        self._counts: dict[str, int] = {}

    def read(self, request: Request) -> Reading:
        """The request and its prompt as the server reads them."""
        if request not in self._readings:
            self._readings[request] = self._read(request)
        return self._readings[request]

    def tokens(self, text: str) -> int:
        """Number of tokens of a prompt, the beginning-of-text token included."""
        if text not in self._counts:
            self._counts[text] = self._server.tokens(text)
        return self._counts[text]

    def _read(self, request: Request) -> Reading:
        match request:
            case Perplexity(text=text):
                return Reading(request, text)
            case Score(context=context, chat=chat):
                return (
                    self._chat(request, Generate(context, chat=True)) if chat else Reading(request, context)
                )
            case Generate(chat=chat):
                return self._chat(request, request) if chat else Reading(request, plain(request))

    def _folds(self, generate: Generate, text: str) -> bool:
        """Whether llama.cpp put the system message into the user's, as it does if the template takes none."""
        if generate.system is None:
            return False
        try:
            return text == self._server.prompt(
                messages(replace(generate, prompt=f"{generate.system}\n{generate.prompt}", system=None))
            )
        except Refusal:
            return False

    def _chat(self, request: Request, generate: Generate) -> Reading:
        """Renders the first of two forms that the template accepts and shows completely: the messages as they are, or the
        system message put into the user's."""
        forms = [generate]
        if generate.system is not None:
            forms.append(replace(generate, prompt=plain(generate), system=None))
        why = ""
        for form in forms:
            try:
                text = self._server.prompt(messages(form))
            except Refusal as error:
                why = why or str(error)
                continue
            if shows(text, form.prompt) and (form.system is None or shows(text, form.system)):
                if form is generate:
                    return Reading(request, text, self._folds(form, text))
                return Reading(form, text, folded=True)
            why = why or "it leaves out a message"
        return Reading(
            request,
            plain(generate),
            refusal=f"the model's chat template refuses the messages ({why}): {_WITHOUT}.",
        )
