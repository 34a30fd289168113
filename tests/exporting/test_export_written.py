"""What a run says of how texts are written stands in exports, of the tasks that it has a part in, and of no others."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import GENERATE, QUESTIONS, SCORE, Runner, call, write_task
from exported_records import change_manifest, valid_by_its_own_code

from lsm_eval.importing.importing import import_file
from lsm_eval.recount.check import check_record

SYSTEM = "You are the cat"
SAID = ("--system", SYSTEM, "--temperature", "0.7", "--top-p", "0.9", "--stop", "dog", "--max-tokens", "6")
KEYWORDS = {"until": ["dog"], "max_gen_toks": 6, "do_sample": True, "temperature": 0.7, "top_p": 0.9}


@pytest.fixture(scope="module")
def run(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """Calls `lsm-eval run` on `choose`, `say`, and `several`, which draws answers by itself."""
    folder = tmp_path_factory.mktemp("written")
    write_task(folder, "choose", QUESTIONS[:4], **SCORE)
    write_task(folder, "say", QUESTIONS[:4], **GENERATE)
    own = {**GENERATE, "draws": {"n": 2}, "metrics": [{"greedy": {"of": "exact_match"}}]}
    write_task(folder, "several", QUESTIONS[:4], **own)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSM_EVAL_CACHE", str(folder / "cache"))
        yield Runner(tiny_llama, folder, folder / "reports")


def made(run: Runner, *more: str, tasks: str) -> Path:
    done = run(*more, tasks=tasks)
    assert done.code == 0, done.err
    return done.record


def harness(record: Path, out: Path) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    """The results, and the rows of samples by task."""
    done = call("export", record, "--format", "lm-eval", "--out", out)
    assert done.code == 0, done.err
    results, *samples = map(Path, done.out.splitlines())
    assert check_record(import_file(results, out / "again").record).problems == ()
    rows = {
        path.name.split("_")[1]: [json.loads(line) for line in path.read_text().splitlines()]
        for path in samples
    }
    return json.loads(results.read_text()), rows


def keywords(rows: list[dict[str, Any]]) -> list[Any]:
    """Of a task's samples, each once."""
    found: list[Any] = []
    for row in rows:
        for part in row["arguments"].values():
            if part["arg_1"] not in found:
                found.append(part["arg_1"])
    return found


def ever(record: Path, out: Path) -> list[Path]:
    done = call("export", record, "--format", "every-eval-ever", "--out", out, "--model-id", "nobody/tiny")
    assert done.code == 0, done.err
    return [Path(line) for line in done.out.splitlines()]


def of_tasks(record: Path, out: Path) -> dict[str, dict[str, Any]]:
    """The generation settings of Every Eval Ever's files, by task."""
    contents = [json.loads(path.read_text()) for path in ever(record, out) if path.suffix == ".json"]
    rows = [row for content in contents for row in content["evaluation_results"]]
    return {row["evaluation_name"]: row["generation_config"] for row in rows}


def test_harness_has_what_was_said(run: Runner, tmp_path: Path) -> None:
    results, rows = harness(made(run, *SAID, tasks="say"), tmp_path)
    assert results["system_instruction"] == SYSTEM
    assert results["system_instruction_sha"] == hashlib.sha256(SYSTEM.encode()).hexdigest()
    assert results["config"]["gen_kwargs"] == KEYWORDS
    assert keywords(rows["say"]) == [KEYWORDS]


def test_harness_has_it_of_the_tasks_that_were_asked_so(run: Runner, tmp_path: Path) -> None:
    """One system message for all is no place for one that some tasks had not; a task that draws has a greedy first answer."""
    results, rows = harness(made(run, *SAID, tasks="choose,say,several"), tmp_path)
    assert not {"system_instruction", "system_instruction_sha"} & set(results)
    told = {name: config["metadata"].get("system_instruction") for name, config in results["configs"].items()}
    assert told == {"choose": None, "say": SYSTEM, "several": SYSTEM}
    assert keywords(rows["say"]) == [KEYWORDS]
    assert keywords(rows["several"]) == [{"until": ["dog"], "max_gen_toks": 6}]
    assert all(isinstance(text, str) for text in keywords(rows["choose"]))


def test_harness_of_a_plain_run(run: Runner, tmp_path: Path) -> None:
    record = made(run, tasks="choose,say")
    results, rows = harness(record, tmp_path)
    assert (results["system_instruction"], results["config"]["gen_kwargs"]) == (None, None)
    assert "system_instruction_sha" not in results
    assert keywords(rows["say"]) == [{}], "what the task says by itself is not in the record"
    again = import_file(next(tmp_path.glob("*/results_*.json")), tmp_path / "imported").record
    assert "system_instruction" not in harness(again, tmp_path / "back")[0], "not known of an imported record"


def test_greedy_is_said_too(run: Runner, tmp_path: Path) -> None:
    results, rows = harness(made(run, "--temperature", "0", tasks="say"), tmp_path)
    assert results["config"]["gen_kwargs"] == {"do_sample": False, "temperature": 0.0}
    assert keywords(rows["say"]) == [{"do_sample": False, "temperature": 0.0}]


def test_written_choices_have_the_bound_alone(run: Runner, tmp_path: Path) -> None:
    record = made(run, *SAID, "--choices", "generate", "--overflow", "truncate", tasks="choose,say")
    _, rows = harness(record, tmp_path / "harness")
    assert keywords(rows["choose"]) == [{"max_gen_toks": 6}]
    own = of_tasks(record, tmp_path / "ever")["choose"]
    assert {name: own["generation_args"].get(name) for name in ("max_tokens", "temperature", "top_p")} == {
        "max_tokens": 6, "temperature": None, "top_p": None,
    }  # fmt: skip
    assert not {"system_message", "stop"} & set(own["additional_details"])


def test_every_eval_ever_has_what_was_said(run: Runner, tmp_path: Path) -> None:
    record = made(run, *SAID, tasks="choose,say")
    told = of_tasks(record, tmp_path / "out")
    own = told["say"]
    assert own["additional_details"]["system_message"] == SYSTEM
    assert json.loads(own["additional_details"]["stop"]) == ["dog"]
    given = {name: own["generation_args"][name] for name in ("max_tokens", "temperature", "top_p")}
    assert given == {"max_tokens": 6, "temperature": 0.7, "top_p": 0.9}
    assert not {"system_message", "stop"} & set(told["choose"]["additional_details"])
    assert not {"max_tokens", "temperature", "top_p"} & set(told["choose"]["generation_args"])


def test_a_server_that_takes_no_temperature_was_told_none(run: Runner, tmp_path: Path) -> None:
    record = made(run, *SAID, tasks="say")
    details = json.loads((record / "manifest.json").read_text())["model"]["details"]
    change_manifest(record, model__details={**details, "temperature": "the server's own: it takes no 0"})
    _, rows = harness(record, tmp_path / "harness")
    assert keywords(rows["say"]) == [{"until": ["dog"], "max_gen_toks": 6}]
    assert not {"temperature", "top_p"} & set(of_tasks(record, tmp_path / "ever")["say"]["generation_args"])


def test_valid_by_every_eval_evers_own_code(run: Runner, tmp_path: Path) -> None:
    paths = ever(made(run, *SAID, tasks="choose,say,several"), tmp_path / "out")
    valid_by_its_own_code(paths, tmp_path / "out")
