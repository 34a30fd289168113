"""What all cases of `fuzz.py` start from: small tasks, a record, a response store, a checkpoint."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Call = Callable[[Sequence[str]], int]
"""Calls `lsm-eval` with arguments in this process and returns its exit code."""

MORE_ROWS: list[dict[str, Any]] = [
    {
        "id": f"q{n}",
        "question": f"what is {n} and the cat",
        "choices": ["the mat", f"log {n}", "yes"],
        "answer": n % 3,
        "group": ("a" if n % 2 else "b") if n < 4 else f"g{n % 9}",
        "text": f"the answer is {n}.",
    }
    for n in range(40)
]
ROWS = MORE_ROWS[:4]
_CHAT = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
_HEAD = {
    "version": 1,
    "title": "made by a fuzzer",
    "area": "accuracy",
    "licence": "CC0-1.0",
    "source": "made",
}
_DATA = {"file": "rows.jsonl", "columns": ["question", "choices", "answer", "group", "text"]}
TASKS: tuple[dict[str, Any], ...] = (
    {
        "task": "pick", **_HEAD, "dataset": {**_DATA, "where": "answer < 3"}, "request": "score", "prompt": "Q: {{ question }}\nA:",
        "choices": "{{ choices }}", "target": "{{ answer }}", "cluster": "{{ group }}", "metadata": {"group": "{{ group }}"},
        "metrics": ["acc", {"acc_norm": {}}, {"acc": {"by": "group", "name": "by_group"}}], "fewshot": {"shots": 1, "sampler": "random"},
    },
    {
        "task": "say", **_HEAD, "dataset": {**_DATA}, "request": "generate", "system": "Be short.", "instruction": "Answer.\n",
        "prompt": "{{ question }}?", "target": "{{ text }}", "stop": ["\n"], "max_tokens": 4,
        "metrics": ["exact_match", "f1", {"bleu": {"tokenize": "13a"}}, "rouge1"],
        "fewshot": {"shots": 1, "examples": [{"question": "No", "text": "0123", "choices": [], "answer": 0, "group": "x"}]},
    },
    {
        "task": "likely", **_HEAD, "area": "perplexity", "dataset": {**_DATA}, "request": "perplexity", "prompt": "{{ text }}",
        "metrics": ["word_perplexity", "byte_perplexity", "bits_per_byte"],
    },
    {"suite": "some", "title": "some tasks", "tasks": ["pick", {"task": "say", "limit": 2, "each": 1}]},
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One thing to try."""

    arguments: list[str]
    check: Callable[[Path, str], str | None] = lambda folder, out: None
    """Where it was done: what is wrong with what was left in the folder, or with what was said; None where nothing is."""
    codes: frozenset[int] = frozenset({0})
    """Exit codes of what is done."""


@dataclass(frozen=True)
class World:
    """What all cases of one worker start from; nobody changes it."""

    base: Path
    """Holds `record/` (a record's folder), `store/` (a response store), `model/` (a tiny checkpoint), `tasks/`; `first/` and
    `second/` (records of two models on all tasks), `noise.json` (a calibration)."""
    estimates: str
    """Of the run that filled the store: what a damaged store must not change."""


def make_world(base: Path, tests: Path, call: Call) -> World:
    """Make what cases start from, in the empty folder `base`; `tests` holds `tiny_models.py`."""
    sys.path.append(str(tests))
    from tiny_models import save_model  # type: ignore[import-not-found, unused-ignore]

    save_model(base / "model", chat=_CHAT)
    write_tasks(base / "tasks")
    arguments = [
        "run",
        "--tasks",
        "pick,say",
        "--include",
        str(base / "tasks"),
        "--model",
        str(base / "model"),
    ]
    code = call([*arguments, "--limit", "3", "--store", str(base / "store"), "--out", str(base / "out")])
    record = next((base / "out").glob("*/*/manifest.json"), None)
    if code != 0 or record is None:
        raise RuntimeError(f"the run that cases start from ended with code {code}")
    shutil.copytree(record.parent, base / "record")
    estimates = numbers(record.parent)
    _two_runs(base, call)
    return World(base, estimates)


def _two_runs(base: Path, call: Call) -> None:
    """Records of two models on enough rows for intervals, and a calibration of the first."""
    from tiny_models import save_model  # type: ignore[import-not-found, unused-ignore]

    save_model(base / "other", seed=1, chat=_CHAT)
    tasks = base / "more"
    write_tasks(tasks, MORE_ROWS)
    named = ["run", "--tasks", "pick,say,likely", "--include", str(tasks), "--store", "none"]
    for name, model in (("first", "model"), ("second", "other"), ("third", "model"), ("fourth", "model")):
        code = call([*named, "--model", str(base / model), "--out", str(base / "runs" / name)])
        if code != 0:
            raise RuntimeError(f"the run {name} that cases start from ended with code {code}")
        shutil.copytree(next((base / "runs" / name).glob("*/*/manifest.json")).parent, base / name)
    runs = [str(base / name) for name in ("first", "third", "fourth")]
    code = call(["gate", "calibrate", *runs, "--out", str(base / "noise.json")])
    if code != 0:
        raise RuntimeError(f"the calibration that cases start from ended with code {code}")


def write_tasks(folder: Path, rows: Sequence[dict[str, Any]] = ROWS) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for content in TASKS:
        name = content.get("task", content.get("suite"))
        text = yaml.safe_dump(dict(content), sort_keys=False)
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    (folder / "rows.jsonl").write_text(as_text("jsonl", rows), encoding="utf-8")


def as_text(form: str, rows: Sequence[Any]) -> str:
    if form == "jsonl":
        return "".join(json.dumps(row, default=str, ensure_ascii=False) + "\n" for row in rows)
    if form == "json":
        return json.dumps(rows, default=str, ensure_ascii=False)
    import csv
    from io import StringIO

    out = StringIO()
    names = list(dict.fromkeys(str(name) for row in rows if isinstance(row, dict) for name in row))
    writer = csv.writer(out)
    writer.writerow(names)
    for row in rows:
        writer.writerow([row.get(name) for name in names] if isinstance(row, dict) else [row])
    return out.getvalue()


def write_parquet(path: Path, rows: Any) -> None:
    """As far as Arrow finds a type for it; what it does not, as text."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    dicts = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    names = list(
        dict.fromkeys(str(name).encode("utf-8", "replace").decode() for row in dicts for name in row)
    )
    columns = {}
    for name in names:
        values = [row.get(name) for row in dicts]
        try:
            columns[name] = pa.array(values)
        except (pa.ArrowException, OverflowError, TypeError, ValueError):
            columns[name] = pa.array([json.dumps(v, default=str) for v in values])
    try:
        pq.write_table(pa.table(columns), path)
    except (pa.ArrowException, OSError, ValueError, TypeError):
        path.write_bytes(b"PAR1")


def plain_rows(path: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    with path.open("rb") as file:
        rows: list[dict[str, Any]] = pq.read_table(file).to_pylist()
    return rows


def numbers(record: Path) -> str:
    """A record's numbers, without what names the version or the model."""
    rows = json.loads((record / "estimates.json").read_text(encoding="utf-8"))
    return json.dumps(
        [[row["task"], row["metric"], row["value"], row["low"], row["high"], row["n"]] for row in rows]
    )
