"""A benchmark in one folder: its metrics, functions and readers, in lsm-eval and outside of it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from command_line import call

from lsm_eval.comparison.aggregates import Aggregates
from lsm_eval.errors import CodeRefused, UserError
from lsm_eval.metrics.base import Metric
from lsm_eval.requests import Generate, Generated
from lsm_eval.results.schema import EstimateRow
from lsm_eval.scoring import registry as metrics
from lsm_eval.tasks.registry import LoadedTask, Registry
from lsm_eval.tasks.sample import Sample
from lsm_eval.tasks.templates import Templates
from lsm_eval.templates.render import columns_read, compile_template


@pytest.fixture
def words(tmp_path: Path, repo: Path) -> Path:
    """The folder that docs/tasks.md shows."""
    page = (repo / "docs" / "tasks.md").read_text(encoding="utf-8")
    section = page.partition("## A benchmark in one folder")[2].partition("\n## ")[0]
    folder = tmp_path / "words"
    folder.mkdir()
    for kind, name in (("python", "code.py"), ("yaml", "words.yaml")):
        (text,) = re.findall(rf"^```{kind}\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def loaded(folder: Path, *, code: bool = True, name: str = "words") -> LoadedTask:
    (task,) = Registry([folder], code=code).resolve([name])
    return task


def measure(task: LoadedTask, text: str) -> float | None:
    metric = metrics.create(task.task.metrics[0], folder=task.folder, own=task.own)
    assert isinstance(metric, Metric)
    found = metric.measure(Sample("s", Generate("p")), Generated(text, 1, "stop"))
    return found.value if found else None


def test_the_pages_folder_runs(words: Path, tmp_path: Path) -> None:
    arguments: list[str | Path] = [
        "run",
        "--tasks",
        "words",
        "--model",
        "builtin:says_no",
        "--out",
        tmp_path / "out",
        "--include",
        words,
    ]
    refused = call(*arguments)
    assert "the function shouted is code of its folder, code.py" in refused.sentence()
    assert "add --include-code if you trust it" in refused.sentence()
    done = call(*arguments, "--include-code")
    assert done.code == 0, done.err
    (row,) = json.loads((done.record / "estimates.json").read_text(encoding="utf-8"))
    assert (row["metric"], row["unit"], row["n"]) == ("word_count", "other", 20)
    assert row["value"] > 1
    assert f" code:{loaded(words).code} " in row["signature"]
    checked = call("record", "check", done.record)
    assert checked.code == 0, checked.out
    # What compares records runs the code only with the user's word, too.
    estimate = EstimateRow.model_validate(row)
    assert (
        Aggregates([words]).of(estimate)
        == "the task words has code of its own: add --include-code if you trust it"
    )
    assert "not at hand" in str(Aggregates().of(estimate))
    assert callable(Aggregates([words], code=True).of(estimate))


def test_records_of_a_folder_are_compared_with_it_at_hand(words: Path, tmp_path: Path) -> None:
    """A metric that is no mean over samples needs its code."""
    file = words / "code.py"
    text = file.read_text(encoding="utf-8").replace("MeanMetric", "Described")
    text = text.replace("counted(len(generated(self.name, answer).text.split()))", """Measurement(
            (float(len(generated(self.name, answer).text.split())), float(len(generated(self.name, answer).text))), None
        )

    def aggregate(self, sums):
        return sums[..., 0] / sums[..., 1]""")  # fmt: skip
    file.write_text(text, encoding="utf-8")
    runs = []
    for seed in ("0", "1"):
        done = call("run", "--tasks", "words", "--model", "builtin:says_no", "--out", tmp_path / seed, "--store", "none",
                    "--include", words, "--include-code")  # fmt: skip
        assert done.code == 0, done.err
        runs.append(done.record)
    without = call("compare", *runs, "--include", words, "--markdown")
    assert "add --include-code if you trust it" in without.out
    known = call("compare", *runs, "--include", words, "--include-code", "--markdown")
    assert known.code == 0, known.err
    assert "--include-code" not in known.out
    assert "word_count" in known.out


def test_looking_at_a_folder_runs_nothing(words: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    file = words / "code.py"
    file.write_text(
        file.read_text(encoding="utf-8") + f"\nopen({str(mark)!r}, 'w').close()\n", encoding="utf-8"
    )
    with pytest.raises(CodeRefused, match="code of its folder"):
        loaded(words, code=False)
    task = loaded(words)
    assert call("list", "tasks", "--include", words).code == 0
    assert not mark.exists()
    Templates(task).text("prompt", task.task.prompt)
    assert mark.exists()


def test_a_task_that_uses_none_of_the_code_needs_no_word(words: Path) -> None:
    plain = (words / "words.yaml").read_text(encoding="utf-8")
    for old, new in (("shouted(question)", "question"), ("[word_count]", "[exact_match]"),
                     ('{python: "code.py:rows", arguments: {n: 20}, columns: [question]}', "{file: q.jsonl, columns: [question]}"),
                     ("task: words", "task: plain")):  # fmt: skip
        assert old in plain
        plain = plain.replace(old, new)
    (words / "plain.yaml").write_text(plain, encoding="utf-8")
    task = loaded(words, code=False, name="plain")
    assert (task.own, task.code) == (None, None)
    named = plain.replace("[exact_match]", "[{greedy: {of: word_count}}]").replace(
        "task: plain", "task: nested"
    )
    (words / "nested.yaml").write_text(named, encoding="utf-8")
    with pytest.raises(CodeRefused, match="the metric word_count is code"):
        loaded(words, code=False, name="nested")


def test_a_function_by_another_name_is_the_folders_too(words: Path) -> None:
    file = words / "words.yaml"
    called = file.read_text(encoding="utf-8")
    prompt = "{{ shouted(question) }}"
    assert prompt in called
    for other in ("{% set loud = shouted %}{{ loud(question) }}", "{{ (shouted)(question) }}"):
        text = called.replace(prompt, other).replace("[word_count]", "[exact_match]")
        text = text.replace(
            '{python: "code.py:rows", arguments: {n: 20}, columns: [question]}',
            "{file: q.jsonl, columns: [question]}",
        )
        file.write_text(text, encoding="utf-8")
        with pytest.raises(CodeRefused, match="the function shouted is code"):
            loaded(words, code=False)
        task = loaded(words)
        assert task.code
        assert Templates(task).text("prompt", task.task.prompt)({"question": "why"}) == "WHY!"
    # Where the rows have a column of that name, it is the column, and no code is used.
    file.write_text(
        text.replace(other, "{{ shouted }}").replace("[question]", "[question, shouted]"), encoding="utf-8"
    )
    assert loaded(words, code=False).own is None


def test_options_that_are_a_property_are_one_sentence(words: Path, tmp_path: Path) -> None:
    file = words / "code.py"
    text = file.read_text(encoding="utf-8")
    start = "    def measure(self"
    assert start in text
    run = ("run", "--tasks", "words", "--model", "builtin:says_no", "--out", tmp_path / "out", "--include", words,
           "--include-code", "--store", "none")  # fmt: skip
    file.write_text(
        text.replace(start, "    @property\n    def options(self): return {}\n\n" + start), encoding="utf-8"
    )
    assert "has `options` that is no method" in call(*run).sentence()
    file.write_text(
        text.replace(start, "    @property\n    def signature(self): return 1 / 0\n\n" + start),
        encoding="utf-8",
    )
    assert re.search(
        r"word_count' of .*code\.py failed \(ZeroDivisionError: .*, code\.py, line \d+\): mend it",
        call(*run).sentence(),
    )


def test_names_mean_the_folders_own_first(words: Path) -> None:
    assert measure(loaded(words), "one two three") == 3
    file = words / "code.py"
    own = (
        file.read_text(encoding="utf-8").replace("word_count", "exact_match").replace('"shouted"', '"digest"')
    )
    file.write_text(own.replace("def shouted", "def digest"), encoding="utf-8")
    task = words / "words.yaml"
    task.write_text(
        task.read_text(encoding="utf-8").replace("word_count", "exact_match").replace("shouted", "digest")
    )
    found = loaded(words)
    assert measure(found, "one two three") == 3
    assert Templates(found).text("prompt", found.task.prompt)({"question": "why"}) == "WHY!"
    # Nobody else's names mean it.
    assert metrics.create("exact_match").unit == "fraction"
    assert compile_template("{{ digest('why') }}", where="w")({}) != "WHY!"


def test_a_metric_that_names_another_finds_the_folders(words: Path) -> None:
    (words / "code.py").write_text(
        (words / "code.py").read_text(encoding="utf-8").replace('"other", None', '"other", True'),
        encoding="utf-8",
    )
    made = metrics.create({"greedy": {"of": "word_count"}}, own=loaded(words).own)
    assert "word_count" in made.signature
    with pytest.raises(UserError, match="unknown metric 'word_count'"):
        metrics.create({"greedy": {"of": "word_count"}})
    with pytest.raises(UserError, match="unknown metric 'word_cout': did you mean 'word_count'"):
        metrics.create("word_cout", own=loaded(words).own)
    with pytest.raises(UserError, match=r"'word_count' reads answers to generate requests"):
        metrics.check("word_count", "score", own=loaded(words).own)


def test_files_of_a_folder_import_each_other_and_all_count(words: Path) -> None:
    code = words / "code.py"
    before = loaded(words).code
    text = code.read_text(encoding="utf-8")
    body = 'def shouted(text: str) -> str:\n    return text.upper() + "!"\n'
    assert body in text
    (words / "loud.py").write_text(body, encoding="utf-8")
    assert loaded(words).code == before, "nothing imports it"
    code.write_text(
        text.replace(body, "").replace("METRICS =", "from .loud import shouted\n\nMETRICS ="),
        encoding="utf-8",
    )
    task = loaded(words)
    assert Templates(task).text("prompt", task.task.prompt)({"question": "why"}) == "WHY!"
    (words / "loud.py").write_text(body.replace("!", "!!!"), encoding="utf-8")
    changed = loaded(words)
    assert len({before, task.code, changed.code}) == 3
    assert Templates(changed).text("prompt", changed.task.prompt)({"question": "why"}) == "WHY!!!"
    # One below the folder counts as well.
    (words / "more").mkdir()
    (words / "loud.py").write_text("from .more.words import shouted as shouted\n", encoding="utf-8")
    (words / "more" / "words.py").write_text(body.replace("!", "?"), encoding="utf-8")
    below = loaded(words)
    (words / "more" / "words.py").write_text(body.replace("!", "??"), encoding="utf-8")
    again = loaded(words)
    assert below.code != again.code
    assert Templates(again).text("prompt", again.task.prompt)({"question": "why"}) == "WHY??"


def test_folders_of_one_name_stay_apart(words: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "words"
    shutil.copytree(words, other)
    (other / "code.py").write_text(
        (other / "code.py").read_text(encoding="utf-8").replace('"!"', '"?"'), encoding="utf-8"
    )
    found = [loaded(folder) for folder in (words, other)]
    said = [Templates(task).text("prompt", task.task.prompt)({"question": "why"}) for task in found]
    assert said == ["WHY!", "WHY?"]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("def shouted", "def whispered", r"declares 'shouted' and has no function or class of that name: mend it"),
        ("class WordCount", "class Count", r"declares 'WordCount' and has no function or class of that name: mend it"),
        ("from lsm_eval.requests", "import nowhere_at_all\nfrom lsm_eval.requests", r"cannot be run \(ModuleNotFoundError: .*\): mend it"),
        ("METRICS = {", "METRICS = dict() or {", r"METRICS cannot be read without running the file"),
    ],
)  # fmt: skip
def test_a_fault_of_the_code_is_one_sentence(
    words: Path, tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    file = words / "code.py"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
    done = call("run", "--tasks", "words", "--model", "builtin:says_no", "--out", tmp_path / "out",
                "--include", words, "--include-code")  # fmt: skip
    assert re.search(sentence, done.err)
    assert (done.code, "Traceback" in done.err) == (2, False)


def test_a_function_that_fails_says_where(words: Path) -> None:
    file = words / "code.py"
    file.write_text(
        file.read_text(encoding="utf-8").replace("text.upper()", "text.upper() + 1 / 0"), encoding="utf-8"
    )
    task = loaded(words)
    with pytest.raises(UserError, match=r"prompt: the template fails on a row \(ZeroDivisionError"):
        Templates(task).text("prompt", task.task.prompt)({"question": "why"})


def test_what_a_function_returns_is_bounded_like_all(words: Path) -> None:
    file = words / "code.py"
    file.write_text(
        file.read_text(encoding="utf-8").replace("text.upper()", "text * 10**8"), encoding="utf-8"
    )
    task = loaded(words)
    with pytest.raises(UserError, match="asks for too much"):
        Templates(task).text("prompt", task.task.prompt)({"question": "w"})


def test_the_names_of_functions_are_no_columns(words: Path) -> None:
    read = columns_read("{{ shouted(question) }}", loaded(words).own)
    assert "question" in read
    assert "shouted" not in read
    assert "shouted" in columns_read("{{ shouted }}", loaded(words).own), (
        "where it is not called, it is a column"
    )
