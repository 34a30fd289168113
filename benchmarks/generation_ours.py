"""How long lsm-eval takes for GSM8K's texts: the counterpart of `generation_peer.py`, for our own environment.

    python generation_ours.py JOB.json ANSWER.json

JOB holds `mirror`, `limit` and `out`. ANSWER gets `seconds`, from the loaded model to the finished record, `prompts` and
`texts` in the task's order, `prompt_tokens` (as often as they are asked), and `computed` (the model's own counts).
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from lsm_eval.data.options import DataOptions
from lsm_eval.models.base import ModelOptions
from lsm_eval.models.create import create
from lsm_eval.models.hf import HFModel
from lsm_eval.progress import Silent
from lsm_eval.results.reader import read_records
from lsm_eval.runner.run import run
from lsm_eval.runner.spec import RunSpec


def main(job_file: str, answer_file: str) -> None:
    """Do the job once."""
    job = json.loads(Path(job_file).read_text(encoding="utf-8"))
    options = ModelOptions(device="cpu", dtype="float32", offline=True)
    name = "builtin:smollm2-135m"
    model = create(name, options, Silent())
    assert isinstance(model, HFModel)
    model.load()
    spec = RunSpec(
        tasks=["gsm8k"],
        model=name,
        chat="off",
        limit=job["limit"],
        first=True,
        options=options,
        data=DataOptions(mirror=Path(job["mirror"]), offline=True),
        out=Path(job["out"]),
        store=None,
    )
    start = time.perf_counter()
    run(spec, model, Silent())
    seconds = time.perf_counter() - start
    (record,) = read_records(Path(job["out"]))
    table = record.samples("gsm8k", ["index", "prompt", "completion"]).to_pylist()
    rows = sorted(table, key=lambda row: row["index"])
    prompts = [row["prompt"] for row in rows]
    answer = {
        "seconds": seconds,
        "prompts": prompts,
        "texts": [row["completion"] for row in rows],
        "prompt_tokens": sum(len(tokens) for tokens in model.encoder.encode(prompts)),
        "computed": dict(model.computed()),
    }
    Path(answer_file).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
