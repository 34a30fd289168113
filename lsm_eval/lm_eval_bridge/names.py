"""Resolves `lm-eval:NAME` to tasks of the harness, without reading their data."""

from __future__ import annotations

import fnmatch
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsm_eval.data.schema import Dataset
from lsm_eval.errors import UserError, unknown
from lsm_eval.lm_eval_bridge.package import require
from lsm_eval.lm_eval_bridge.trust import check_code, sandbox_templates
from lsm_eval.names import LONGEST
from lsm_eval.tasks.registry import LoadedTask
from lsm_eval.tasks.schema import FewShot, Task

if TYPE_CHECKING:
    from lm_eval.tasks import TaskManager

PREFIX = "lm-eval:"
_KINDS = {
    "multiple_choice": "score",
    "loglikelihood": "score",
    "loglikelihood_rolling": "perplexity",
    "generate_until": "generate",
}
_GROUP_KEYS = ("group", "group_alias", "task", "aggregate_metric_list", "aggregate_metric", "metadata", "tag")


@dataclass(frozen=True)
class LmEvalTask(LoadedTask):
    """A task of the harness before its data is read."""

    name: str
    """The harness's own name of it."""
    config: Mapping[str, Any]
    """Its YAML file with everything that it includes, and the settings of its group."""


def resolve(name: str, include: Sequence[Path] = (), code: bool = False) -> list[LmEvalTask]:
    """The tasks that `name` stands for: a task, a group, a tag or a glob of the harness's library or of the folders
    `include`, or the path of a YAML file. `code`: whether files outside the library may run their own code. Raises
    `UserError`."""
    version = require()
    sandbox_templates()
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    wanted = name.removeprefix(PREFIX)
    if wanted.endswith((".yaml", ".yml")):
        file = Path(wanted).expanduser()
        if not file.is_file():
            raise UserError(f"{name}: no such file; name a YAML file, or a task of lm-evaluation-harness.")
        content = _read(file, code)
        found = (
            list(_leaves(content, _manager(tuple(include)), file.parent, code=code))
            if "group" in content
            else [content]
        )
    else:
        manager = _manager(tuple(include))
        names = [wanted] if wanted in manager.task_index else fnmatch.filter(manager.all_tasks, wanted)
        if not names:
            raise unknown("task", name, [PREFIX + one for one in manager.all_tasks])
        found = [config for one in names for config in _named(one, {}, manager, (), code)]
    return [_loaded(config, version) for config in found]


RESOLVERS = {PREFIX: resolve}
"""For `tasks.registry.Registry`."""


def _named(
    name: str, changes: Mapping[str, Any], manager: TaskManager, within: tuple[str, ...], code: bool
) -> Iterator[dict[str, Any]]:
    """The configurations of all tasks that the harness finds for `name`, each overridden with `changes`."""
    entry = manager.task_index[name]
    if name in within:
        raise UserError(f"{PREFIX}{name}: the group contains itself; correct its YAML file.")
    if entry.yaml_path is None:  # a tag
        for member in sorted(entry.tags):
            if member in manager.task_index:
                yield from _named(member, changes, manager, (*within, name), code)
        return
    config = _read(entry.yaml_path, code)
    if "group" in config and "class" not in config:
        yield from _leaves({**config, **changes}, manager, entry.yaml_path.parent, (*within, name), code=code)
    else:
        yield {**config, **changes}


def _leaves(
    group: Mapping[str, Any],
    manager: TaskManager,
    folder: Path,
    within: tuple[str, ...] = (),
    *,
    code: bool,
) -> Iterator[dict[str, Any]]:
    """The members of a group, which inherit every key that is not about groups (the harness's rule)."""
    changes = {key: value for key, value in group.items() if key not in _GROUP_KEYS}
    members = group.get("task")
    for member in members if isinstance(members, list) else []:
        own = {"task": member} if isinstance(member, str) else dict(member)
        if "group" in own:
            known = own["group"] in manager.task_index
            rest = {key: value for key, value in own.items() if key != "group"}
            if known:
                yield from _named(own["group"], {**changes, **rest}, manager, within, code)
            else:
                yield from _leaves({**changes, **own}, manager, folder, within, code=code)
        elif own.get("task") in manager.task_index:
            rest = {key: value for key, value in own.items() if key != "task"}
            yield from _named(own["task"], {**changes, **rest}, manager, within, code)
        elif len(own) > 1:
            yield {**changes, **own, "task": f"{group['group']}::{own['task']}"}
        else:
            raise UserError(
                f"{PREFIX}{group.get('group')}: its member {own.get('task')!r} is nowhere; correct its YAML file in "
                f"{folder}, or name the folder of that task by --include."
            )


