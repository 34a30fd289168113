"""How far does a judge agree with people on what a refusal is?

    python benchmarks/judge_agreement.py --judge MODEL --labels DIR --data-mirror DIR [--limit 60]

Puts completions of five models that two people labelled (XSTest, Röttger et al. 2024) to the judge by the rubric
`refusal`, and prints Cohen's kappa, sensitivity, specificity and how often the judge could not judge. `--labels` is a
folder with `completions.jsonl.gz` (columns model, id, completion, final_label). No text is printed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsm_eval.cli.progress import make_progress
from lsm_eval.errors import UserError
from lsm_eval.inference.store import ResponseStore
from lsm_eval.judging.agreement import Agreement, agreement
from lsm_eval.judging.reading import Judgement
from lsm_eval.judging.rubric import Question, load
from lsm_eval.models.base import ModelOptions
from lsm_eval.models.create import create
from lsm_eval.paths import cache_dir
from lsm_eval.runner.judge import ask_judge
from lsm_eval.runner.store_key import store_key
from lsm_eval.statistics.estimate import Estimate

_REFUSED = ("2_full_refusal", "3_partial_refusal")


@dataclass(frozen=True, slots=True)
class Item:
    """A completion that people labelled."""

    model: str
    prompt_id: str
    prompt: str
    completion: str
    refused: bool
    """What people say: wholly or in part."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    options = _options(arguments)
    try:
        items = drawn(read_items(options.labels, options.data_mirror), options.limit, options.seed)
        judge = create(options.judge, ModelOptions(dtype=options.dtype, device=options.device))
        with ResponseStore(cache_dir() / "responses", store_key(judge, judge.fingerprint())) as store:
            questions = ask(items)
            asked = ask_judge(
                judge, questions, None if options.read == "auto" else options.read, store, make_progress()
            )
    except UserError as error:
        print(f"judge_agreement: {error}", file=sys.stderr)
        return 2
    print(
        f"judge {judge.info.name}, rubric {load('refusal').signature}, read by {asked.read}, {len(items)} items\n"
    )
    print("| items | n | could not judge | sensitivity | specificity | kappa | says refused |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name in ("all", *sorted({item.model for item in items})):
        own = [at for at, item in enumerate(items) if name in ("all", item.model)]
        print(_line(name, compare([items[i] for i in own], [asked.judgements[questions[i]] for i in own])))
    return 0


def read_items(labels: Path, mirror: Path) -> list[Item]:
    """All labelled completions with their prompts. Raises `UserError` where a file is missing."""
    import pyarrow.parquet as pq

    try:
        with gzip.open(labels / "completions.jsonl.gz", "rt", encoding="utf-8") as file:
            rows: list[dict[str, Any]] = [json.loads(line) for line in file]
        table = pq.read_table(
            mirror / "Paul" / "XSTest" / "default" / "train.parquet", columns=["id", "prompt"]
        )
    except OSError as error:
        raise UserError(
            f"the labelled data cannot be read ({error}): name it with --labels and --data-mirror."
        ) from error
    prompts = {f"v2-{row['id']}": str(row["prompt"]) for row in table.to_pylist()}
    return [
        Item(
            model=row["model"],
            prompt_id=row["id"],
            prompt=prompts[row["id"]],
            completion=row["completion"],
            refused=row["final_label"] in _REFUSED,
        )
        for row in rows
    ]


def drawn(items: Sequence[Item], limit: int | None, seed: int) -> list[Item]:
    """As many items, drawn at random, half of them refusals as far as there are such; all without a limit."""
    if limit is None or limit >= len(items):
        return list(items)
    order = random.Random(seed)
    refused = [item for item in items if item.refused]
    others = [item for item in items if not item.refused]
    order.shuffle(refused)
    order.shuffle(others)
    half = min(limit // 2, len(refused))
    return [*refused[:half], *others[: limit - half]]


def ask(items: Sequence[Item]) -> list[Question]:
    """One question an item."""
    rubric = load("refusal")
    return [question for item in items for question in rubric.ask(item.prompt, item.completion, {})]


def compare(items: Sequence[Item], judgements: Sequence[Judgement]) -> Agreement:
    """The judge against people; the answers to one prompt are a cluster."""
    judged = [None if one.answer is None else one.answer == "yes" for one in judgements]
    return agreement(judged, [item.refused for item in items], clusters=[item.prompt_id for item in items])


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="judge_agreement.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--judge", default="builtin:smollm2-135m", help="as --model of lsm-eval run")
    parser.add_argument("--labels", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--data-mirror", type=Path, metavar="DIR", default=Path(os.environ.get("LSM_EVAL_DATA_MIRROR", "."))
    )
    parser.add_argument(
        "--limit", type=int, metavar="N", help="only so many completions, half of them refusals"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--read", choices=["auto", "likelihood", "text"], default="auto")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--device", default="auto")
    return parser.parse_args(arguments)


def _line(name: str, found: Agreement) -> str:
    said = found.true_positives + found.false_positives
    told = said + found.false_negatives + found.true_negatives
    cells = [
        name,
        str(told + round((found.could_not_judge.value or 0) * found.could_not_judge.n)),
        _percent(found.could_not_judge),
        _percent(found.sensitivity),
        _percent(found.specificity),
        _number(found.kappa),
        f"{said} of {told}",
    ]
    return f"| {' | '.join(cells)} |"


def _percent(one: Estimate) -> str:
    if one.value is None:
        return "–"
    interval = (
        f" ({100 * one.low:.0f} to {100 * one.high:.0f})"
        if one.low is not None and one.high is not None
        else ""
    )
    return f"{100 * one.value:.1f} %{interval}"


def _number(one: Estimate) -> str:
    if one.value is None:
        return "–"
    interval = f" ({one.low:.2f} to {one.high:.2f})" if one.low is not None and one.high is not None else ""
    return f"{one.value:.3f}{interval}"


if __name__ == "__main__":
    sys.exit(main())
