"""`run --config FILE` and `--save-config FILE`: the options of a run in a file."""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from lsm_eval.cli.folder import Folder
from lsm_eval.cli.gate_outputs import PRINTED
from lsm_eval.cli.given import option_name, take_config, values
from lsm_eval.errors import UserError

F = TypeVar("F", bound=Callable[..., Any])
_OF_THE_COMMAND = ("config", "save_config", "dry_run", "model_args", "shard", "help")
"""Options that do not affect what is asked and how."""
_ADDRESSES = ("model", "base_urls", "judge", "judge_base_urls", "data_mirror")
_VARIABLES = ("api_key_env", "header_env", "judge_api_key_env", "judge_header_env")
"""Options that name a variable with a secret, and might be given the secret itself by mistake."""
_PLAIN = re.compile(r"[A-Za-z_][\w./@-]*(?::[\w./@-]+)*", re.ASCII)
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_BREAKS = re.compile("[\x7f-\x9f\u2028\u2029\ufeff]")


def config_options(function: F) -> F:
    """For `run`."""
    options = [
        click.option("--config", type=Folder(), metavar="FILE", is_eager=True, expose_value=False, callback=_read,
                     help="Options from a YAML file, each by its name (`tasks: mmlu`); the command line overrides them."),
        click.option("--save-config", type=Folder(), metavar="FILE",
                     help="Write all options of this command to a file for --config, and continue."),
    ]  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


def save(context: click.Context, path: Path) -> None:
    """Write `options_text` to a file. Raises `UserError`."""
    try:
        path.write_text(options_text(context), encoding="utf-8")
    except UnicodeEncodeError as error:
        raise UserError(f"--save-config: an option holds bytes that are no text ({error.reason}).") from error
    except OSError as error:
        raise UserError(
            f"--save-config {path}: cannot be written ({error.strerror}); name another."
        ) from error


def options_text(context: click.Context) -> str:
    """The options of this command that have a value, defaults included, but not what the environment says, as a file for --config. Raises
    `UserError` if one holds a secret."""
    lines = [
        f"# Options of `{context.command_path}`; `{context.command_path} --config FILE` takes them from here.\n"
    ]
    for option, value in values(context):
        name = str(option.name)
        if name in _OF_THE_COMMAND or value is False or value == PRINTED:  # --json is of this command, too
            continue
        if context.get_parameter_source(name) == ParameterSource.ENVIRONMENT:
            continue
        several = [str(one) for one in value] if option.multiple else [str(value)]
        for text in several:
            _check_secret(option, text)
        if option.is_flag and value is True:
            shown = "true"
        elif isinstance(value, int | float):
            shown = str(value)
        elif option.multiple and len(several) > 1:
            shown = f"[{', '.join(json_text(one) for one in several)}]"
        else:
            shown = _text(several[0])
        lines.append(f"{option_name(option)}: {shown}\n")
    return "".join(lines)


def json_text(text: str) -> str:
    """A text in quotes, for YAML and JSON alike."""
    quoted = json.dumps(text, ensure_ascii=False)
    return _BREAKS.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)


def _text(text: str) -> str:
    return text if _PLAIN.fullmatch(text) and text.lower() not in _WORDS else json_text(text)


def _check_secret(option: click.Option, text: str) -> None:
    from lsm_eval.secrets import without_secrets, without_tokens

    if option.name in _VARIABLES:
        named = text.partition("=")[2] if "header_env" in str(option.name) else text
        if named not in os.environ:
            raise UserError(
                f"--{option_name(option)} names no variable that is set, so that nothing was written to --save-config: name the variable that holds "
                "the key, never the key."
            )
    hides = without_secrets if option.name in _ADDRESSES else without_tokens
    if hides(text) != text:
        raise UserError(
            f"--save-config: --{option_name(option)} holds what looks like a key or a password, which no file should: take it out of there "
            "(--api-key-env names the variable that holds a key)."
        )


def _read(context: click.Context, option: click.Parameter, path: Path | None) -> None:
    if path is None:
        return
    from lsm_eval.paths import is_file
    from lsm_eval.yaml_reader import read_yaml

    if not is_file(str(path)):
        raise UserError(f"--config {path}: no such file; `lsm-eval run … --save-config FILE` writes one.")
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise UserError(f"{path}: holds no options; write one a line, such as `tasks: mmlu`.")
    known = {
        option_name(one): one
        for one in context.command.params
        if isinstance(one, click.Option) and one.name not in ("config", "save_config", "help")
    }
    found = {}
    for key, value in content.items():
        one = known.get(str(key).replace("_", "-"))
        if one is None:
            near = difflib.get_close_matches(str(key).replace("_", "-"), known, n=1, cutoff=0.5)
            hint = f"did you mean `{near[0]}`?" if near else f"see `{context.command_path} --help`."
            raise UserError(f"{path}: `{key}` is no option of {context.command.name}: {hint}")
        if value is not None:
            found[str(one.name)] = _value(one, value, f"{path}: `{key}`")
    if "model_args" in found:
        raise UserError(f"{path}: `model-args` stands for other options: write those, each by its name.")
    take_config(context, found)


def _value(option: click.Option, value: Any, where: str) -> Any:
    """The value in the form of the command line."""
    if option.is_flag and option.is_bool_flag:
        if not isinstance(value, bool):
            raise UserError(f"{where} is yes or no: write true or false.")
        return value
    several = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str | int | float) for one in several):
        raise UserError(
            f"{where} takes a text or a number{', or a list of them' if option.multiple else ''}."
        )
    texts = [str(one).lower() if isinstance(one, bool) else str(one) for one in several]
    if option.multiple:
        return texts
    if isinstance(value, list):
        raise UserError(f"{where} takes one value, and a list stands there: choose one of it.")
    return texts[0]
