"""Decides which of several runs of a task the page shows: the one whose numbers are best founded."""

from __future__ import annotations

from lsm_eval.leaderboard.show import measured, plural
from lsm_eval.results.reader import Record
from lsm_eval.results.schema import TaskRow

_TOLD = ("max_tokens:", "reasoning_tokens:", "reasoning_effort:", "reasoning:")
_WRITTEN = {
    "system": "a system message of the run's",
    "stop": "stop strings of the run's",
    "temperature": "temperature",
    "top_p": "top p",
}
"""Settings of a run for generated texts: the name of the setting, and of its part of the signature."""
"""Parts of a signature that appear only if answers were generated with other settings than the task's own."""

Rank = tuple[bool, int, int, int, str, str]


def rank(record: Record, task: str) -> Rank:
    """Ranks the record's numbers of `task` among those of one model: higher is better founded.

    A run with a value comes before one without; a run of the whole task (or of the part that its suite
    selects) before a run of a part (`--limit`); among each of these, the task's own settings before others; then the
    newer version of the task, more samples, and the newer run.
    """
    how = record.tasks[task]
    own, whole = not departures(record, task), not limited(how)
    anything = any(measured(row) for row in record.by_task.get(task, ()))
    kind = 2 * whole + own
    return (anything, kind, how.version, how.samples or 0, record.created.isoformat(), record.manifest.run)


def limited(task: TaskRow) -> bool:
    """Whether only a part of the task was asked: by `--limit` (random or first samples), by sample ids, or because of a gate."""
    if task.gate is not None and (task.samples or 0) < task.gate.whole:
        return True
    rows = task.dataset.rows
    if task.chosen is not None:
        return rows is None or task.samples is None or task.samples < rows
    return task.limit is not None and rows is not None and min(task.limit, task.samples or task.limit) < rows


def extent(task: TaskRow) -> str:
    """How much of the task was asked, in words, if it was not all."""
    samples, rows = task.samples, task.dataset.rows
    if samples is None or rows is None:
        return ""
    if task.gate is not None and samples < task.gate.whole:
        return f"{samples:,} of {plural(task.gate.whole, 'sample', 'samples')}, {part(task)}"
    if limited(task) and task.chosen is not None:
        return f"{samples:,} of {plural(rows, 'sample', 'samples')}, chosen by name"
    if limited(task) and task.groups is not None:
        over = f" over {task.groups:,} groups" if task.groups > 1 else ""
        return f"{samples:,} of {plural(rows, 'sample', 'samples')}, drawn{over}"
    if limited(task):
        return f"the first {min(task.limit or 0, samples):,} of {plural(rows, 'sample', 'samples')}"
    if samples < rows:
        return f"{samples:,} of {plural(rows, 'sample', 'samples')}"
    return ""


def part(task: TaskRow) -> str:
    """Why only a part was asked, in a word or two."""
    gate = task.gate
    if gate is not None and (task.samples or 0) < gate.planned:
        return f"stopped at look {gate.look} of {gate.looks}"
    if gate is not None and (task.samples or 0) < gate.whole:
        return "those of a gate's baseline"
    if task.chosen is not None:
        return "chosen samples"
    return f"limit {task.limit or 0:,}"


def departures(record: Record, task: str) -> tuple[str, ...]:
    """The settings in which the run differs from the task's own, in a word or two each.

    Early records do not say what the task's own settings are: for them, every option given on the command line counts as different.
    """
    how, settings = record.tasks[task], record.manifest.settings
    found = []
    if how.own_shots is not None:
        other_shots = how.shots != how.own_shots
    else:
        other_shots = settings.get("shots") is not None and how.request != "perplexity"
    if other_shots and how.shots is not None:
        found.append(plural(how.shots, "shot", "shots"))
    if how.own_chat is not None:
        other_chat = how.chat != how.own_chat
    else:
        other_chat = settings.get("chat", "auto") != "auto"
    if other_chat and how.chat is not None:
        found.append(f"chat {'on' if how.chat else 'off'}")
    if how.choices is not None:
        constrained = how.choices.endswith("constrained")
        found.append(f"choices written, {'held to their labels' if constrained else 'read from the text'}")
    data = (how.dataset, how.fewshot_dataset)
    drifted = how.drifted
    if drifted is None:
        drifted = bool(settings.get("allow_drift")) and any(one and not one.pinned for one in data)
    if drifted:
        found.append("other data")
    return (*found, *_answering(record, task))


def _answering(record: Record, task: str) -> list[str]:
    """Differences by `--max-tokens`, the budgets of thoughts and `--reasoning`, which signatures contain where they differ."""
    parts = [
        part
        for row in record.by_task.get(task, ())
        if "max_tokens:" in row.signature or "reasoning" in row.signature  # few are taken apart
        for part in row.signature.split()
        if part.startswith(_TOLD)
    ]
    found = [f"max {part.partition(':')[2]} tokens" for part in parts if part.startswith("max_tokens:")]
    for name, words in (("reasoning_tokens", "tokens to think"), ("reasoning_effort", "effort")):
        own = {part.partition(":")[2] for part in parts if part.startswith(f"{name}:")}
        found += [
            f"max {value} {words}" if name == "reasoning_tokens" else f"{words} {value}" for value in own
        ]
    mode = record.manifest.settings.get("reasoning", "auto")
    if any(part.startswith(f"reasoning:{mode}/") for part in parts):
        found.append(f"thoughts {'kept' if mode == 'keep' else 'stripped'}")
    return list(dict.fromkeys([*found, *_writing(record, task)]))


def _writing(record: Record, task: str) -> list[str]:
    """The run's own settings for generated texts, if it has any."""
    settings, found = record.manifest.settings, []
    for name in (name for name in _WRITTEN if name in settings):
        parts = {part for row in record.by_task.get(task, ()) for part in row.signature.split()}
        own = {part.partition(":")[2] for part in parts if part.startswith(f"{name}:")} - {
            "folded",
            "none",
            "chat",
        }
        if own:
            drawn = name in ("temperature", "top_p")
            found.append(f"{_WRITTEN[name]} {min(own)}" if drawn else _WRITTEN[name])
    return found
