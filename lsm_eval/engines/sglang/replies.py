"""Reads what SGLang's `Engine.generate` returns: a dictionary for each prompt, with `output_ids` and `meta_info`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lsm_eval.engines.network import NewToken, is_nan, number
from lsm_eval.engines.waves import Query, Reply, TokenScore
from lsm_eval.errors import UserError

KNOWN = "0.5.23"
"""The version of SGLang whose source the engine was written after."""


def unexpected(what: str) -> UserError:
    """The error for a reply of another shape."""
    return UserError(
        f"this SGLang replies in another way than {KNOWN}, which lsm-eval knows ({what}): install that version, name the model with hf:, "
        "or ask SGLang's server (--model openai:MODEL --base-url URL)."
    )


def read_reply(query: Query, reply: Mapping[str, Any]) -> Reply:
    """The reply to a query. `meta_info` holds entries `(log-probability, token, text)`: a list of the targets' for each new token
    (`output_token_ids_logprobs`), and one for each token of the prompt from `query.since - 1` on (`input_token_logprobs`), of
    which the first has no log-probability. `input_top_logprobs` has the likeliest token for each of these places."""
    meta = reply["meta_info"]
    after = meta.get("output_token_ids_logprobs") or [None]
    values = {token: value for value, token, _ in after[0] or ()}
    if not reply["output_ids"] or not query.targets.keys() <= values.keys():
        raise unexpected("log-probabilities of the tokens that were asked for are missing")
    likeliest = reply["output_ids"][0]
    targets = {token: (number(values[token]), token == likeliest) for token in query.targets}
    if query.since is None:
        return Reply(targets, ())
    wanted = query.prompt[query.since :]
    entries, tops = meta.get("input_token_logprobs") or (), meta.get("input_top_logprobs") or ()
    if not len(entries) == len(tops) == len(wanted) + 1:
        raise unexpected("it returns log-probabilities for another number of the prompt's tokens")
    own: list[TokenScore] = []
    for token, (value, told, _), top in zip(wanted, entries[1:], tops[1:], strict=True):
        if told not in (token, 0) or not top:  # the last token of a vocabulary is reported as 0
            raise unexpected("it returns log-probabilities of other tokens than the prompt's")
        best, likeliest, _ = top[0]
        mine = number(value)
        own.append((mine, likeliest == token or mine >= number(best)))
    return Reply(targets, own)


def read_new(sequence: int, chunk: Mapping[str, Any], seen: int) -> list[NewToken]:
    """The tokens of a streamed chunk that come after the `seen` ones. Its lists hold all tokens of the text, and may hold later ones, too:
    only `completion_tokens` are of this chunk."""
    meta = chunk["meta_info"]
    reason, count = meta["finish_reason"], meta["completion_tokens"]
    if reason is not None and reason["type"] == "abort":
        raise UserError(f"SGLang has given up a text: {reason.get('message') or 'it says no more'}.")
    tokens: Sequence[int] = chunk["output_ids"][seen:count]
    logprobs = [value for value, *_ in meta["output_token_logprobs"][seen:count]]
    if len(tokens) != len(logprobs) or len(tokens) != count - seen or (reason is not None and not tokens):
        raise unexpected("a text's tokens and their log-probabilities do not come together")
    last = len(tokens) - 1
    return [
        NewToken(
            sequence,
            token,
            is_nan(value) or (at == last and reason is not None and reason.get("matched") == "NaN happened"),
            at == last and reason is not None,
        )
        for at, (token, value) in enumerate(zip(tokens, logprobs, strict=True))
    ]
