"""How long the site takes, how much memory, and how large its pages are: 500 models × 100 tasks × 1,000 samples by default.

    python benchmarks/site.py make /tmp/records [--models 500] [--tasks 100] [--samples 1000]
    python benchmarks/site.py build /tmp/records /tmp/site
    python benchmarks/site.py look /tmp/site

`make` writes records that `lsm-eval record check` finds whole. Sample tables are few files, hard-linked: each task has eight tables, of
models of rising skill, so that the disk holds 800 of them and the builder still opens 50,000. `build` runs `lsm-eval leaderboard` and prints
seconds, processor seconds and peak memory of it and its children, with an empty cache folder. `look` opens the front page in Chromium without a window: size, first paint, and sorting.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

KINDS = 8
AREAS = ("accuracy", "quality", "hallucination", "bias", "privacy", "safety")
Json = dict[str, Any]


def main() -> None:
    """As the module says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("make")
    make.add_argument("folder", type=Path)
    for name, count in (("models", 500), ("tasks", 100), ("samples", 1000)):
        make.add_argument(f"--{name}", type=int, default=count)
    build = commands.add_parser("build")
    build.add_argument("records", type=Path)
    build.add_argument("site", type=Path)
    build.add_argument("more", nargs="*")
    look = commands.add_parser("look")
    look.add_argument("site", type=Path)
    chosen = parser.parse_args()
    if chosen.command == "make":
        make_records(chosen.folder, chosen.models, chosen.tasks, chosen.samples)
    elif chosen.command == "build":
        print(json.dumps(built(chosen.records, chosen.site, chosen.more)))
    else:
        print(json.dumps(looked(chosen.site)))


def make_records(folder: Path, models: int, tasks: int, samples: int) -> None:
    """Records of so many models, each of all tasks."""
    values = [_tables(folder / "tables", task, samples) for task in range(tasks)]
    for model in range(models):
        _record(folder, model, values, samples)


