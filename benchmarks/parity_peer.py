"""What lm-evaluation-harness says: run by the Python of its own environment, never by ours.

    python parity_peer.py JOBS.json ANSWERS.json

JOBS holds `checkpoint` (a transformers folder) and `jobs`, a list of objects with `name`, `config` (a stock
task's YAML file, relative to the package's folder `tasks`), `overrides` (keys of that file that are replaced),
`limit` and `chat`. ANSWERS gets, for each job by name, `samples` and `results`; see `_sample`.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any


def main(jobs_file: str, answers_file: str) -> None:
    """Answer all jobs with one model."""
    import lm_eval
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    stock = Path(lm_eval.__file__).parent / "tasks"
    order = json.loads(Path(jobs_file).read_text(encoding="utf-8"))
    # One sequence at a time: no padding, and so nothing that a neighbour in the batch could change.
    model = HFLM(pretrained=order["checkpoint"], dtype="float32", device="cpu", batch_size=1)
    manager = TaskManager(include_defaults=False)
    answers = {}
    with tempfile.TemporaryDirectory(prefix="lm-eval-tasks-") as folder:
        for job in order["jobs"]:
            print(f"lm-eval: {job['name']}, {job['limit']} samples", file=sys.stderr, flush=True)
            config = Path(folder) / f"{job['name']}.yaml"
            # JSON is YAML; `include` brings every key of the stock task that is not overridden.
            content = {"include": str(stock / job["config"]), **job["overrides"], "task": job["name"]}
            config.write_text(json.dumps(content), encoding="utf-8")
            evaluated = lm_eval.simple_evaluate(
                model=model,
                tasks=[str(config)],
                task_manager=manager,
                limit=job["limit"],
                bootstrap_iters=0,
                log_samples=True,
                apply_chat_template=job["chat"],
                fewshot_as_multiturn=False,
            )
            answers[job["name"]] = {
                "samples": [_sample(logged) for logged in evaluated["samples"][job["name"]]],
                "results": {
                    key: value
                    for key, value in evaluated["results"][job["name"]].items()
                    if isinstance(value, (int, float))
                },
            }
    Path(answers_file).write_text(json.dumps(answers), encoding="utf-8")


def _sample(logged: dict[str, Any]) -> dict[str, Any]:
    """One logged sample under one filter: `index`, `filter`, `context`, `continuations` with `logprobs` and
    `greedy` (all empty for a generation), `text` (null for scores), and `metrics`, the value of each."""
    arguments = logged["arguments"]
    first = [responses[0] for responses in logged["resps"]]
    contexts = {argument[0] for argument in arguments}
    if len(contexts) != 1:
        raise SystemExit(f"sample {logged['doc_id']} has {len(contexts)} contexts, and one was expected")
    generated = isinstance(first[0], str)
    return {
        "index": logged["doc_id"],
        "filter": logged["filter"],
        "context": arguments[0][0],
        "continuations": [] if generated else [argument[1] for argument in arguments],
        "logprobs": [] if generated else [float(response[0]) for response in first],
        "greedy": [] if generated else [bool(response[1]) for response in first],
        "text": first[0] if generated else None,
        "metrics": {name: float(logged[name]) for name in logged["metrics"]},
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
