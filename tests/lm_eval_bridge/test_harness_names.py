"""How a task of the harness is named, and what is said where it cannot be run."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from lsm_eval.errors import UserError
from lsm_eval.folders.packaged import packaged_tasks
from lsm_eval.lm_eval_bridge.names import RESOLVERS, resolve
from lsm_eval.tasks.files import is_harness_file
from lsm_eval.tasks.registry import Registry


@pytest.fixture
def library() -> Path:
    """Folder of the harness's own tasks: the file of one is read alone, and by its name only after all of them."""
    import lm_eval.tasks

    return Path(lm_eval.tasks.__file__).parent


@pytest.mark.slow  # the harness reads all its tasks
def test_a_task_a_group_a_tag_and_a_glob() -> None:
    assert [task.name for task in resolve("lm-eval:hellaswag")] == ["hellaswag"]
    group = resolve("lm-eval:mmlu")
    assert len(group) == 57
    assert all(task.config["dataset_path"] == "cais/mmlu" for task in group)
    assert {task.name for task in resolve("lm-eval:ai2_arc")} == {"arc_easy", "arc_challenge"}
    assert {task.name for task in resolve("lm-eval:arc_eas*")} >= {"arc_easy"}


@pytest.mark.slow
def test_what_the_record_calls_it() -> None:
    (task,) = resolve("lm-eval:hellaswag")
    assert task.task.task == "lm-eval.hellaswag"
    assert task.task.request == "score"
    assert "lm-evaluation-harness" in task.task.title
    (rolling,) = resolve("lm-eval:wikitext")
    assert (rolling.task.request, rolling.task.area) == ("perplexity", "perplexity")


@pytest.mark.slow
def test_a_name_that_is_none_offers_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean 'lm-eval:hellaswag'"):
        resolve("lm-eval:helaswag")


def test_code_that_a_model_has_written_is_not_run(library: Path) -> None:
    with pytest.raises(UserError, match="runs code that a model has written"):
        resolve(f"lm-eval:{library}/humaneval/humaneval.yaml")


@pytest.mark.slow
def test_a_folder_of_the_user(task_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "ours.yaml").write_text(
        (packaged_tasks() / "accuracy" / "arc" / "arc_easy.yaml")
        .read_text()
        .replace("task: arc_easy", "task: our_copy")
    )
    (tmp_path / "group.yaml").write_text(
        "group: pair\ntask: [own_pairs, {task: own_choice, num_fewshot: 3}]\n"
    )
    for name in ("own_pairs", "own_choice"):
        (tmp_path / f"{name}.yaml").write_text((task_folder / f"{name}.yaml").read_text())
    registry = Registry([tmp_path], RESOLVERS)
    assert "our_copy" in registry.tasks
    assert "own_pairs" not in registry.tasks
    loaded = registry.resolve(["lm-eval:pair", "our_copy"])
    assert [task.task.task for task in loaded] == ["lm-eval.own_pairs", "lm-eval.own_choice", "our_copy"]
    (_, changed) = resolve("lm-eval:pair", [tmp_path])
    assert changed.config["num_fewshot"] == 3


def test_our_own_files_are_not_taken_for_the_harness_ones() -> None:
    assert not [path for path in packaged_tasks().rglob("*.yaml") if is_harness_file(path)]


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        resolve(f"lm-eval:{tmp_path}/none.yaml")
    (tmp_path / "bad.yaml").write_text("task: [\n")
    with pytest.raises(UserError, match="is not valid YAML"):
        resolve(f"lm-eval:{tmp_path}/bad.yaml")
    (tmp_path / "code.yaml").write_text("task: x\nprocess_docs: !function missing.function\n")
    with pytest.raises(UserError, match="cannot be had"):
        resolve(f"lm-eval:{tmp_path}/code.yaml", code=True)


@pytest.mark.slow
def test_code_of_a_users_file_is_run_only_with_the_users_word(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    (tmp_path / "own.py").write_text(f"open({str(mark)!r}, 'w').close()\ndef docs(data): return data\n")
    (tmp_path / "base.yaml").write_text("output_type: generate_until\nprocess_docs: !function own.docs\n")
    files = {
        "tagged": "process_docs: !function own.docs\n",
        "including": "include: base.yaml\n",
        "many": "include: [base.yaml]\n",
        "script": "metric_list: [{metric: ./own.py}]\n",
        "remote": "dataset_kwargs: {trust_remote_code: true}\n",
    }
    for name, text in files.items():
        (tmp_path / f"{name}.yaml").write_text(f"task: {name}\n{text}")
    for name in files:
        with pytest.raises(UserError, match="add --include-code if you trust it"):
            resolve(f"lm-eval:{tmp_path}/{name}.yaml")
        with pytest.raises(UserError, match="add --include-code if you trust it"):
            resolve(f"lm-eval:{name}", [tmp_path])
    assert not mark.exists()
    (task,) = resolve(f"lm-eval:{tmp_path}/including.yaml", code=True)
    assert callable(task.config["process_docs"])


def test_a_template_of_the_harness_reaches_nothing_else(library: Path) -> None:
    from jinja2.exceptions import SecurityError
    from lm_eval.utils import apply_template

    resolve(f"lm-eval:{library}/hellaswag/hellaswag.yaml")
    assert apply_template("{{ a | regex_replace('b', 'c') }}\n", {"a": "abba"}) == "acca\n"
    with pytest.raises(SecurityError):
        apply_template("{{ cycler.__init__.__globals__ }}", {})


def test_without_the_extra_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", absent)
    with pytest.raises(UserError, match=r"pip install 'lsm-eval\[lm-eval\]'"):
        resolve("lm-eval:hellaswag")
    monkeypatch.setattr(metadata, "version", lambda name: "0.4.9")
    with pytest.raises(UserError, match=r"0\.4\.13"):
        resolve("lm-eval:hellaswag")


def test_the_harness_is_not_imported_for_our_own_tasks() -> None:
    code = (
        "import sys; from lsm_eval.tasks.registry import Registry; from lsm_eval.runner import prepare;"
        "Registry().resolve(['hellaswag']); sys.exit('lm_eval' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.slow
def test_the_harness_command_knows_our_model(task_folder: Path, checkpoint: Path) -> None:
    """In a process of its own: the harness's command reads the process's arguments."""
    arguments = ["--model", "lsm-eval", "--device", "cpu", "--tasks", str(task_folder / "own_pairs.yaml")]

    def call(model_args: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "lsm_eval", "lm-eval", *arguments, "--model_args", model_args]
        return subprocess.run(command, check=False, capture_output=True, text=True)

    done = call(f"pretrained={checkpoint},dtype=float32")
    assert done.returncode == 0, done.stderr
    assert "lsm-eval ({'pretrained'" in done.stdout
    assert "own_pairs" in done.stdout
    refused = call(f"pretrained={checkpoint},parallelize=True")
    assert refused.returncode == 2
    assert refused.stderr.splitlines()[-1].startswith("lsm-eval: model argument parallelize=True")
    assert "Traceback" not in refused.stderr
