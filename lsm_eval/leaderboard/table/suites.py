"""The tasks of the suites that come with lsm-eval."""

from __future__ import annotations

from lsm_eval.errors import UserError


def known_suites() -> dict[str, tuple[str, ...]]:
    """From each suite to its tasks, nested suites expanded. A suite with a broken file, or that names tasks by a pattern, is left out."""
    from lsm_eval.tasks.registry import Registry, load_suite

    try:
        files = Registry().suites
    except UserError:
        return {}
    members: dict[str, list[str]] = {}
    for name, file in files.items():
        try:
            named = load_suite(file).tasks
        except UserError:
            continue
        members[name] = [task if isinstance(task, str) else task.task for task in named]
    found: dict[str, tuple[str, ...]] = {}
    for name in sorted(members):
        tasks = _opened(name, members, ())
        if tasks and not any("*" in task for task in tasks):
            found[name] = tuple(dict.fromkeys(tasks))
    return found


def _opened(name: str, members: dict[str, list[str]], within: tuple[str, ...]) -> list[str]:
    if name in within:
        return []
    tasks: list[str] = []
    for member in members[name]:
        tasks += _opened(member, members, (*within, name)) if member in members else [member]
    return tasks
