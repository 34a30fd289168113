"""Options from other sources than the command line, and the precedence between the sources.

The command line wins over `--model-args`, that over the file of `--config`, and all over an option's own default.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click
from click.core import ParameterSource

_CONFIG, _ARGUMENTS = "lsm_eval.config", "lsm_eval.model_args"
_OWN = (ParameterSource.DEFAULT, ParameterSource.ENVIRONMENT)
"""Sources of values that were not given for this command."""


def take_config(context: click.Context, values: Mapping[str, Any]) -> None:
    """Values by the names of parameters, from a file."""
    _take(context, _CONFIG, values)


def take_arguments(context: click.Context, values: Mapping[str, Any]) -> None:
    """Values by the names of parameters, from `--model-args`."""
    _take(context, _ARGUMENTS, values)


def arguments(context: click.Context) -> Mapping[str, Any]:
    """Values from `--model-args`."""
    found: Mapping[str, Any] = context.meta.get(_ARGUMENTS, {})
    return found


def on_command_line(context: click.Context, name: str) -> bool:
    """Whether a parameter was given by its own option."""
    return context.get_parameter_source(name) == ParameterSource.COMMANDLINE


def spelled_out(context: click.Context) -> bool:
    """Whether some options come from other sources than the command's words."""
    return bool(context.meta.get(_CONFIG) or context.meta.get(_ARGUMENTS))


def command_of(context: click.Context) -> list[str]:
    """The command with everything that was given written as options, for the record, which does not contain the file."""
    words = ["lsm-eval", *context.command_path.split()[1:]]
    for option, value in values(context):
        if context.get_parameter_source(str(option.name)) in _OWN:
            continue
        name = option_name(option)
        if option.is_flag and isinstance(value, bool):
            words += [f"--{name}"] if value else []
            continue
        for one in value if option.multiple else [value]:
            words += [f"--{name}", str(one)]
    return words


def values(context: click.Context) -> Iterator[tuple[click.Option, Any]]:
    """All options with a value, in the order of the help."""
    for option in context.command.params:
        value = context.params.get(str(option.name))
        if isinstance(option, click.Option) and value is not None and value != ():
            yield option, value


def option_name(option: click.Option) -> str:
    """An option's name without its leading dashes."""
    return max(option.opts, key=len).lstrip("-")


def _take(context: click.Context, key: str, found: Mapping[str, Any]) -> None:
    context.meta[key] = dict(found)
    context.default_map = {**context.meta.get(_CONFIG, {}), **context.meta.get(_ARGUMENTS, {})}
