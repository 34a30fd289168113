"""`lsm-eval run --gate` on metrics that only come to light with the samples (groups, several k, and their limits), and on shares."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import GENERATE, SCORE, Outcome, call, write_task
from gate_runs import rows, run_of


@pytest.fixture(autouse=True)
def _cache(own_cache: Path) -> None:
    """Every test has its own cache."""


def gated(
    folder: Path, told: str, *more: str | Path, model: str | Path = "builtin:first", tasks: str = "t"
) -> Outcome:
    path = folder / "policy.yaml"
    path.write_text(told)
    return call(
        "run", "--tasks", tasks, "--model", model, "--include", folder / "tasks", "--out", folder / "out", "--gate", path,
        *more,
    )  # fmt: skip


def test_a_group_is_looked_at(tmp_path: Path) -> None:
    task = {**SCORE, "metrics": [{"acc": {"by": "passage"}}], "metadata": {"passage": "{{ passage }}"}}
    write_task(tmp_path / "tasks", "t", rows(600, 0, 0), **task)
    baseline = run_of("builtin:first", tmp_path / "tasks", tmp_path / "base")
    told = "metrics: named\nrules: [{task: t, metric: 'acc[p1]', margin: 0.1}]\n"
    done = gated(tmp_path, told, "--baseline", baseline)
    assert done.code == 0, done.err
    assert "t, acc[p1]: pass" in done.err
    # With another prompt by intention samples are matched by their id alone, in a group too.
    done = gated(tmp_path, told, "--baseline", baseline, "--shots", "1")
    assert done.code == 4
    assert "shots (0 against 1/first) differs" in done.err
    done = gated(tmp_path, told, "--baseline", baseline, "--shots", "1", "--across", "shots")
    assert done.code == 0, done.err


def test_further_k_are_looked_at_and_limited(tiny_llama: Path, tmp_path: Path, one_thread: None) -> None:
    task = {**GENERATE, "max_tokens": 1, "draws": {"n": 2}, "metrics": [{"pass@k": {"k": [1, 2]}}]}
    questions = [{"id": f"q{at}", "question": f"{at} and", "choices": ["yes", "no"], "answer": 0} for at in range(60)]  # fmt: skip
    write_task(tmp_path / "tasks", "t", questions, **task)
    base = call(
        "run",
        "--tasks",
        "t",
        "--model",
        tiny_llama,
        "--include",
        tmp_path / "tasks",
        "--out",
        tmp_path / "base",
    ).record
    told = "metrics: named\nrules: [{task: t, metric: 'pass@2', margin: 0.3}]\n"
    done = gated(tmp_path, told, "--baseline", base, model=tiny_llama)
    assert done.code == 0, (done.out, done.err)
    assert "t, pass@2: pass" in done.err
    told = "metrics: named\nlimits: [{task: t, metric: 'pass@2', at_most: 0.3}]\n"
    done = gated(tmp_path, told, "--baseline", base, model=tiny_llama)
    assert done.code == 0, (done.out, done.err)
    assert "pass@2" in done.out


@pytest.mark.parametrize("margin", [0.0, 0.1])
def test_a_group_that_is_not_asked_is_refused(tmp_path: Path, margin: float) -> None:
    task = {**SCORE, "metrics": [{"acc": {"by": "passage"}}], "metadata": {"passage": "{{ passage }}"}}
    write_task(tmp_path / "tasks", "t", rows(30, 0, 0), **task)
    baseline = run_of("builtin:first", tmp_path / "tasks", tmp_path / "base")
    told = f"metrics: named\nrules: [{{task: t, metric: 'acc[p2]', margin: {margin}}}]\n"
    # The first two samples are of other groups.
    done = gated(tmp_path, told, "--baseline", baseline, "--limit", "2", "--from-start")
    assert "a gate of acc[p2] of t could not decide" in done.sentence()
    assert "none of the run's samples has a value in the baseline" in done.err


def test_a_share_and_a_whole_task_are_told_apart_before_anything_is_asked(tmp_path: Path) -> None:
    data = [row | {"passage": f"p{at // 5}"} for at, row in enumerate(rows(300, 0, 0))]
    write_task(tmp_path / "tasks", "t", data, **SCORE, cluster="{{ passage }}")
    (tmp_path / "tasks" / "part.yaml").write_text(
        "suite: part\ntitle: Part\ntasks: [{task: t, limit: 100, each: 2}]\n"
    )
    baseline = run_of("builtin:first", tmp_path / "tasks", tmp_path / "base", "part")
    told = "margin: {fraction: 0.2}\n"
    done = gated(tmp_path, told, "--baseline", baseline)
    assert done.code == 4
    assert "t: its samples have different weights in the baseline and in this run" in done.err
    assert done.out == ""
    done = gated(tmp_path, told, "--baseline", baseline, tasks="part")
    assert done.code == 0, done.err
    assert "t is run completely and judged once: its samples have unequal weights" in done.err


def test_a_group_of_what_a_judge_says_is_judged_once(tmp_path: Path) -> None:
    data = [
        {"question": f"what is {at}", "kind": "ab"[at % 2], "choices": ["yes", "no"], "answer": 0}
        for at in range(80)
    ]
    metrics = [{"exact_match": {"by": "kind"}}, {"judged_refusal": {"by": "kind"}}]
    task = {**GENERATE, "metadata": {"kind": "{{ kind }}"}, "metrics": metrics}
    write_task(tmp_path / "tasks", "t", data, **task)
    judged = ("--judge", "builtin:first")
    baseline = run_of("builtin:says_no", tmp_path / "tasks", tmp_path / "base", "t", *judged)
    told = "metrics: named\nrules: [{task: t, metric: 'judged_refusal[a]', margin: 0.3, direction: lower}]\n"
    done = gated(tmp_path, told, "--baseline", baseline, model="builtin:says_no")
    assert "the policy gates judged_refusal[a] of t, which asks a judge" in done.sentence()
    done = gated(tmp_path, told, "--baseline", baseline, *judged, model="builtin:says_no")
    assert done.code == 0, (done.out, done.err)
    assert "t is run completely and judged once: judged_refusal[a] needs a judge" in done.err
    # Looks at a group of another metric do not ask the judge.
    told = "metrics: named\nrules: [{task: t, metric: 'exact_match[a]', margin: 0.3}]\n"
    done = gated(tmp_path, told, "--baseline", baseline, *judged, model="builtin:says_no")
    assert done.code == 0, (done.out, done.err)
    assert "t, exact_match[a]: pass" in done.err


def test_signatures_that_the_samples_decide_are_known_before(tmp_path: Path) -> None:
    """BLEU's, chrF's and TER's name the number of references."""
    metrics = ["bleu", "chrf", {"ter": {"by": "passage"}}]
    task = {**GENERATE, "metrics": metrics, "metadata": {"passage": "{{ passage }}"}}
    write_task(tmp_path / "tasks", "t", rows(40, 0, 0), **task)
    baseline = run_of("builtin:says_no", tmp_path / "tasks", tmp_path / "base")
    told = "rules:\n" + "".join(
        f"  - {{task: t, metric: {name}, margin: 90}}\n" for name in ("bleu", "chrf", "ter")
    )
    done = gated(tmp_path, told, "--baseline", baseline, model="builtin:says_no")
    assert done.code == 0, (done.out, done.err)
    assert all(f"t     {name}" in done.out for name in ("bleu", "chrf", "ter")), done.out
