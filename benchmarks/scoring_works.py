"""What the scoring benchmark asks of both tools: our task, the peer's, and the rows that both read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from parity import mirror_folder

from lsm_eval.tasks.registry import LoadedTask, Registry

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Work:
    """Something both tools can do."""

    title: str
    task: str
    """Our packaged task, of which keys are replaced by `changes`."""
    peers: tuple[tuple[str, str | None], ...]
    """The peer's tasks: a name, and the stock YAML file that it includes (None: `peer_keys` say all)."""
    limit: int
    """Questions; of each part, where there are several."""
    split: Callable[[Rows, int], Mapping[str, Mapping[str, Rows]]]
    """From all rows and the limit to the rows of each of the peer's tasks, by split. Ours reads all of them."""
    changes: Mapping[str, Any] = field(default_factory=dict)
    peer_keys: Mapping[str, Any] = field(default_factory=dict)
    shots: int = 0
    source: str | None = None
    """Split that rows are taken from, where it is not our task's own."""


def _first(name: str, split: str) -> Callable[[Rows, int], Mapping[str, Mapping[str, Rows]]]:
    return lambda rows, limit: {name: {split: rows[:limit]}}


def _after_examples(rows: Rows, limit: int) -> Mapping[str, Mapping[str, Rows]]:
    """The first ten rows are everybody's examples; the questions come after them."""
    return {"hellaswag": {"train": rows[:10], "validation": rows[10 : 10 + limit]}}


def _subjects(*names: str) -> Callable[[Rows, int], Mapping[str, Mapping[str, Rows]]]:
    return lambda rows, limit: {
        f"mmlu_{name}": {"test": [row for row in rows if row["subject"] == name][:limit]} for name in names
    }


_MMLU = ("abstract_algebra", "anatomy")

WORKS: Mapping[str, Work] = {
    "truthfulqa_mc1": Work(
        "TruthfulQA MC1",
        "truthfulqa_mc",
        (("truthfulqa_mc1", "truthfulqa/truthfulqa_mc1.yaml"),),
        200,
        _first("truthfulqa_mc1", "validation"),
        changes={
            "choices": "{{ mc1_targets.choices }}",
            "target": "{{ mc1_targets.labels }}",
            "metadata": {},
            "metrics": ["acc"],
        },
    ),
    "mmlu_5_shot": Work(
        "MMLU, 5 shots, abstract algebra and anatomy",
        "mmlu",
        tuple((f"mmlu_{name}", f"mmlu/default/mmlu_{name}.yaml") for name in _MMLU),
        100,
        _subjects(*_MMLU),
        changes={"metrics": ["acc"]},
        shots=5,
    ),
    "hellaswag": Work(
        "HellaSwag, 0 shots",
        "hellaswag",
        (("hellaswag", "hellaswag/hellaswag.yaml"),),
        200,
        _first("hellaswag", "validation"),
        peer_keys={"training_split": None},
    ),
    "hellaswag_10_shot": Work(
        "HellaSwag, 10 shots, the same for all",
        "hellaswag",
        (("hellaswag", "hellaswag/hellaswag.yaml"),),
        40,
        _after_examples,
        changes={"fewshot": {"shots": 10, "split": "train"}},
        peer_keys={"fewshot_config": {"sampler": "first_n"}},
        shots=10,
    ),
    "bbq_age": Work(
        "BBQ, Age",
        "bbq",
        (("bbq_age", None),),
        200,
        _first("bbq_age", "test"),
        changes={"metrics": ["acc"], "metadata": {}},
        peer_keys={
            "test_split": "test",
            "output_type": "multiple_choice",
            "doc_to_text": "{{context}}\n\nQ: {{question}}\nA:",
            "doc_to_choice": "{{[ans0, ans1, ans2]}}",
            "doc_to_target": "{{label}}",
            "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
        },
    ),
    "arc_easy": Work(
        "ARC-Easy, 0 shots",
        "arc_easy",
        (("arc_easy", "arc/arc_easy.yaml"),),
        200,
        _first("arc_easy", "test"),
        peer_keys={"training_split": None},
    ),
}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A work's files."""

    include: Path
    """Folder with our task, named `bench_<work>`."""
    mirror: Path
    configs: Sequence[Mapping[str, Any]]
    """The peer's tasks, as `scoring_peer.py` takes them."""
    questions: int


def prepare(name: str, work: Work, mirror: Path, limit: int, folder: Path) -> Prepared:
    """Write the rows that both tools read, and the two tools' task files, into `folder`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    (loaded,) = Registry().resolve([work.task])
    dataset = loaded.task.dataset
    source = mirror_folder(loaded.task, mirror)
    config = source.name
    table = pq.read_table(source / f"{dataset.split}.parquet")
    parts = work.split(table.to_pylist(), limit)
    own = folder / "mirror" / str(dataset.hub) / config
    own.mkdir(parents=True)
    splits: dict[str, Rows] = {}
    configs = []
    for peer, stock in work.peers:
        files = {}
        for split, rows in parts[peer].items():
            files[split] = str(folder / f"{peer}-{split}.parquet")
            pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), files[split])
            splits[split] = splits.get(split, []) + rows
        if work.shots and "dev" not in files and (source / "dev.parquet").is_file():
            # Examples of this subject alone, as the peer's stock task reads them.
            wanted = {row["subject"] for row in next(iter(parts[peer].values()))}
            rows = [
                row for row in pq.read_table(source / "dev.parquet").to_pylist() if row["subject"] in wanted
            ]
            files["dev"] = str(folder / f"{peer}-dev.parquet")
            pq.write_table(pa.Table.from_pylist(rows), files["dev"])
            splits["dev"] = splits.get("dev", []) + rows
        keys = {"dataset_path": "parquet", "dataset_name": None, "dataset_kwargs": {"data_files": files}}
        configs.append({"name": peer, "config": stock, "overrides": {**keys, **work.peer_keys}})
    for split, rows in splits.items():
        pq.write_table(pa.Table.from_pylist(rows), own / f"{split}.parquet")
    include = folder / "tasks"
    include.mkdir()
    (include / f"bench_{name}.yaml").write_text(json.dumps(_our_task(name, work, loaded, config)))
    questions = sum(len(rows) for split, rows in splits.items() if split == dataset.split)
    return Prepared(include, folder / "mirror", configs, questions)


def _our_task(name: str, work: Work, loaded: LoadedTask, config: str) -> dict[str, Any]:
    """Our packaged task with the work's changes, reading the rows of the work's own mirror."""
    task = loaded.task.model_dump(mode="json", exclude_defaults=True)
    task["dataset"] = {
        **{
            key: value for key, value in task["dataset"].items() if key not in ("sha256", "configs", "config")
        },
        "config": config,
    }
    if "fewshot" in task:
        task["fewshot"].pop("sha256", None)
    task.pop("references", None)
    return {**task, **work.changes, "task": f"bench_{name}"}
