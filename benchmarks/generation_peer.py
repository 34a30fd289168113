"""How long lm-evaluation-harness takes for texts: run by the Python of its own environment, never by ours.

    python generation_peer.py JOB.json ANSWER.json

JOB holds `checkpoint`, `batch_size`, `limit`, `config` (a stock task's YAML file, relative to the package's folder
`tasks`) and `overrides`. ANSWER gets `seconds`, from the loaded model to the finished results, and `prompts` and `texts`
in the task's order.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path


def main(job_file: str, answer_file: str) -> None:
    """Do the job once."""
    import lm_eval
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    stock = Path(lm_eval.__file__).parent / "tasks"
    job = json.loads(Path(job_file).read_text(encoding="utf-8"))
    model = HFLM(pretrained=job["checkpoint"], dtype="float32", device="cpu", batch_size=job["batch_size"])
    manager = TaskManager(include_defaults=False)
    with tempfile.TemporaryDirectory(prefix="lm-eval-tasks-") as folder:
        config = Path(folder) / "generated.yaml"
        content = {"include": str(stock / job["config"]), **job["overrides"], "task": "generated"}
        config.write_text(json.dumps(content), encoding="utf-8")
        start = time.perf_counter()
        evaluated = lm_eval.simple_evaluate(
            model=model,
            tasks=[str(config)],
            task_manager=manager,
            limit=job["limit"],
            bootstrap_iters=0,
            log_samples=True,
        )
        seconds = time.perf_counter() - start
    # A sample stands there once for each of the task's filters.
    logged = {sample["doc_id"]: sample for sample in evaluated["samples"]["generated"]}
    samples = [logged[number] for number in sorted(logged)]
    answer = {
        "seconds": seconds,
        "prompts": [sample["arguments"][0][0] for sample in samples],
        "texts": [sample["resps"][0][0] for sample in samples],
    }
    Path(answer_file).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
