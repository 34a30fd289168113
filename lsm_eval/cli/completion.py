"""Shell completions: names of tasks, suites, models, perturbations, and of a record's tasks and metrics. Imports nothing heavy."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click
from click.shell_completion import BashComplete, CompletionItem, add_completion_class, split_arg_string

_PREFIXES = {
    "hf:": "a model of the Hugging Face hub, hf:ORG/NAME[@REVISION]",
    "llama.cpp:": "a GGUF file, computed by llama.cpp",
    "onnx:": "a folder with a decoder in ONNX",
    "openai:": "a model behind a server (--base-url)",
    "vllm:": "a checkpoint, computed by vLLM",
}


def prepare_completion() -> None:
    """Make bash's split words whole again. Called only if a shell asks."""
    add_completion_class(_Bash)


def tasks(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Tasks and suites; completes the last of several names separated by commas."""
    from lsm_eval.errors import UserError
    from lsm_eval.tasks.registry import Registry

    before, comma, last = incomplete.rpartition(",")
    try:
        registry = Registry([Path(one) for one in context.params.get("include") or ()])
        found = [*registry.tasks, *registry.suites]
    except (UserError, OSError, ValueError):
        return []
    named = set(before.split(","))
    return [CompletionItem(before + comma + name) for name in _fitting(found, last) if name not in named]


def areas(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Areas that a task can be of."""
    from typing import get_args

    from lsm_eval.tasks.schema import Area

    return [CompletionItem(name) for name in _fitting(get_args(Area), incomplete)]


def models(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Built-in models and the prefixes of other models' names; files for anything that looks like a path."""
    if incomplete.startswith((".", "/", "~")):
        return [CompletionItem(incomplete, type="file")]
    for prefix, kind in (("llama.cpp:", "file"), ("onnx:", "dir")):
        if incomplete.startswith(prefix):
            return _paths(prefix, incomplete.removeprefix(prefix), kind)
    from lsm_eval.models.builtin import BUILTINS

    known = {f"builtin:{name}": entry.title for name, entry in BUILTINS.items()} | _PREFIXES
    return [CompletionItem(name, help=known[name]) for name in _fitting(known, incomplete)]


def perturbations(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Perturbations; completes the last of several joined by + or commas."""
    from lsm_eval.robustness.perturbations import PERTURBATIONS

    at = 1 + max(incomplete.rfind(sign) for sign in "+,")
    before, last = incomplete[:at], incomplete[at:]
    return [
        CompletionItem(before + name, help=PERTURBATIONS[name].description)
        for name in _fitting(PERTURBATIONS, last)
    ]


def tasks_of_record(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The tasks of the record given before."""
    return [
        CompletionItem(name)
        for name in _fitting({str(row.get("task")) for row in _estimates(context)}, incomplete)
    ]


def metrics_of_record(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The metrics of the task given before."""
    task = _before(context, "task", 1)
    names = {str(row.get("metric")) for row in _estimates(context) if task in (None, row.get("task"))}
    return [CompletionItem(name) for name in _fitting(names, incomplete) if "[" not in name]


def stored_models(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Models with answers in the store."""
    from lsm_eval.errors import UserError
    from lsm_eval.inference.stores import store_files
    from lsm_eval.paths import cache_dir

    try:
        files = store_files(context.params.get("store") or cache_dir() / "responses")
    except (UserError, OSError):
        return []
    return [CompletionItem(name) for name in _fitting({one.model for one in files if one.model}, incomplete)]


def _fitting(names: Iterable[str], incomplete: str) -> list[str]:
    return sorted(name for name in names if name.startswith(incomplete))


def _paths(prefix: str, incomplete: str, kind: str) -> list[CompletionItem]:
    """Files and folders after a prefix, where the shell itself would not complete them."""
    folder, _, begun = incomplete.rpartition("/")
    shown = f"{folder}/" if "/" in incomplete else ""
    try:
        entries = sorted(Path(shown or ".").expanduser().iterdir())
    except (OSError, RuntimeError):
        return []
    return [
        CompletionItem(f"{prefix}{shown}{one.name}{'/' if one.is_dir() else ''}")
        for one in entries
        if one.name.startswith(begun) and (one.is_dir() or (kind == "file" and one.suffix == ".gguf"))
    ]


def _estimates(context: click.Context) -> Sequence[dict[str, Any]]:
    """The numbers of the record that the command names first; empty if it cannot be read."""
    record = _before(context, "record", 0)
    try:
        found = json.loads((Path(str(record)) / "estimates.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _before(context: click.Context, name: str, at: int) -> Any:
    """The value given before for an argument. While an option still lacks its value, click has not parsed the argument yet."""
    found = context.params.get(name)
    return context.args[at] if found is None and len(context.args) > at else found


class _Bash(BashComplete):
    """Bash splits `builtin:NAME` into three words and completes the last of them. Here they are joined again, and a completion is
    the part after the last colon."""

    name = "bash"
    _cut = 0

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the cursor's word, and that word."""
        words = split_arg_string(os.environ["COMP_WORDS"])
        at = int(os.environ["COMP_CWORD"])
        whole: list[str] = []
        glue = False
        for word in [*words[1:at], words[at] if at < len(words) else ""]:
            colon = word.strip(":") == "" and word != ""
            if whole and (colon or (glue and not word.startswith("-"))):
                whole[-1] += word
            else:
                whole.append(word)
            glue = colon
        *before, incomplete = whole or [""]
        self._cut = incomplete.rfind(":") + 1
        return before, incomplete

    def format_completion(self, item: CompletionItem) -> str:
        """Its type and the replacement for the last word."""
        value = item.value[self._cut :] if item.type == "plain" else item.value
        return f"{item.type},{value}"
