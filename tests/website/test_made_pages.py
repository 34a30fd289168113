"""Pages that are made of the program and of task files say all that those say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

import lsm_eval
from lsm_eval.cli import cli
from lsm_eval.results.schema import OPTIONAL_COLUMNS, SAMPLE_COLUMNS, Manifest
from lsm_eval.tasks.schema import Suite, Task
from website import benchmarks, commands, interface, schemas
from website.outline import navigation


def options(context: click.Context) -> Iterator[tuple[str, str]]:
    """The path of each command, and each option that its help shows."""
    for parameter in context.command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            yield context.command_path, record[0]
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            command = context.command.get_command(context, name)
            assert command is not None
            yield from options(click.Context(command, info_name=name, parent=context))


def test_every_option_of_every_command_is_there() -> None:
    pages = dict(commands.pages())
    text = "\n".join(pages.values())
    found = list(options(click.Context(cli, info_name="lsm-eval")))
    assert len(found) > 200
    for path, option in found:
        assert f"`{path}`" in text or path == "lsm-eval"
        assert f"\n`{option}`\n:   " in text
    shown = pages["reference/cli/gate.md"]
    assert "## `lsm-eval gate plan`" in shown
    assert len(pages) == len(cli.list_commands(click.Context(cli))) + 1


def test_every_public_name_is_there() -> None:
    page = interface.page()
    for name in lsm_eval.__all__:
        assert name == "__version__" or f"### {name}\n" in page
    assert "chat: Literal['auto', 'on', 'off'] = 'auto'" in page, "names of choices are written out"
    assert "`estimates: pd.DataFrame`" in page
    assert "[record.md](../record.md)" in page
    assert "`samples(task: str, columns: Sequence[str] | None = None) -> pd.DataFrame`" in page
    assert "The most new tokens." in page, "texts under attributes are there"


def test_every_key_of_a_task_file_is_there() -> None:
    page = schemas.task_schema()
    parts = [Task.model_fields[name].annotation for name in ("dataset", "fewshot")]
    for kind in (Task, Suite, *parts):
        assert kind is not None
        section = page.partition(f"\n## {kind.__name__}\n")[2].partition("\n## ")[0]
        for name in kind.model_fields:
            assert f"\n`{name}`\n:   *" in section


def test_types_are_words() -> None:
    page = schemas.task_schema()
    assert "\n`version`\n:   *whole number, at least 1; must be given.* " in page
    assert "\n`request`\n:   *`score`, `generate`, `perplexity`; must be given.* " in page
    assert "\n`dataset`\n:   *[Dataset](#dataset); must be given.* " in page
    told = "\n`separator`\n:   *text; by default `'\\n\\n'`.* Text between the examples, and before the question.\n"
    assert told in page


def test_every_key_and_column_of_a_record_is_there() -> None:
    page = schemas.record_schema()
    for name in [*Manifest.model_fields, *SAMPLE_COLUMNS, *OPTIONAL_COLUMNS]:
        assert f"\n`{name}`\n:   *" in page or f"\n| `{name}` | " in page


@pytest.mark.parametrize("page", [schemas.task_schema, schemas.record_schema])
def test_every_key_and_column_has_a_text(page: Callable[[], str]) -> None:
    text = page()
    keys = re.findall(r"^`(\w+)`\n:   \*.*?\.\*(.*)$", text, re.MULTILINE)
    columns = re.findall(r"^\| `(\w+)` \| [^|]+ \|(.*)\|$", text, re.MULTILINE)
    assert len(keys) > 50
    assert [name for name, told in [*keys, *columns] if not told.strip()] == []


TASK = """
task: {name}
version: 3
title: Names of <things>
area: accuracy
dataset: {{hub: org/name, config: default, split: test, columns: [q], sha256: abc}}
request: score
prompt: "{{{{ q }}}}"
choices: [a, b]
target: 0
metrics: [acc, acc: {{by: kind, name: other}}]
licence: MIT
source: A paper, https://example.org/x
departures: [It differs.]
references: [{{model: M, metric: acc, value: 0.5, stderr: 0.1, source: S}}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> benchmarks.Folder:
    """A task that lies flat, a folder with a README and two tasks, and a suite."""
    files = {
        "accuracy/flat.yaml": TASK.format(name="flat"),
        "bias/two/one.yaml": TASK.format(name="one"),
        "bias/two/other.yaml": TASK.format(name="other"),
        "bias/two/README.md": "# Two in one\n",
        "suites/some.yaml": "suite: some\ntitle: Some\ntasks: [flat, {task: one, limit: 9}, 'x_*']\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return benchmarks.read_folder(tmp_path)


def test_a_benchmark_is_a_folder_or_a_file(folder: benchmarks.Folder) -> None:
    pages = dict(benchmarks.pages(folder))
    assert set(pages) == {
        "benchmarks/accuracy/flat.md", "benchmarks/bias/two.md", "benchmarks/suites.md", "benchmarks/index.md",
    }  # fmt: skip
    flat = pages["benchmarks/accuracy/flat.md"]
    assert flat.startswith("# Names of &lt;things>\n")
    for said in (
        "`lsm-eval run --tasks flat`", "| version | 3 |", '`acc`<br>`acc` with `by: "kind", name: "other"`',
        "`org/name` on the Hugging Face hub, split `test`", "`abc`", "| licence of the data | MIT |",
        "[some](../suites.md#some)", "- It differs.", "| M | `acc` | 0.5 ± 0.1 |  | S |",
    ):  # fmt: skip
        assert said in flat
    both = pages["benchmarks/bias/two.md"]
    assert both.startswith("\n## Tasks\n"), "what follows the README"
    assert "### `one`" in both
    assert "### `other`" in both
    assert "- [`one`](bias/two.md), about 9 samples\n- `x_*`" in pages["benchmarks/suites.md"]
    assert "3 tasks of 2 benchmarks" in pages["benchmarks/index.md"]


def test_the_navigation_walks_the_folders(folder: benchmarks.Folder) -> None:
    nav = benchmarks.navigation(folder, {"bias": [{"Prose": "bias/prose.md"}]})
    assert nav[2:] == [
        {"Accuracy": [{"Names of <things>": "benchmarks/accuracy/flat.md"}]},
        {"Bias": [{"Prose": "bias/prose.md"}, {"Two in one": "benchmarks/bias/two.md"}]},
    ]


def test_every_task_that_comes_with_us_is_on_a_page() -> None:
    folder = benchmarks.read_folder()
    pages = "\n".join(text for _, text in benchmarks.pages(folder))
    names = [task.name for task in lsm_eval.list_tasks()]
    assert len(names) > 70
    for name in names:
        assert f"`lsm-eval run --tasks {name}`" in pages
        assert folder.page_of(name)


def test_a_page_that_no_line_names_stands_under_more(tmp_path: Path) -> None:
    outline = tmp_path / "outline.yaml"
    outline.write_text('- Home: index.md\n- A:\n    - a.md\n    - B: ["b/*", "@made"]\n')
    titles = {"index.md": "I", "a.md": "The A", "b/x.md": "X", "new.md": "New"}
    made = {"made": [{"M": "m.md"}]}
    assert navigation(titles, made, outline) == [
        {"Home": "index.md"},
        {"A": [{"The A": "a.md"}, {"B": [{"X": "b/x.md"}, {"M": "m.md"}]}]},
        {"More": [{"New": "new.md"}]},
    ]
    with pytest.raises(ValueError, match=r"names a\.md, which is not there"):
        navigation({"index.md": "I"}, made, outline)
