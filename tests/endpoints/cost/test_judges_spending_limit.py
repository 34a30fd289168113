"""Which spending limit a run with a judge behind servers draws on: that of the same command, however its servers were named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from command_line import GENERATE, Outcome, call, write_task
from openai_server import Body, Server, completion, prompt_of, serving

from lsm_eval.results.reader import read_record


@pytest.fixture
def judges() -> Iterator[list[Server]]:
    pages = {"/v1/models": {"data": [{"id": "big", "owned_by": "vllm", "root": "some/weights"}]}}

    def verdict(body: Body) -> Body:
        return completion(body, "Yes." if len(prompt_of(body)) % 2 else "no")

    with ExitStack() as stack:
        yield [
            stack.enter_context(serving(name="judge/1", answer=verdict, pages=dict(pages))) for _ in range(3)
        ]


def test_it_is_the_judge_s_own_whatever_the_order_of_its_servers(
    judges: list[Server], tmp_path: Path
) -> None:
    rows = [{"question": f"what is {n}", "answer": "yes"} for n in range(5)]
    fields = {**GENERATE, "target": "{{ answer }}", "metrics": ["exact_match", "judged_refusal"]}
    write_task(tmp_path / "tasks", "talk", rows, **fields)
    prices = tmp_path / "prices.yaml"
    prices.write_text("big: {input: 20, output: 80}\n")

    def run(*servers: Server) -> Outcome:
        return call(
            "run", "--tasks", "talk", "--include", tmp_path / "tasks", "--out", tmp_path / "out", "--model",
            "builtin:says_no", "--judge", "openai:big", *(p for one in servers for p in ("--judge-base-url", one.url)),
            "--max-cost", "1", "--prices", prices, "--store", tmp_path / "store",
        )  # fmt: skip

    def before(done: Outcome) -> str:
        assert done.code == 0, done.err
        cost = read_record(done.record).manifest.cost
        assert cost is not None
        assert cost.before is not None
        return cost.before

    one, two, three = judges
    assert before(run(one, two)) == "0"
    spent = before(run(two, one))
    assert float(spent) > 0
    assert float(before(run(three, two))) >= float(spent), "a replica in another's place is the same judge"
    # One server alone is another model to us, as it is where it is asked itself.
    assert before(run(one)) == "0"
    one.pages["/v1/models"]["data"][0]["root"] = two.pages["/v1/models"]["data"][0]["root"] = "other/weights"
    assert before(run(one, two)) == "0"
