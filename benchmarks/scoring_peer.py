"""How long lm-evaluation-harness takes: run by the Python of its own environment, never by ours.

    python scoring_peer.py JOB.json ANSWER.json

JOB holds `checkpoint`, `device`, `dtype`, `batch_size`, `limit`, `shots` and `configs`, a list of objects with `name`, `config` (a
stock task's YAML file, relative to the package's folder `tasks`, or null) and `overrides`. ANSWER gets `seconds`, from the
loaded model to the finished results, `results`, and `samples`, how many each task had.
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
    model = HFLM(
        pretrained=job["checkpoint"], dtype=job["dtype"], device=job["device"], batch_size=job["batch_size"]
    )
    manager = TaskManager(include_defaults=False)
    with tempfile.TemporaryDirectory(prefix="lm-eval-tasks-") as folder:
        files = []
        for task in job["configs"]:
            config = Path(folder) / f"{task['name']}.yaml"
            base = {"include": str(stock / task["config"])} if task["config"] else {}
            content = {**base, **task["overrides"], "task": task["name"]}
            config.write_text(json.dumps(content), encoding="utf-8")
            files.append(str(config))
        start = time.perf_counter()
        evaluated = lm_eval.simple_evaluate(
            model=model,
            tasks=files,
            task_manager=manager,
            num_fewshot=job["shots"],
            limit=job["limit"],
            bootstrap_iters=0,
            log_samples=False,
        )
        seconds = time.perf_counter() - start
    results = {
        f"{task}/{key.partition(',')[0]}": value
        for task, values in evaluated["results"].items()
        for key, value in values.items()
        if isinstance(value, float)
    }
    counts = {task: numbers["effective"] for task, numbers in evaluated["n-samples"].items()}
    answer = {"seconds": seconds, "results": results, "samples": counts}
    Path(answer_file).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
