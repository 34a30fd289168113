"""`lsm-eval run --gate`: when it ends, what it leaves, and what it refuses before anything is asked."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from command_line import GENERATE, PERPLEXITY, SCORE, Outcome, call, write_task
from gate_runs import rows, run_of, with_manifest

from lsm_eval.results.reader import read_record


@dataclass(frozen=True)
class Setting:
    tasks: Path
    baseline: Path
    """Of `builtin:first`, on all tasks."""


@pytest.fixture(autouse=True)
def _cache(own_cache: Path) -> None:
    """Every test has its own cache."""


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Setting:
    folder = tmp_path_factory.mktemp("gated")
    tasks = folder / "tasks"
    write_task(tasks, "worse", rows(250, 250, 0), **SCORE)
    write_task(tasks, "alike", rows(600, 0, 0), **SCORE)
    write_task(tasks, "unsure", rows(350, 30, 20), **SCORE)
    write_task(tasks, "small", rows(50, 0, 0), **SCORE)
    write_task(tasks, "pairs", rows(900, 0, 0), **SCORE, cluster="{{ passage }}{{ id[:4] }}")
    write_task(
        tasks, "bias", rows(100, 20, 20), **{**SCORE, "metrics": [{"prefers_first": {"name": "rate"}}]}
    )
    return Setting(tasks, run_of("builtin:first", tasks, folder / "reports"))


def policy(folder: Path, *tasks: str, more: str = "") -> Path:
    path = folder / "policy.yaml"
    rules = ["{task: '*', ignore: true}", *(f"{{task: {task}, ignore: false}}" for task in tasks)]
    path.write_text(f"rules: [{', '.join(rules)}]\n{more}")
    return path


def run(
    setting: Setting,
    folder: Path,
    tasks: str,
    *more: str | Path,
    model: str = "builtin:longest",
    told: Path | None = None,
) -> Outcome:
    chosen = told or policy(folder, *tasks.split(","))
    return call(
        "run", "--tasks", tasks, "--model", model, "--include", setting.tasks, "--out", folder / "out", "--gate", chosen,
        "--baseline", setting.baseline, *more,
    )  # fmt: skip


def manifest(done: Outcome) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((record(done) / "manifest.json").read_text())
    return content


def record(done: Outcome) -> Path:
    (line,) = [line for line in done.out.splitlines() if line.startswith("record: ")]
    return Path(line.removeprefix("record: "))


def test_a_huge_loss_ends_at_the_first_look(setting: Setting, tmp_path: Path) -> None:
    done = run(setting, tmp_path, "worse", "--json", tmp_path / "gate.json")
    assert done.code == 1, done.err
    assert "look 1 of 10, 50 of 500 samples: worse, acc: fail." in done.err
    assert "looks:     ended at look 1 of 10, after 50 of 500 samples" in done.out
    assert done.out.splitlines()[-1].startswith("FAIL. ")
    content = manifest(done)
    assert (content["gate"]["answer"], content["gate"]["look"], content["gate"]["looks"]) == ("fail", 1, 10)
    (verdict,) = content["gate"]["verdicts"]
    assert (verdict["metric"], verdict["answer"], verdict["look"], verdict["share"]) == (
        "acc",
        "fail",
        1,
        0.1,
    )
    assert verdict["p_loss"] <= verdict["limit_loss"] == pytest.approx(0.001)
    assert content["tasks"][0]["gate"] == {"look": 1, "looks": 10, "planned": 500, "whole": 500}
    kept = read_record(record(done))
    assert kept.estimates[0].n == kept.sample_count("worse") == content["requests"]["asked"] == 50
    assert " stopped:1/10 " in kept.estimates[0].signature
    assert call("record", "check", record(done)).code == 0
    written = json.loads((tmp_path / "gate.json").read_text())
    assert written["looking"] == {
        "look": 1, "looks": 10, "tasks": [{"task": "worse", "asked": 50, "planned": 500, "look": 1}],
    }  # fmt: skip
    assert written["findings"][0]["looked_at"]["limit_loss"] == pytest.approx(0.001)
    assert len(written["flips"]) == 5


def test_an_identical_model_passes_early(setting: Setting, tmp_path: Path) -> None:
    done = run(setting, tmp_path, "alike", model="builtin:first")
    assert done.code == 0, done.err
    content = manifest(done)
    assert content["gate"]["answer"] == "pass"
    assert 1 < content["gate"]["look"] < 10
    assert "its numbers lie further out than those of all samples" in done.out


def test_an_undecided_one_goes_to_the_end(setting: Setting, tmp_path: Path) -> None:
    done = run(setting, tmp_path, "unsure")
    assert (done.code, manifest(done)["gate"]["look"]) == (3, 10)
    assert read_record(record(done)).estimates[0].n == 400
    # All was asked: the numbers are those of any run.
    assert "stopped" not in read_record(record(done)).estimates[0].signature
    for told, code in (("warn", 0), ("fail", 1)):
        assert run(setting, tmp_path, "unsure", "--inconclusive", told).code == code
    release = policy(tmp_path, "unsure", more="kind: release")
    assert run(setting, tmp_path, "unsure", told=release).code == 1


def test_tasks_of_unlike_sizes_end_one_by_one(setting: Setting, tmp_path: Path) -> None:
    done = run(setting, tmp_path, "worse,alike,pairs")
    assert done.code == 1
    asked = {row["task"]: (row["samples"], row["gate"]["look"]) for row in manifest(done)["tasks"]}
    assert asked["worse"] == (50, 1)
    assert asked["alike"][1] > 1
    verdicts = {row["task"]: row for row in manifest(done)["gate"]["verdicts"]}
    # Three metrics share the false alarms.
    assert verdicts["worse"]["limit_loss"] == pytest.approx(0.01 / 3 / 10)
    assert {verdicts[task]["answer"] for task in ("alike", "pairs")} == {"pass"}
    table = read_record(record(done)).samples("pairs")
    clusters = table["cluster"].to_pylist()
    assert len(clusters) < 900
    whole = read_record(setting.baseline).samples("pairs")["cluster"].to_pylist()
    assert all(clusters.count(name) == whole.count(name) for name in set(clusters))


def test_a_run_without_a_gate_says_nothing_of_one(setting: Setting) -> None:
    content = json.loads((setting.baseline / "manifest.json").read_text())
    assert "gate" not in content
    assert all("gate" not in row for row in content["tasks"])


def test_every_file_is_written(setting: Setting, tmp_path: Path) -> None:
    names = {
        "--json": "g.json",
        "--junit": "g.xml",
        "--markdown": "g.md",
        "--comment": "c.md",
        "--sarif": "g.sarif",
    }
    files = [part for option, name in names.items() for part in (option, tmp_path / name)]
    done = run(setting, tmp_path, "worse", *files, "--annotations", "github")
    assert done.code == 1
    assert "::error " in done.out
    assert all((tmp_path / name).stat().st_size for name in names.values())
    assert ET.parse(tmp_path / "g.xml").getroot().get("failures") == "1"
    text = (tmp_path / "g.xml").read_text()
    assert "settled at look 1, with 10 % of its pairs" in text
    assert "ended at look 1 of 10, after 50 of 500 samples" in text
    for name in ("g.md", "c.md"):
        page = (tmp_path / name).read_text()
        assert "The run ended at look 1 of 10, after 50 of 500 samples." in page
        assert "its numbers lie further out than those of all samples" in page


def test_a_limit_makes_the_plan(setting: Setting, tmp_path: Path) -> None:
    done = run(setting, tmp_path, "alike", "--limit", "300", model="builtin:first")
    assert done.code == 0, done.err
    assert manifest(done)["tasks"][0]["gate"]["planned"] == 300
    # A baseline with a part of the samples: those are the plan.
    part = run_of("builtin:first", setting.tasks, tmp_path / "part", "alike", "--limit", "400")
    done = run(Setting(setting.tasks, part), tmp_path, "alike", model="builtin:first")
    assert done.code == 0
    assert "alike: 400 of 600 samples are run, those that the baseline has." in done.err
    row = manifest(done)["tasks"][0]["gate"]
    assert (row["planned"], row["whole"]) == (400, 600)
    assert " drawn:baseline " in read_record(record(done)).estimates[0].signature


def test_a_dry_run_says_the_looks_and_asks_nothing(setting: Setting, tmp_path: Path) -> None:
    told = policy(tmp_path, "alike", "pairs")
    done = run(setting, tmp_path, "alike,pairs,worse", "--dry-run", told=told)
    assert done.code == 0
    assert "task   samples at most  looks  before the first" in done.out
    assert "Nothing was asked." in done.out
    assert [line.split()[:2] for line in done.out.splitlines() if line.startswith("total")] == [
        ["total", "1,500"]
    ]
    assert not (tmp_path / "out").exists()


def test_what_is_asked_whole_and_judged_once(setting: Setting, tmp_path: Path) -> None:
    told = policy(tmp_path, "worse", more="limits: [{task: alike, metric: acc, at_least: 0.5}]\n")
    done = run(setting, tmp_path, "worse,alike", told=told)
    assert done.code == 1
    assert "alike is run completely and judged once: the policy limits the run's own value" in done.err
    verdicts = {(row["task"], row["kind"]): row for row in manifest(done)["gate"]["verdicts"]}
    assert verdicts["worse", "loss"]["limit_loss"] == pytest.approx(0.01 / 2 / 10)
    # Once the loss is proven, the limit has all the false alarms that there are, at its one look.
    assert verdicts["alike", "limit"]["answer"] == "pass"
    assert verdicts["alike", "limit"]["limit_loss"] == pytest.approx(0.01)
    assert verdicts["alike", "limit"]["limit_margin"] == pytest.approx(0.05)
    assert {row["task"]: row["samples"] for row in manifest(done)["tasks"]} == {"worse": 50, "alike": 600}
    fair = tmp_path / "fair.yaml"
    fair.write_text("metrics: named\nrules: [{task: bias, metric: rate, fair: 0.5, margin: 0.5}]\n")
    done = run(setting, tmp_path, "bias", told=fair)
    assert (
        "bias is run completely and judged once: rate is gated by its distance from a fair value" in done.err
    )
    assert "look 1 of 1, 140 of 140 samples" in done.err
    assert manifest(done)["gate"]["verdicts"][0]["share"] == 1.0


def test_a_task_that_the_policy_asks_nothing_of_is_not_asked(setting: Setting, tmp_path: Path) -> None:
    done = run(setting, tmp_path, "worse,alike", told=policy(tmp_path, "worse"))
    assert "alike: the policy has no requirement for it, and it is not run." in done.err
    assert [row["task"] for row in manifest(done)["tasks"]] == ["worse"]


def test_shares_are_counted_over_what_was_asked(setting: Setting, tmp_path: Path) -> None:
    told = policy(tmp_path, "worse", more="shares: {missing: 0.0, nan: 0.0}\n")
    found = manifest(run(setting, tmp_path, "worse", told=told))["gate"]["verdicts"]
    assert [(row["kind"], row["answer"], row["look"]) for row in found] == [
        ("loss", "fail", 1), ("share", "pass", None), ("share", "pass", None),
    ]  # fmt: skip


def test_mistakes_are_one_sentence_before_anything_is_asked(setting: Setting, tmp_path: Path) -> None:
    told = policy(tmp_path, "worse")
    common = ["run", "--tasks", "worse", "--include", str(setting.tasks), "--model", "builtin:longest"]
    assert "name it with --baseline REC" in call(*common, "--gate", told).sentence()
    for option, value in (("--baseline", setting.baseline), ("--json", "x.json"), ("--across", "chat")):
        assert f"{option} is about a gate" in call(*common, option, value).sentence()
    assert "holds no record" in call(*common, "--gate", told, "--baseline", setting.tasks).sentence()
    assert (
        "gate init"
        in call(*common, "--gate", tmp_path / "no.yaml", "--baseline", setting.baseline).sentence()
    )

    def refused(*more: str | Path, tasks: str = "worse", told: Path = told) -> str:
        done = run(setting, tmp_path, tasks, *more, told=told)
        assert done.code == 2, (done.code, done.err)
        assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())
        return done.err.splitlines()[-1]

    assert "--across shoots" in refused("--across", "shoots")
    assert "--perturb with --gate" in refused("--perturb", "typos")
    assert "which --tasks does not name: name it" in refused(tasks="alike")
    assert "gates speed (decode)" in refused(told=policy(tmp_path, "worse", more="speed: [{of: decode}]"))
    fair = policy(tmp_path, "worse", more="")
    fair.write_text("metrics: named\nrules: [{task: worse, metric: acc, fair: 2, margin: 0.1}]")
    assert "the fair value 2, which it cannot have" in refused(told=fair)
    lost = policy(
        tmp_path, "worse", more="limits: [{task: alike, metric: acc, reference: nowhere, margin: 0.1}]"
    )
    assert "nowhere is no folder" in refused(tasks="worse,alike", told=lost)
    limits = policy(tmp_path, "worse", more="limits: [{task: elsewhere, metric: acc, at_least: 0.5}]")
    assert "the policy limits 'acc' of 'elsewhere'" in refused(told=limits)
    assert "the policy gates nothing of these tasks" in refused(told=policy(tmp_path, "none"))
    assert (
        "a gate of acc of small with 50 samples and 10 looks could not decide: even where no answer differs, a loss of "
        in refused(tasks="small", told=policy(tmp_path, "small"))
    )
    write_task(tmp_path / "more", "new", rows(20, 0, 0), **SCORE)
    new = [*common, "--tasks", "new", "--include", str(tmp_path / "more")]
    done = call(*new, "--gate", "pull-request", "--baseline", setting.baseline)
    assert "the baseline has not run new: run it with the baseline's model first" in done.sentence()
    # What the policy leaves out is not asked, whoever lacks it.
    told = policy(tmp_path, "worse")
    done = call(
        *new, "--tasks", "worse", "--gate", told, "--baseline", setting.baseline, "--out", tmp_path / "o"
    )
    assert done.code == 1
    assert "new: the policy has no requirement for it, and it is not run." in done.err
    worded = run_of("builtin:first", setting.tasks, tmp_path / "worded", "worse", "--perturb", "upper")
    done = run(Setting(setting.tasks, worded), tmp_path, "worse", told=Path("pull-request"))
    assert (
        'a run that may stop early has no perturbed wordings: give the policy the rule {task: "*@*"'
        in done.err
    )


def test_what_cannot_be_compared_is_said_before_anything_is_asked(setting: Setting, tmp_path: Path) -> None:
    done = run(setting, tmp_path, "worse", "--shots", "2")
    assert done.code == 4, done.err
    assert (
        "not comparable: worse: shots (0 against 2/first) differs between the baseline and this run"
        in done.err
    )
    assert "--across shots" in done.err
    assert run(setting, tmp_path, "worse", "--shots", "2", "--across", "shots").code == 1
    broken = with_manifest(setting.baseline, tmp_path, lambda content: content["tasks"][0].update(samples=7))
    done = run(Setting(setting.tasks, broken), tmp_path, content_of(broken))
    assert done.code == 4
    assert "The baseline is not what it says" in done.err
    early = record(run(setting, tmp_path, "alike", model="builtin:first"))
    done = run(Setting(setting.tasks, early), tmp_path, "alike")
    assert done.code == 4
    assert "alike: the baseline itself stopped early, at look" in done.err


def content_of(folder: Path) -> str:
    name: str = json.loads((folder / "manifest.json").read_text())["tasks"][0]["task"]
    return name


def test_nobody_takes_it_for_a_whole_run(setting: Setting, tmp_path: Path) -> None:
    early = record(run(setting, tmp_path, "worse"))
    done = call(
        "gate", "--baseline", setting.baseline, "--candidate", early, "--policy", policy(tmp_path, "worse")
    )
    assert done.code == 4
    assert "stopped (not there against 1/10) differs" in done.out
    done = call("leaderboard", setting.baseline, early, "--out", tmp_path / "site")
    assert done.code == 0, done.err
    page = (tmp_path / "site" / "index.html").read_text()
    assert "stopped at look 1 of 10" in page
    # A whole run stands before it.
    run_of("builtin:longest", setting.tasks, tmp_path / "out", "worse")
    assert call("leaderboard", tmp_path / "out", "--out", tmp_path / "other").code == 0
    assert "stopped at look" not in (tmp_path / "other" / "index.html").read_text()


def test_written_answers_of_a_tiny_model(tiny_llama: Path, tmp_path: Path, one_thread: None) -> None:
    """Generation and scoring of one real model against itself: no answer differs, and the model is loaded once."""
    questions = [{"id": f"q{at}", "question": f"{at} and the cat", "choices": ["yes", "no"], "answer": 0} for at in range(60)]  # fmt: skip
    write_task(
        tmp_path / "tasks", "say", questions, **{**GENERATE, "metrics": ["exact_match"], "max_tokens": 2}
    )
    write_task(tmp_path / "tasks", "choose", questions, **SCORE)
    write_task(tmp_path / "tasks", "read", questions, **PERPLEXITY)
    common: list[str | Path] = [
        "run",
        "--tasks",
        "say,choose,read",
        "--model",
        tiny_llama,
        "--include",
        tmp_path / "tasks",
        "--store",
        "none",
    ]
    baseline = call(*common, "--out", tmp_path / "base").record
    told = tmp_path / "wide.yaml"
    told.write_text("margin: {fraction: 0.3, relative: 0.5}\n")
    done = call(*common, "--out", tmp_path / "out", "--gate", told, "--baseline", baseline)
    assert done.code == 0, done.err
    assert done.err.count("load model") == 1
    assert (
        "read is run completely and judged once: byte_perplexity is not a mean of values with a known range"
        in done.err
    )
    content = manifest(done)
    assert content["gate"]["look"] < 10
    assert content["requests"]["computed"] == sum(row["samples"] for row in content["tasks"]) < 180
    assert call("record", "check", record(done)).code == 0
