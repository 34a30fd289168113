"""How long lsm-eval takes: the counterpart of `scoring_peer.py`, for our own environment.

    python scoring_ours.py JOB.json ANSWER.json

JOB holds `checkpoint`, `device`, `dtype`, `tasks`, `include`, `mirror`, `shots` and `out`. ANSWER gets `seconds`, from the loaded model to the
finished record, `work` (what the record says was done) and `results`.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from lsm_eval.data.options import DataOptions
from lsm_eval.models.base import ModelOptions
from lsm_eval.models.create import create
from lsm_eval.progress import Silent
from lsm_eval.results.reader import read_records
from lsm_eval.runner.run import run
from lsm_eval.runner.spec import RunSpec


def main(job_file: str, answer_file: str) -> None:
    """Do the job once."""
    job = json.loads(Path(job_file).read_text(encoding="utf-8"))
    options = ModelOptions(device=job["device"], dtype=job["dtype"], offline=True)
    model = create(job["checkpoint"], options, Silent())
    model.load()
    spec = RunSpec(
        tasks=job["tasks"],
        model=job["checkpoint"],
        shots=job.get("shots"),
        chat="off",
        options=options,
        data=DataOptions(mirror=Path(job["mirror"]), offline=True),
        include=[Path(job["include"])],
        out=Path(job["out"]),
        store=None,
    )
    start = time.perf_counter()
    run(spec, model, Silent())
    seconds = time.perf_counter() - start
    (record,) = read_records(Path(job["out"]))
    work = record.manifest.work
    answer = {
        "seconds": seconds,
        "work": work.model_dump() if work else None,
        "results": {f"{row.task}/{row.metric}": row.value for row in record.estimates},
    }
    Path(answer_file).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
