"""Finds requests that servers cannot answer, before anything is sent."""

from __future__ import annotations

from lsm_eval.endpoints.asking import path_of
from lsm_eval.endpoints.discovery import Discovery
from lsm_eval.requests import Generate, Perplexity, Request, asks_likelihood


def unsupported(request: Request, known: Discovery) -> str | None:
    """Why the servers cannot answer this request, as the rest of a sentence; None if they can."""
    if asks_likelihood(request):
        why = _no_likelihood(request, known)
        if why is not None:
            return why
    if not isinstance(request, Generate):
        return None
    if known.overflow == "truncate" and not request.detail:
        return "is behind an endpoint, which is sent whole prompts: --overflow truncate has no meaning for generated texts."
    api = known.options.api
    if api in ("chat", "responses") and not request.chat:
        return f"is asked in chats only (--api {api}), and this is no chat: use --chat on, or another --api."
    return known.capabilities.refusal(request, path_of(request, api))


def _no_likelihood(request: Request, known: Discovery) -> str | None:
    if isinstance(request, Perplexity) and request.detail:
        return (
            "is behind an endpoint, which returns how likely a text's tokens are but not the whole distribution, which Min-K%++ "
            "needs: name the model's checkpoint with hf: for this task, or leave it out."
        )
    if known.scoring.not_asked:
        return (
            f"is behind an endpoint that {known.scoring.lacks}: run the same command once without --dry-run (--limit 1 will "
            "do), or leave out tasks that score given choices or texts, or that ask how likely an answer is."
        )
    if known.scoring.lacks:
        return (
            f"is behind an endpoint that {known.scoring.lacks}: leave out tasks that score given choices or texts, "
            "or that ask how likely an answer is."
        )
    if not isinstance(request, Perplexity) and request.chat and not known.scoring.chats:
        return (
            "is behind an endpoint that does not return messages rendered by its chat template: use --chat off, or "
            "name the model's tokenizer with --tokenizer ID|DIR."
        )
    return None
