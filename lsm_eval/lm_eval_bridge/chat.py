"""Renders messages with a model's chat template, as the harness's own backend does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.models.chat_checks import explain, faults, shows

Message = Mapping[str, str]


def render(
    tokenizer: Any,
    messages: Sequence[Message],
    *,
    add_generation_prompt: bool = True,
    arguments: Mapping[str, Any] | None = None,
) -> str:
    """The prompt of these messages. Without `add_generation_prompt` the last message is left open, to be continued.

    A template that refuses a system message is asked again without it (the harness's rule). Raises `UserError`
    if there is no template, or it refuses the rest too, is broken, or leaves out the user's text.
    """
    import jinja2

    if not getattr(tokenizer, "chat_template", None):
        raise UserError("the model has no chat template: leave out --apply_chat_template (or --chat on).")
    options = {
        "tokenize": False,
        "add_generation_prompt": add_generation_prompt,
        "continue_final_message": not add_generation_prompt,
        **(arguments or {}),
    }
    try:
        try:
            text = str(tokenizer.apply_chat_template(list(messages), **options))
        except jinja2.TemplateError:
            without = [message for message in messages if message["role"] != "system"]
            text = str(tokenizer.apply_chat_template(without, **options))
    except faults() as error:
        raise UserError(
            f"the model's chat template refuses the messages ({explain(error)}): go without it."
        ) from error
    user_texts = [message["content"] for message in messages if message["role"] == "user"]
    if not all(shows(text, one) for one in user_texts if isinstance(one, str)):
        raise UserError("the model's chat template leaves out what the user says: go without it.")
    return text
