"""Options of every kind of profile: which model, where it runs, and where the record is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lsm_eval.cli.options import run_options
from lsm_eval.runner.make_spec import make_spec
from lsm_eval.runner.option_values import MODEL

if TYPE_CHECKING:
    from lsm_eval.runner.spec import RunSpec

F = TypeVar("F", bound=Callable[..., Any])
_SHARED = (
    "model", "base_urls", "api", "api_key_env", "api_key_file", "max_concurrency", "header_env", "max_cost", "prices",
    "tokenizer", "context", "slots", "threads", "seed", "chat_template", "device", "dtype", "batch_tokens", "engine", "adapter",
    "quantize", "trust_remote_code", "offline",
)  # fmt: skip
"""Options of `run` that mean the same here."""


def shared_options(function: F) -> F:
    """The options of `run` for which model is asked and where it runs."""
    known = {option.name: option for option in _of_run()}
    known["model"].help = str(known["model"].help).removesuffix(" Repeated, it makes a record for each.")
    known["model"].multiple, known["model"].default, known["model"].callback = False, MODEL, None
    known["adapter"].help = "A PEFT adapter: local folder or hub id."  # one model at a time is profiled
    own: list[click.Parameter] = [known[name] for name in _SHARED]
    function.__click_params__ = [*getattr(function, "__click_params__", []), *reversed(own)]  # type: ignore[attr-defined]
    return function


def shared_spec(options: Mapping[str, Any], **more: Any) -> RunSpec:
    """The shared options, checked, as a `RunSpec` without tasks; `more` are additional options of `make_spec`. Raises `UserError`."""
    values = {name: _default(option) for option in _of_run() if (name := option.name) is not None}
    values |= {name: options[name] for name in _SHARED}
    return make_spec([], **values, **more)


def _of_run() -> list[click.Option]:
    def nothing() -> None:
        pass

    decorated = run_options(nothing)
    made = getattr(decorated, "__click_params__", [])
    return [one for one in made if isinstance(one, click.Option) and one.expose_value]


def _default(option: click.Option) -> Any:
    if option.multiple:
        return ()
    found = option.default
    return False if option.is_flag and not found else None if _unset(found) else found


def _unset(value: Any) -> bool:
    """Click 8.3 has a value of its own for what has no default."""
    return value is None or type(value).__name__ == "Sentinel"
