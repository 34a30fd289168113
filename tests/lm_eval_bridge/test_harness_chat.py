"""Chat templates that are unlike others, under the harness's tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny_models import CHAT_WITH_BOS, save_model

from lsm_eval.errors import UserError
from lsm_eval.models.base import ModelOptions
from lsm_eval.models.create import create
from lsm_eval.progress import Silent
from lsm_eval.results.reader import Record, read_record
from lsm_eval.runner.run import run
from lsm_eval.runner.spec import RunSpec


@pytest.fixture
def model(tmp_path: Path, own_cache: Path, one_thread: None) -> Path:
    return save_model(tmp_path / "model", context=96, chat=CHAT_WITH_BOS)


def _ask(model: Path, task_folder: Path, out: Path, **options: Any) -> Record:
    chosen = ModelOptions(device="cpu", dtype="float32", overflow="truncate", **options)
    spec = RunSpec(
        [f"lm-eval:{task_folder / 'own_sums'}.yaml"], str(model), chat="on", options=chosen, out=out
    )
    return read_record(run(spec, create(spec.model, spec.options), Silent()).record)


def test_one_date_and_a_chosen_template(model: Path, task_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "dated.jinja"
    file.write_text("{{ bos_token }}{{ strftime_now('%d.%m.%Y') }} {{ messages[-1]['content'] }} ->")
    record = _ask(model, task_folder, tmp_path / "out", chat_template=str(file))
    prompts = [row["prompt"] for row in record.samples("lm-eval.own_sums").to_pylist()]
    assert all(prompt.startswith("<s>26.07.2024 ") for prompt in prompts)
    assert record.manifest.model.details["chat_clock"].startswith("2024-07-26")
    assert " template:dated.jinja " in record.estimates[0].signature
    assert " overflow:truncate " in record.estimates[0].signature
    assert "cut:" not in record.estimates[0].signature, "cut as the harness does"


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{{ bos_token }}hello", "leaves out what the user says"),
        ("{{ messages[0].content + 1 }}", "TypeError"),
        ("{{ messages | nothing }}", "No filter"),
    ],
)
def test_a_template_of_no_use(
    model: Path, task_folder: Path, tmp_path: Path, template: str, says: str, evaluate: Any
) -> None:
    (model / "chat_template.jinja").write_text(template)
    with pytest.raises(UserError, match=f"lm-eval:own_sums: .*{says}"):
        _ask(model, task_folder, tmp_path / "out")
    with pytest.raises(UserError, match=says):
        evaluate("lsm-eval", model, "own_sums", apply_chat_template=True)


def test_named_templates_in_the_harness(model: Path) -> None:
    from lm_eval.api.registry import get_model
    from tiny_models import edit_json

    from lsm_eval.lm_eval_bridge import register

    register()
    (model / "chat_template.jinja").unlink()
    named = [
        {"name": name, "template": f"<{name}>" + "{{ messages[-1]['content'] }}"} for name in ("rag", "tools")
    ]
    edit_json(model / "tokenizer_config.json", chat_template=named)
    ours = get_model("lsm-eval")(pretrained=str(model), device="cpu", dtype="float32")
    with pytest.raises(UserError, match=r"\(rag, tools\) and no default one"):
        ours.chat_template(True)
    messages = [{"role": "user", "content": "what?"}]
    with pytest.raises(UserError, match="multiple chat templates"):
        ours.apply_chat_template(messages)
    assert ours.chat_template("tools") == named[1]["template"]
    assert ours.apply_chat_template(messages) == "<tools>what?"
