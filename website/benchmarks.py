"""A page for each benchmark: its README, and the facts in its task files."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lsm_eval.tasks.files import yaml_files
from lsm_eval.tasks.schema import Suite, Task
from lsm_eval.yaml_reader import read_yaml
from website.markdown import escaped, title
from website.outline import Nav
from website.places import BENCHMARKS, ROOT

_ASKED = {
    "score": "score: which of the given choices is likeliest",
    "generate": "generate: an answer is written",
    "perplexity": "perplexity: how likely a text is",
}


@dataclass(frozen=True)
class Benchmark:
    """A folder `tasks/<area>/<name>` with its tasks, or a task file in `tasks/<area>` itself."""

    area: str
    name: str
    tasks: Mapping[Path, Task]
    readme: Path | None

    @property
    def page(self) -> str:
        """Its page on the site."""
        return f"{BENCHMARKS}/{self.area}/{self.name}.md"

    @cached_property
    def title(self) -> str:
        """The heading of its page."""
        if self.readme is not None:
            return title(self.readme.read_text(encoding="utf-8")) or self.name
        return next(iter(self.tasks.values())).title if len(self.tasks) == 1 else self.name


@dataclass(frozen=True)
class Folder:
    """The content of `tasks/`."""

    benchmarks: Sequence[Benchmark]
    suites: Sequence[Suite]

    @property
    def areas(self) -> list[str]:
        """Folders that contain benchmarks, by name."""
        return sorted({one.area for one in self.benchmarks})

    def of(self, area: str) -> list[Benchmark]:
        """The benchmarks of an area, by title."""
        return sorted((one for one in self.benchmarks if one.area == area), key=lambda one: one.title.lower())

    def page_of(self, task: str) -> str | None:
        """The page that describes a task; None for an unknown name."""
        return next(
            (one.page for one in self.benchmarks for own in one.tasks.values() if own.task == task), None
        )


def read_folder(root: Path = ROOT / "tasks") -> Folder:
    """Reads every benchmark and suite in a folder of areas."""
    tasks: dict[tuple[str, str], dict[Path, Task]] = {}
    suites = []
    for path in yaml_files(root):
        content = read_yaml(path)
        if "suite" in content:
            suites.append(Suite.model_validate(content))
            continue
        area, *folders = path.relative_to(root).parts[:-1]
        tasks.setdefault((area, "/".join(folders) or path.stem), {})[path] = Task.model_validate(content)
    found = []
    for (area, name), files in tasks.items():
        readme = root / area / name / "README.md"
        found.append(Benchmark(area, name, files, readme if readme.is_file() else None))
    return Folder(found, suites)


def pages(folder: Folder) -> Iterator[tuple[str, str]]:
    """The pages of benchmarks without a README, the page of suites and the index; and for each benchmark with a README, which is
    already a page, the text to add to it."""
    for one in folder.benchmarks:
        head = "\n" if one.readme else f"# {escaped(one.title)}\n\n"
        single = len(one.tasks) == 1 and one.readme is None
        parts = [_facts(task, one, folder, single=single) for task in one.tasks.values()]
        yield one.page, head + ("" if single else "## Tasks\n\n") + "\n".join(parts)
    yield f"{BENCHMARKS}/suites.md", _suites(folder)
    yield f"{BENCHMARKS}/index.md", _index(folder)


def navigation(folder: Folder, prose: Mapping[str, Nav]) -> Nav:
    """The section of benchmarks. `prose`: pages of `docs/` about an area, which come before its benchmarks."""
    areas = [
        {area.capitalize(): [*prose.get(area, []), *({one.title: one.page} for one in folder.of(area))]}
        for area in folder.areas
    ]
    return [{"All benchmarks": f"{BENCHMARKS}/index.md"}, {"Suites": f"{BENCHMARKS}/suites.md"}, *areas]


def _facts(task: Task, benchmark: Benchmark, folder: Folder, *, single: bool) -> str:
    suites = posixpath.relpath(f"{BENCHMARKS}/suites.md", posixpath.dirname(benchmark.page))
    rows = [
        ("run it", f"`lsm-eval run --tasks {task.task}`"),
        ("version", str(task.version)),
        ("asks", _ASKED[task.request]),
        ("metrics", "<br>".join(map(_metric, task.metrics))),
        ("language", ", ".join(task.language)),
        ("data", _data(task)),
        ("content hash", _hash(task)),
        ("examples", _examples(task)),
        ("licence of the data", escaped(task.licence)),
        ("source", escaped(task.source)),
        ("suites", ", ".join(f"[{name}]({suites}#{name})" for name in _suites_of(task.task, folder))),
        (
            "texts",
            "harmful: folded away on pages and never printed unless asked for" if task.sensitive else "",
        ),
        ("", "" if task.redistributable else "its licence lets nobody show the texts to others"),
    ]
    table = "".join(f"| {name} | {value} |\n" for name, value in rows if value)
    head = "" if single else f"### `{task.task}`\n\n{escaped(task.title)}.\n\n"
    text = f"{head}{escaped(task.description)}\n\n| | |\n| --- | --- |\n{table}"
    if task.departures:
        text += "\nWhere it departs from lm-evaluation-harness's task of that name, or from the paper:\n\n"
        text += "".join(f"- {escaped(one)}\n" for one in task.departures)
    return text + _published(task) + "\n"


def _metric(spec: str | Mapping[str, Mapping[str, Any]]) -> str:
    if isinstance(spec, str):
        return f"`{spec}`"
    ((name, options),) = spec.items()
    shown = ", ".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in options.items())
    return f"`{name}`" + (f" with `{shown}`" if shown else "")


def _data(task: Task) -> str:
    data = task.dataset
    if data.hub:
        found = [f"`{data.hub}` on the Hugging Face hub"]
        configs = data.configs or ((data.config,) if data.config and data.config != "default" else ())
        if configs:
            shown = f"`{configs[0]}`" if len(configs) == 1 else f"{len(configs)} configs"
            found.append(f"config {shown}" if len(configs) == 1 else shown)
        found.append(f"split `{data.split}`")
        found.append(
            f"revision `{data.revision[:12]}`" if data.revision else "no fixed revision, pinned by content"
        )
        return ", ".join(found)
    if data.files:
        return (
            "<br>".join(f"`{one.name}`" for one in data.files)
            + "<br>in its source's own format (`--data-files`)"
        )
    return f"`{data.file}`, which comes with the task" if data.file else f"made by `{data.python}`"


def _hash(task: Task) -> str:
    data = task.dataset
    if isinstance(data.sha256, dict):
        return f"one for each of {len(data.sha256)} configs, in its file"
    return f"`{data.sha256[:16]}`, as signatures have it" if data.sha256 else "not pinned"


def _examples(task: Task) -> str:
    if task.request == "perplexity":
        return ""
    where = f", from the split `{task.fewshot.split}`" if task.fewshot.split else ""
    where = ", written in its file" if task.fewshot.examples else where
    return f"{task.fewshot.shots} by default (`--shots`){where}"


def _published(task: Task) -> str:
    if not task.references:
        return ""
    lines = [
        "\nPublished figures:\n",
        "| model | metric | value | shots | source |",
        "| --- | --- | ---: | ---: | --- |",
    ]
    for one in task.references:
        error = f" ± {one.stderr}" if one.stderr is not None else ""
        shots = "" if one.shots is None else one.shots
        lines.append(
            f"| {escaped(one.model)} | `{one.metric}` | {one.value}{error} | {shots} | {escaped(one.source)} |"
        )
    return "\n".join(lines) + "\n"


def _suites_of(task: str, folder: Folder) -> list[str]:
    """The suites whose files name a task."""
    named = [
        (suite.suite, [one if isinstance(one, str) else one.task for one in suite.tasks])
        for suite in folder.suites
    ]
    return [name for name, tasks in named if task in tasks]


def _suites(folder: Folder) -> str:
    text = "# Suites\n\nNamed lists of tasks: `lsm-eval run --tasks NAME`. How one is written: [task files](../tasks.md#suites).\n"
    for suite in sorted(folder.suites, key=lambda one: one.suite):
        text += f"\n## {suite.suite}\n\n{escaped(suite.title)}.\n\n"
        for one in suite.tasks:
            name, part = (one, "") if isinstance(one, str) else (one.task, f", about {one.limit} samples")
            page = folder.page_of(name)
            shown = f"[`{name}`]({page.removeprefix(f'{BENCHMARKS}/')})" if page else f"`{name}`"
            text += f"- {shown}{part}\n"
    return text


def _index(folder: Folder) -> str:
    count = sum(len(one.tasks) for one in folder.benchmarks)
    text = (
        f"# Benchmarks\n\n{count} tasks of {len(folder.benchmarks)} benchmarks come with lsm-eval, and [suites](suites.md) name some of "
        "them together. `lsm-eval list tasks` prints them, `lsm-eval show task NAME` what one asks.\n"
    )
    for area in folder.areas:
        text += (
            f"\n## {area.capitalize()}\n\n| benchmark | tasks | licence of the data |\n| --- | --- | --- |\n"
        )
        for one in folder.of(area):
            names = ", ".join(f"`{task.task}`" for task in one.tasks.values())
            licences = "; ".join(dict.fromkeys(escaped(task.licence) for task in one.tasks.values()))
            text += f"| [{escaped(one.title)}]({one.page.removeprefix(f'{BENCHMARKS}/')}) | {names} | {licences} |\n"
    return text