def _tables(folder: Path, task: int, samples: int) -> list[float]:
    """The tables of a task; their means."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(task)
    hardness = rng.uniform(size=samples)
    means = []
    for kind in range(KINDS):
        right = (hardness + rng.normal(0, 0.2, samples) < 0.3 + 0.06 * kind).astype(float)
        chosen = np.where(right > 0, 0, 1)
        columns = {
            "task": pa.array([_name(task)] * samples),
            "sample": pa.array([f"q{at}" for at in range(samples)]),
            "index": pa.array(range(samples), pa.int64()),
            "cluster": pa.nulls(samples, pa.string()),
            "request": pa.array(["score"] * samples),
            "prompt": pa.array(
                [f"Question {at} of task {task}: which of these is it?\nAnswer:" for at in range(samples)]
            ),
            "choices": pa.array([["the first", "the second"]] * samples),
            "continuations": pa.array([[" the first", " the second"]] * samples),
            "logprobs": pa.array([[-1.0 - c, -2.0 + c] for c in chosen.tolist()]),
            "tokens": pa.array([[2, 2]] * samples, pa.list_(pa.int64())),
            "greedy": pa.array([[False, False]] * samples),
            "completion": pa.nulls(samples, pa.string()),
            "finish": pa.nulls(samples, pa.string()),
            "truncated": pa.array([0] * samples, pa.int64()),
            "target": pa.array([["0"]] * samples),
            "metadata": pa.array(["{}"] * samples),
            "failure": pa.nulls(samples, pa.string()),
            "failure_detail": pa.nulls(samples, pa.string()),
            "score.acc": pa.array(right),
            "stats.acc": pa.array([[one, 1.0] for one in right.tolist()]),
        }
        pq.write_table(pa.table(columns), folder / f"{task}.{kind}.parquet", compression="zstd")
        means.append(float(right.mean()))
    return means


def _record(folder: Path, model: int, values: list[list[float]], samples: int) -> None:
    name = (
        f"hf:organisation-{model % 40}/Some-Long-Model-Name-{model}-{(1, 3, 7, 13, 70)[model % 5]}B-Instruct"
    )
    fingerprint = f"{model:016x}" + "0" * 48
    place = folder / "reports" / f"model-{model}" / "20260101T000000.000000Z"
    (place / "samples").mkdir(parents=True)
    tasks, estimates = [], []
    for task, means in enumerate(values):
        # A model is better at some tasks than at others.
        kind = (model * KINDS // 500 + (model * 7 + task * 3) % 4) % KINDS
        mean, area = means[kind], AREAS[task % len(AREAS)]
        os.link(folder / "tables" / f"{task}.{kind}.parquet", place / "samples" / f"{_name(task)}.parquet")
        half = 1.96 * math.sqrt(mean * (1 - mean) / samples)
        common = {"task": _name(task), "title": f"Task number {task}", "area": area}
        tasks.append(
            {
                **common, "version": 1, "licence": "MIT", "source": "A paper, 2024", "description": "What it asks.",
                "dataset": {
                    "source": "mirror", "name": f"org/{_name(task)}", "configs": [], "split": "test", "revision": "0123abc",
                    "rows": samples, "sha256": "ab" * 32, "pinned": True,
                },
                "request": "score", "shots": 0, "sampler": "first", "chat": False, "limit": None, "samples": samples,
            }
        )  # fmt: skip
        estimates.append(
            {
                **common, "task_version": 1, "metric": "acc", "unit": "fraction",
                "higher_is_better": area in AREAS[:2], "value": mean, "low": mean - half, "high": mean + half,
                "stderr": half / 1.96, "method": "wilson", "level": 0.95, "n": samples, "missing": 0, "ties": 0, "clusters": None,
                "metric_signature": "acc",
                "signature": f"{_name(task)}:v1 data:{'ab' * 8} n:{samples} shots:0 chat:off metric:acc lsm-eval:0 model:{fingerprint[:16]}",
            }
        )  # fmt: skip
    asked = 2 * samples * len(values)
    manifest = {
        "schema_version": 1, "run": place.name, "created": f"2026-01-01T00:00:{model % 60:02}+00:00", "command": ["lsm-eval", "run"],
        "seed": 7,
        "model": {
            "name": name, "fingerprint": fingerprint, "parameters": (1, 3, 7, 13, 70)[model % 5] * 10**9, "dtype": "bfloat16",
            "licence": ("apache-2.0", "mit", "other")[model % 3], "details": {"engine": "tree"},
        },
        "tasks": tasks, "versions": {"python": "3.11.9"}, "hardware": {"cpu": "a CPU"}, "phases": [{"name": "score", "seconds": 1.0}],
        "requests": {"asked": asked // 2, "unique": asked // 2, "from_store": 0, "computed": asked // 2, "failed": 0},
        "tokens": {"asked": asked, "generated": 0}, "settings": {},
    }  # fmt: skip
    (place / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (place / "estimates.json").write_text(json.dumps(estimates), encoding="utf-8")


def _name(task: int) -> str:
    return f"{('reading', 'reasoning', 'refusing', 'recalling')[task % 4]}_benchmark_{task}"


def built(records: Path, site: Path, more: list[str]) -> Json:
    """Seconds, processor seconds and peak memory of a build, and the size of what it wrote."""
    start = time.monotonic()
    command = [sys.executable, "-m", "lsm_eval", "leaderboard", str(records), "--out", str(site), *more]
    with tempfile.TemporaryDirectory() as cache:
        # Nothing is remembered of a build before: records are counted again.
        subprocess.run(command, check=True, env={**os.environ, "LSM_EVAL_CACHE": cache})
    seconds = time.monotonic() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    files = [path for path in site.rglob("*") if path.is_file()]
    pages = [path.stat().st_size for path in (site / "samples").rglob("*") if path.is_file()]
    return {
        "seconds": round(seconds, 1),
        "processor_seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak_mb_of_one_process": round(used.ru_maxrss / 1024),
        "files": len(files),
        "mb": round(sum(path.stat().st_size for path in files) / 1e6, 1),
        "front_kb": round((site / "index.html").stat().st_size / 1e3),
        "largest_of_samples_kb": round(max(pages, default=0) / 1e3),
    }


def looked(site: Path) -> Json:
    """First paint, and the longest of ten sorts until the page is laid out again, in milliseconds."""
    import shutil

    from playwright.sync_api import sync_playwright

    found = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto((site / "index.html").as_uri())
        page.wait_for_timeout(500)
        paint = page.evaluate(
            "performance.getEntriesByType('paint').map((entry) => [entry.name, entry.startTime])"
        )
        sorts = page.evaluate(
            """() => Array.from({ length: 10 }, (_, turn) => {
                const buttons = document.querySelectorAll("[data-board] thead th[data-id] button");
                const start = performance.now();
                buttons[turn % buttons.length].click();
                document.body.getBoundingClientRect();
                document.querySelector("[data-board]").offsetHeight;
                return performance.now() - start;
            })"""
        )
        rows = page.evaluate("document.querySelectorAll('[data-board] tbody tr').length")
        browser.close()
    return {
        "paint_ms": {name: round(at) for name, at in paint},
        "sort_ms": [round(one) for one in sorts],
        "rows": rows,
    }


if __name__ == "__main__":
    main()