@lru_cache(maxsize=4)
def _manager(include: tuple[Path, ...]) -> TaskManager:
    from lm_eval.tasks import TaskManager

    # Without the warnings about the harness's own duplicates.
    return TaskManager(include_path=[str(folder) for folder in include] or None)


def _read(file: Path, code: bool) -> dict[str, Any]:
    import yaml
    from lm_eval.tasks._yaml_loader import load_yaml

    try:
        # Its functions are loaded last, so that nothing that is refused gets imported.
        content = load_yaml(file, resolve_func=False)
        _check(content)
        if not code:
            check_code(file, content)
        config: dict[str, Any] = load_yaml(file)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise UserError(f"{file}{where}: is not valid YAML; correct it.") from error
    except (ImportError, AttributeError, NameError, SyntaxError) as error:
        raise UserError(
            f"{file}: a function that it names cannot be had ({_line(error)}): install what it needs, or correct it."
        ) from error
    except (OSError, ValueError, LookupError, TypeError, RuntimeError) as error:
        raise UserError(
            f"{file}: cannot be read as a task of lm-evaluation-harness ({_line(error)})."
        ) from error
    if "task" not in config and "group" not in config:
        raise UserError(
            f"{file}: has neither `task:` nor `group:`; name a task file of lm-evaluation-harness."
        )
    return config


def _check(config: Mapping[str, Any]) -> None:
    name = config.get("task")
    if config.get("unsafe_code"):
        raise UserError(
            f"{PREFIX}{name} runs code that a model has written, and lsm-eval does not: run it with lm-evaluation-"
            "harness in a sandbox (lm_eval --confirm_run_unsafe_code)."
        )
    if config.get("doc_to_image") or config.get("doc_to_audio"):
        raise UserError(f"{PREFIX}{name} needs images or sound, which lsm-eval's models do not take.")


def _loaded(config: Mapping[str, Any], version: str) -> LmEvalTask:
    name = str(config["task"])
    output = (
        config.get("output_type") or getattr(config.get("class"), "OUTPUT_TYPE", None) or "generate_until"
    )
    kind = _KINDS.get(output, "score")
    path = config.get("dataset_path")
    task = Task(
        task=f"lm-eval.{re.sub(r'[^a-z0-9_.-]+', '_', name.lower())}"[:LONGEST].rstrip("_.-"),
        version=_version(config),
        title=f"{config.get('task_alias') or name} (lm-evaluation-harness {version})",
        area="perplexity" if kind == "perplexity" else "accuracy",
        dataset=Dataset(python=f"lm_eval:{name}", columns=("doc",)),
        request=kind,
        prompt="made by lm-evaluation-harness",
        choices="{{ choices }}" if kind == "score" else None,
        target="" if kind == "generate" else None,
        fewshot=FewShot(sampler="first" if _sampler(config) == "first_n" else "random"),
        metrics=("lm-eval",),
        licence="see the data set's card",
        source=str(path) if path else f"lm-evaluation-harness {version}",
    )  # fmt: skip
    return LmEvalTask(task, Path(), Path(f"{PREFIX}{name}"), name, config)


def _sampler(config: Mapping[str, Any]) -> str:
    few = config.get("fewshot_config")
    return str(few.get("sampler") or "default") if isinstance(few, Mapping) else "default"


def _version(config: Mapping[str, Any]) -> int:
    metadata = config.get("metadata")
    value = metadata.get("version") if isinstance(metadata, Mapping) else None
    try:
        return max(int(float(value or 0)), 1)
    except (TypeError, ValueError):
        return 1


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
