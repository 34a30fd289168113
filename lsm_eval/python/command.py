"""The command of a run from Python, for its record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lsm_eval.results.names import PYTHON_CALL


class Object(str):
    """An object, by its class and name, as it stands in a call."""

    def __repr__(self) -> str:
        return f"<{self}>"


def command_line(
    tasks: Sequence[str], model: str, values: Mapping[str, Any], defaults: Mapping[str, Any]
) -> list[str]:
    """The words of the equivalent `lsm-eval run` command. `values`: the result of `values.checked`."""
    words = ["lsm-eval", "run", "--tasks", ",".join(tasks), "--model", model]
    for name, value in _given(values, defaults).items():
        option = f"--{name.replace('_', '-')}"
        if value is True:
            words.append(option)
            continue
        for one in value if isinstance(value, tuple) else (value,):
            words += [option, str(one)]
    return words


def python_call(
    tasks: Sequence[str], model: str, values: Mapping[str, Any], defaults: Mapping[str, Any]
) -> list[str]:
    """The Python call as one word; `model`, and a judge in `values`, are names, or objects (`Object`), which are shown by their class."""
    options = {
        name: [str(one) for one in value]
        if isinstance(value, tuple)
        else value
        if _plain(value)
        else str(value)
        for name, value in _given(values, defaults).items()
    }
    words = [
        f"tasks={list(tasks)!r}",
        f"model={model!r}",
        *(f"{name}={value!r}" for name, value in options.items()),
    ]
    return [f"{PYTHON_CALL}{', '.join(words)})"]


def _given(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The values that differ from their defaults."""
    return {
        name: value
        for name, value in values.items()
        if value not in (None, ()) and value != defaults[name] and str(value) != str(defaults[name])
    }


def _plain(value: Any) -> bool:
    return isinstance(value, (bool, int, float, str))
