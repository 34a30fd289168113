"""The cases of `fuzz.py`: each one is a folder with files, and a command line to be called there."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import fuzz_runs
import yaml
from fuzz_values import mutate_bytes, mutate_raw, mutate_text, mutate_tree, odd_text
from fuzz_world import ROWS, TASKS, Case, World, as_text, numbers, plain_rows, write_parquet, write_tasks

_KEYS = (
    "task", "suite", "version", "title", "area", "dataset", "file", "files", "hub", "python", "reader", "reshape", "arguments", "columns",
    "config", "configs", "split", "revision", "where", "ids", "id_column", "first", "sha256", "request", "system", "instruction", "prompt",
    "chat", "delimiter", "choices", "target", "target_labels", "stop", "max_tokens", "detail", "further", "draws", "options", "sensitive",
    "cluster", "group", "metadata", "fewshot", "shots", "examples", "sampler", "match", "answer", "separator", "metrics", "licence", "source",
    "score", "generate", "perplexity", "question", "text", "group", "acc", "bleu", "chrf", "rougeL", "judged", "refusal_rate", "pii",
)  # fmt: skip
_RUN = ("--limit", "3", "--store", "none", "--out", "out")


def make_case(kind: str, draw: random.Random, folder: Path, world: World) -> Case:
    """The case of a kind, its files written into the empty `folder`."""
    return KINDS[kind](draw, folder, world)


def _task_file(draw: random.Random, folder: Path, world: World) -> Case:
    write_tasks(folder)
    content = draw.choice(TASKS)
    name = str(content.get("task", content.get("suite")))
    path = folder / f"{name}.yaml"
    change = draw.random()
    if change < 0.5:
        tree = mutate_tree(draw, dict(content), keys=_KEYS, times=draw.choice((1, 1, 2, 3)))
        text = yaml.safe_dump(tree, sort_keys=False, allow_unicode=draw.random() < 0.5)
    elif change < 0.75:
        text = mutate_raw(draw, dict(content), lambda tree: yaml.safe_dump(tree, sort_keys=False))
    else:
        text = mutate_text(draw, path.read_text(encoding="utf-8"), times=draw.choice((1, 1, 2)))
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    command = draw.choice(("run", "run", "run", "dry", "show", "list"))
    tasks = name if draw.random() < 0.9 else str(path)
    model = "builtin:says_no" if name == "say" else "builtin:first"
    return Case(_asked(command, tasks, folder, model))


def _data(draw: random.Random, folder: Path, world: World) -> Case:
    write_tasks(folder)
    name = draw.choice(("pick", "say"))
    rows: Any = mutate_tree(draw, ROWS, keys=tuple(ROWS[0]), times=draw.choice((1, 1, 2, 4)))
    rows = rows if isinstance(rows, list) else [rows]
    form = draw.choice(("jsonl", "jsonl", "json", "csv", "parquet"))
    path = folder / f"rows.{form}"
    if form == "parquet":
        write_parquet(path, rows)
        if draw.random() < 0.3:
            path.write_bytes(mutate_bytes(draw, path.read_bytes()))
    else:
        text = as_text(form, rows)
        if draw.random() < 0.3:
            text = mutate_raw(draw, ROWS, lambda tree: as_text(form, tree))
        elif draw.random() < 0.5:
            text = mutate_text(draw, text, times=draw.choice((1, 2)))
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        if draw.random() < 0.1:
            path.write_bytes(mutate_bytes(draw, path.read_bytes()))
    task = folder / f"{name}.yaml"
    task.write_text(task.read_text(encoding="utf-8").replace("rows.jsonl", path.name), encoding="utf-8")
    model = draw.choice(("builtin:says_no" if name == "say" else "builtin:first", str(world.base / "model")))
    return Case(_asked(draw.choice(("run", "run", "run", "show")), name, folder, model))


def _record(draw: random.Random, folder: Path, world: World) -> Case:
    place = folder / "reports" / "model" / "run"
    shutil.copytree(world.base / "record", place)
    shutil.copytree(world.base / "record", folder / "reports" / "model" / "whole")
    path = draw.choice([p for p in place.rglob("*") if p.is_file()])
    change = draw.random()
    if path.suffix == ".json" and change < 0.6:
        tree = mutate_tree(draw, json.loads(path.read_text(encoding="utf-8")), times=draw.choice((1, 2)))
        path.write_bytes(json.dumps(tree, default=str).encode("utf-8", "surrogatepass"))
    elif path.suffix == ".json" and change < 0.7:
        tree = json.loads(path.read_text(encoding="utf-8"))
        path.write_bytes(mutate_raw(draw, tree, json.dumps).encode("utf-8", "surrogatepass"))
    elif path.suffix == ".json" and change < 0.85:
        text = mutate_text(draw, path.read_text(encoding="utf-8"))
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
    elif path.suffix == ".parquet" and change < 0.6:
        write_parquet(path, mutate_tree(draw, plain_rows(path), times=2))
    elif change < 0.9:
        path.write_bytes(mutate_bytes(draw, path.read_bytes()))
    else:
        path.unlink()
    return Case(["leaderboard", "reports", "--out", "site"])


def _store(draw: random.Random, folder: Path, world: World) -> Case:
    shutil.copytree(world.base / "store", folder / "store")
    path = next((folder / "store").glob("*.sqlite"))
    if draw.random() < 0.7:
        with sqlite3.connect(path) as db:
            rows = db.execute("SELECT key, answer FROM answers").fetchall()
            key, answer = draw.choice(rows)
            if draw.random() < 0.5:
                new: Any = json.dumps(mutate_tree(draw, json.loads(answer), times=1), default=str)
            else:
                new = draw.choice((mutate_text(draw, answer), rows[0][1], draw.randbytes(9), None, 7))
            try:
                db.execute("UPDATE answers SET answer = ? WHERE key = ?", (new, key))
            except (sqlite3.Error, UnicodeEncodeError):
                db.execute("UPDATE answers SET answer = 'x' WHERE key = ?", (key,))
        db.close()
    else:
        for file in (folder / "store").glob("*"):
            file.write_bytes(mutate_bytes(draw, file.read_bytes()))

    def check(left: Path, out: str) -> str | None:
        record = next((left / "out").glob("*/*/manifest.json"), None)
        same = record is not None and numbers(record.parent) == world.estimates
        return None if same else "a damaged store changed the numbers"

    base = str(world.base)
    arguments = ["run", "--tasks", "pick,say", "--include", f"{base}/tasks", "--model", f"{base}/model"]
    return Case([*arguments, "--limit", "3", "--store", "store", "--out", "out"], check)


def _command_line(draw: random.Random, folder: Path, world: World) -> Case:
    write_tasks(folder)
    (folder / "reports").mkdir()
    shutil.copytree(world.base / "record", folder / "reports" / "model" / "run")
    (folder / "a file").write_text("x", encoding="utf-8")
    base = draw.choice(_COMMANDS)
    arguments = list(base)
    for _ in range(draw.choice((1, 1, 1, 2))):
        at = draw.randrange(len(arguments) + 1)
        change = draw.randrange(6)
        if change == 0 and at < len(arguments) and arguments[at] != "--model":
            del arguments[at]
        elif change <= 2 and at < len(arguments):
            arguments[at] = _word(draw)
        elif change == 3:
            arguments.insert(at, draw.choice(_OPTIONS))
        elif change == 4:
            arguments[at:at] = [draw.choice(_OPTIONS), _word(draw)]
        else:
            arguments.insert(at, _word(draw))
    return Case(arguments)


def _checkpoint(draw: random.Random, folder: Path, world: World) -> Case:
    write_tasks(folder)
    shutil.copytree(world.base / "model", folder / "model")
    path = draw.choice([p for p in (folder / "model").rglob("*") if p.is_file()])
    if path.suffix == ".json" and draw.random() < 0.7:
        tree = json.loads(path.read_text(encoding="utf-8"))
        if draw.random() < 0.3:
            text = mutate_raw(draw, tree, json.dumps)
        else:
            text = json.dumps(mutate_tree(draw, tree, times=draw.choice((1, 2))), default=str)
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
    elif path.suffix in (".json", ".jinja") and draw.random() < 0.7:
        text = mutate_text(draw, path.read_text(encoding="utf-8"))
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
    else:
        path.write_bytes(mutate_bytes(draw, path.read_bytes()))
    name = draw.choice(("pick", "say", "likely"))
    return Case(_asked("run", name, folder, "./model"))


KINDS: Mapping[str, Callable[[random.Random, Path, World], Case]] = {
    "task file": _task_file,
    "data": _data,
    "record": _record,
    "store": _store,
    "command line": _command_line,
    "checkpoint": _checkpoint,
    **fuzz_runs.KINDS,
}
SHARES: Mapping[str, float] = {
    "task file": 0.3, "data": 0.25, "record": 0.12, "store": 0.05, "command line": 0.2, "checkpoint": 0.08,
    "gate": 0.12, "compare": 0.08, "record check": 0.06, "import": 0.1,
}  # fmt: skip
"""How much of all cases, to one another."""

_COMMANDS: tuple[tuple[str, ...], ...] = (
    ("run", "--tasks", "pick", "--include", ".", "--model", "builtin:first", *_RUN),
    (
        "run",
        "--tasks",
        "say,quickstart_bias",
        "--include",
        ".",
        "--model",
        "builtin:says_no",
        "--seed",
        "3",
        *_RUN,
    ),
    ("run", "--tasks", "pick", "--include", ".", "--model", "builtin:first", "--perturb", "typos", *_RUN),
    ("run", "--tasks", "quickstart", "--model", "builtin:longest", "--dry-run"),
    ("show", "task", "pick", "--include", ".", "--model", "builtin:first", "--samples", "1"),
    ("list", "tasks", "--area", "bias", "--json"),
    ("list", "suites"),
    ("list", "models", "--json"),
    ("list", "detectors"),
    ("list", "metrics"),
    ("leaderboard", "reports", "--out", "site", "--samples", "2"),
    ("data", "pin", "quickstart_bias"),
    ("data", "mirror", "pick", "--include", ".", "--to", "mirror"),
)
_OPTIONS = (
    "--tasks", "--limit", "--shots", "--seed", "--perturb", "--chat", "--device", "--dtype", "--batch-tokens", "--overflow", "--engine",
    "--adapter", "--data-mirror", "--data-files", "--offline", "--allow-drift", "--include", "--out", "--store", "--judge", "--judge-read",
    "--redact", "--dry-run", "--json", "--area", "--samples", "--reveal", "--to", "--help", "--version", "-x", "--", "--nope", "--reasoning",
    "--name", "--strict", "--include-code", "--max-tokens", "--chat-template", "--trust-remote-code",
)  # fmt: skip


def _word(draw: random.Random) -> str:
    """An argument: no process can be given a NUL or a lone surrogate that stands for no byte."""
    text = (
        odd_text(draw)
        if draw.random() < 0.8
        else draw.choice(("a file", "reports", ".", "pick", "say", "1", "-3", "2"))
    )
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def _asked(command: str, tasks: str, folder: Path, model: str) -> list[str]:
    named = [tasks, "--include", str(folder), "--model", model]
    if command == "list":
        return ["list", "tasks", "--include", str(folder)]
    if command == "show":
        return ["show", "task", *named]
    return ["run", "--tasks", *named, *_RUN, *(["--dry-run"] if command == "dry" else [])]
