"""`lsm-eval run --gate` of a model behind a server: no money, no answers, cut answers and other budgets are never a pass."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import GENERATE, Outcome, call, write_task
from openai_server import Body, Server, completion, prompt_of, serving

ROWS = [{"question": f"what is {n}", "choices": ["yes", "no"], "answer": n % 2} for n in range(300)]
RIGHT = {f"{row['question']}?": ("yes", "no")[n % 2] for n, row in enumerate(ROWS)}
Answer = Callable[[Body], Any]


def right(body: Body) -> Any:
    return completion(body, RIGHT.get(prompt_of(body), "yes"), tokens=2)


def cut_off(body: Body) -> Any:
    return completion(body, f"{RIGHT.get(prompt_of(body), 'yes')} and", finish="length", tokens=8)


def lost_in_thought(body: Body) -> Any:
    return completion(body, "<think>now this is", finish="length", tokens=8)


def refused(body: Body) -> Any:
    return 400, {"error": {"message": "against our policy"}}, {}


class Gated:
    """Runs of a task of 300 questions whose baseline is right each time."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder, self.server = folder, server
        self.prices = folder / "prices.yaml"
        self.prices.write_text("small: {input: 20, output: 80}\n")
        task = {**GENERATE, "stop": ["\n"], "metrics": ["exact_match"]}
        for name in ("first", "second"):
            write_task(folder / "tasks", name, ROWS, **task)
        self.baseline = self.of(right).record

    def of(self, answer: Answer, *more: str | Path, tasks: str = "first") -> Outcome:
        """A run whose requests are answered so."""
        self.server.answer = answer
        self.server.bodies.clear()
        self.server.probes.clear()
        return call(
            "run", "--tasks", tasks, "--include", self.folder / "tasks", "--out", self.folder / "out",
            "--model", "openai:small", "--base-url", self.server.url, "--chat", "on", "--store", "none", *more,
        )  # fmt: skip

    def gate(self, answer: Answer, *more: str | Path, baseline: Path | None = None) -> Outcome:
        """One with a gate."""
        return self.of(answer, "--gate", "pull-request", "--baseline", baseline or self.baseline, *more)


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gated]:
    folder = tmp_path_factory.mktemp("gated")
    with pytest.MonkeyPatch.context() as patch, serving() as server:
        patch.setenv("LSM_EVAL_CACHE", str(folder / "cache"))
        yield Gated(folder, server)


def test_money_that_ends_in_the_middle_is_no_verdict(gated: Gated, tmp_path: Path) -> None:
    paid: list[str | Path] = ["--prices", gated.prices, "--json", tmp_path / "gate.json"]
    records = set((gated.folder / "out").glob("*/*"))
    done = gated.gate(right, "--max-cost", "0.02", *paid)
    assert done.code == 5, done.err
    assert 30 <= len(gated.server.bodies) < 300
    said = done.err.splitlines()[-1]
    assert said.startswith("lsm-eval: --max-cost 0.02: $0.0")
    assert said.endswith(
        ": give a higher --max-cost to the same command, which begins anew: nothing is kept (--store none); the gate has no verdict."
    )
    assert done.out == ""
    assert not (tmp_path / "gate.json").exists()
    assert set((gated.folder / "out").glob("*/*")) == records, "there is no record of half a run"
    kept = gated.gate(right, "--max-cost", "0.02", *paid, "--store", tmp_path / "store")
    assert kept.code == 5
    on = f"which goes on from there: all answers so far are kept in {tmp_path / 'store'}; the gate has no verdict."
    assert on in kept.err
    asked = len(gated.server.bodies)
    whole = gated.gate(right, "--max-cost", "2", *paid, "--store", tmp_path / "store")
    assert whole.code == 0, whole.err
    assert json.loads((tmp_path / "gate.json").read_text())["answer"] == "pass"
    assert len(gated.server.bodies) <= 240 - asked + 1, "what was paid is not asked again"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (cut_off, "0 % of the baseline's and 100 % of the candidate's answers are cut, and 5 % may differ"),
        (lost_in_thought, "30 of 30 samples (100 %) failed in one run or both (candidate: 30 truncated)"),
        (refused, "30 of 30 samples (100 %) failed in one run or both (candidate: 30 refused)"),
    ],
)  # fmt: skip
def test_answers_that_are_none_are_no_pass(gated: Gated, answer: Answer, why: str) -> None:
    done = gated.gate(answer)
    assert done.code == 4, done.err
    assert f"not comparable: first: {why}" in done.out
    assert "NOT COMPARABLE." in done.out
    assert len(gated.server.bodies) == 30, "what comes cannot make up for it"


def test_a_few_cut_answers_are_judged(gated: Gated) -> None:
    few = {f"what is {n}?" for n in range(0, 300, 60)}
    done = gated.gate(lambda body: (lost_in_thought if prompt_of(body) in few else right)(body))
    assert done.code == 0, done.err
    assert "samples failed in one run or both, and are in no pair." in done.out


def test_a_baseline_without_answers_is_refused_before_anything_is_asked(gated: Gated) -> None:
    for answer, why in ((lost_in_thought, "truncated"), (refused, "refused")):
        baseline = gated.of(answer).record
        done = gated.gate(right, baseline=baseline)
        assert done.code == 4, done.err
        assert done.err.splitlines()[-1] == (
            f"lsm-eval: not comparable: first: 300 of 300 samples failed in the baseline (300 {why}), so that no run can be compared "
            "with it: see why, and run it again."
        )
        assert not gated.server.bodies + gated.server.probes


def test_a_task_that_nobody_answered_is_not_passed_by_another(gated: Gated) -> None:
    def second_lost(body: Body) -> Any:
        return (right if body["max_tokens"] == 8 else lost_in_thought)(body)

    path = gated.folder / "tasks" / "second.yaml"
    path.write_text(path.read_text().replace("max_tokens: 8", "max_tokens: 9"))
    records = [gated.of(second_lost, tasks="first,second").record for _ in range(2)]
    done = call("gate", "--baseline", records[0], "--candidate", records[1])
    assert done.code == 4, done.out
    assert (
        "not comparable: second: all 300 samples failed in one run or both (baseline: 300 truncated, candidate: 300 truncated), and none is "
        "left to compare: see why, and run them again." in done.out
    )


@pytest.mark.parametrize(("name", "value"), [("reasoning-tokens", "50"), ("reasoning-effort", "low")])
def test_other_budgets_are_compared_where_that_is_said(gated: Gated, name: str, value: str) -> None:
    part = name.replace("-", "_")
    done = gated.gate(right, f"--{name}", value)
    assert done.code == 4, done.err
    assert (
        f"lsm-eval: not comparable: first: {part} (not there against {value}) differs between the baseline and this run: run both alike, "
        f"or say with --across {part} that it is to differ." in done.err
    )
    assert not gated.server.bodies + gated.server.probes
    # What the sentence says to do can be done.
    assert gated.gate(right, f"--{name}", value, "--across", part).code == 0
    alike = gated.of(right, f"--{name}", value).record
    assert gated.gate(right, f"--{name}", value, baseline=alike).code == 0
    wrong = gated.gate(right, "--across", "budget")
    assert wrong.code == 2
    assert "--across budget: no signature of these records has such a part; it is one of" in wrong.err
