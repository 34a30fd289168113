"""The harness's own tasks on real data with the built-in model: its hf backend, our engine in it, and our runner."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lm_eval_checks import same_samples

from lsm_eval.data.options import DataOptions
from lsm_eval.lm_eval_bridge.data import from_mirror
from lsm_eval.lm_eval_bridge.names import resolve
from lsm_eval.models.base import ModelOptions
from lsm_eval.models.create import create
from lsm_eval.progress import Silent
from lsm_eval.results.reader import read_record
from lsm_eval.runner.run import run
from lsm_eval.runner.spec import RunSpec

pytestmark = pytest.mark.slow

# Task, documents, shots, chat template.
CASES = [
    ("hellaswag", 12, 0, False),
    ("hellaswag", 4, 0, True),
    ("winogrande", 20, 0, False),
    ("lambada_openai", 12, 0, False),
    ("gsm8k", 4, 0, False),
    ("wikitext", 1, 0, False),
]


@pytest.fixture(scope="module")
def models() -> dict[str, Any]:
    """The built-in checkpoint in both backends, in float32 on the CPU."""
    from lm_eval.api.registry import get_model

    from lsm_eval.lm_eval_bridge import register
    from lsm_eval.models.builtin import checkpoint

    register()
    folder = str(checkpoint("smollm2-135m"))
    options: dict[str, Any] = {"pretrained": folder, "dtype": "float32", "device": "cpu", "batch_size": 1}
    return {"hf": get_model("hf")(**options), "lsm-eval": get_model("lsm-eval")(**options)}


@pytest.mark.parametrize(("name", "limit", "shots", "chat"), CASES)
def test_hf_our_engine_and_our_runner_agree(
    name: str, limit: int, shots: int, chat: bool, models: dict[str, Any], hub_mirror: Path, tmp_path: Path
) -> None:
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager

    (task,) = resolve(f"lm-eval:{name}")
    missing = hub_mirror / str(task.config["dataset_path"])
    if not missing.is_dir():
        pytest.skip(f"the mirror has no {task.config['dataset_path']}")
    config = {**task.config, **from_mirror(name, task.config, hub_mirror, shots=shots)}
    if config.get("generation_kwargs"):
        config["generation_kwargs"] = {**config["generation_kwargs"], "max_gen_toks": 48}
    found = {
        backend: simple_evaluate(
            model=model,
            tasks=[dict(config)],
            num_fewshot=shots,
            limit=limit,
            bootstrap_iters=0,
            apply_chat_template=chat,
            fewshot_as_multiturn=chat,
            task_manager=TaskManager(include_defaults=False),
        )
        for backend, model in models.items()
    }
    same_samples(found["hf"], found["lsm-eval"], name)
    if config.get("generation_kwargs"):
        return  # the runner asks for the task's own number of new tokens, which takes too long here
    spec = RunSpec(
        [f"lm-eval:{name}"],
        "builtin:smollm2-135m",
        limit=limit,
        shots=shots,
        chat="on" if chat else "auto",
        options=ModelOptions(device="cpu", dtype="float32", overflow="truncate"),
        data=DataOptions(mirror=hub_mirror),
        out=tmp_path,
    )
    record = read_record(run(spec, create(spec.model, spec.options), Silent()).record)
    results = found["hf"]["results"][name]
    for row in record.estimates:
        assert row.value == pytest.approx(results[f"{row.metric},none"], rel=1e-4)
    assert len(record.estimates) == sum(
        isinstance(value, float) and "stderr" not in key for key, value in results.items()
    )
