"""How many tokens do tasks ask for, how many of them are different, and how many are computed?

    python benchmarks/tokens.py [--data-mirror DIR]

Counts with the built-in model's tokenizer; runs no model. Prints a table.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from lsm_eval.data.options import DataOptions
from lsm_eval.errors import UserError
from lsm_eval.inference.scoring.plain import TokenRow
from lsm_eval.inference.scoring.tree import TokenTree, group_rows
from lsm_eval.models.base import ModelOptions
from lsm_eval.models.create import create
from lsm_eval.models.hf import HFModel
from lsm_eval.models.request_encoding import RequestEncoder
from lsm_eval.progress import Silent
from lsm_eval.requests import Failure, Generate
from lsm_eval.runner.prepare import prepare
from lsm_eval.runner.spec import RunSpec

_TASKS = {
    "truthfulqa_mc": None,
    "mmlu": 5,
    "bbq": None,
    "arc_easy": None,
    "hellaswag": None,
    "crows_pairs": None,
}
_BUDGET = 1024


def main() -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="tokens.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--data-mirror", type=Path, metavar="DIR", default=os.environ.get("LSM_EVAL_DATA_MIRROR")
    )
    mirror = parser.parse_args().data_mirror
    print("| task | asked | unique | computed | asked / computed | computed / unique |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |", flush=True)
    try:
        for task, shots in _TASKS.items():
            asked, unique, computed = _count(task, shots, Path(mirror) if mirror else None)
            ratios = f"{asked / computed:.1f} | {computed / unique:.3f}"
            print(f"| {task} | {asked:,} | {unique:,} | {computed:,} | {ratios} |", flush=True)
    except UserError as error:
        print(f"tokens: {error}", file=sys.stderr)
        return 2
    return 0


def _count(task: str, shots: int | None, mirror: Path | None) -> tuple[int, int, int]:
    """Tokens asked, unique and computed by all samples of a task that is scored."""
    spec = RunSpec(
        tasks=[task],
        model="builtin:smollm2-135m",
        shots=shots,
        options=ModelOptions(overflow="skip"),
        data=DataOptions(mirror=mirror),
    )
    model = create(spec.model, spec.options)
    assert isinstance(model, HFModel)
    (prepared,) = prepare(spec, model, Silent())
    encoder = RequestEncoder(model.encoder, model.context, "skip")
    rows = {}
    for number, sample in enumerate(prepared.samples):
        assert not isinstance(sample.request, Generate)
        found = encoder.rows(sample.request)
        if not isinstance(found, Failure):
            rows[number] = [row for row in found[0] if isinstance(row, TokenRow)]
    tree = TokenTree(group_rows(rows)[0])
    computed = sum(len(piece.tokens) for piece in tree.pieces(_BUDGET))
    return sum(cost.asked for cost in prepared.costs), tree.unique_tokens, computed


if __name__ == "__main__":
    sys.exit(main())
