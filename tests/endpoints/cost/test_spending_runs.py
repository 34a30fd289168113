"""Runs that cost money: what is charged never passes the limit, what was answered is kept, and the record says what was spent."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openai_server import FAULTS, Ask, Body, Server, completion, prompt_of, serving, words

from lsm_eval.endpoints.cost.ledger import Ledger
from lsm_eval.endpoints.cost.prices import Prices, Rates, flat
from lsm_eval.endpoints.cost.spending_limit import SpendingLimit
from lsm_eval.endpoints.cost.usage import Usage
from lsm_eval.endpoints.model import EndpointModel
from lsm_eval.endpoints.retry_policy import RetryPolicy
from lsm_eval.errors import BudgetSpent
from lsm_eval.models.base import EndpointOptions
from lsm_eval.money import exact, read_dollars
from lsm_eval.requests import Generate, Generated, Request
from lsm_eval.results.cost_rows import CostRow
from lsm_eval.results.reader import read_record

PRICES = Prices((Rates(flat(20), flat(80), flat(5), flat(20), flat(80)),), "a test")
QUICK = RetryPolicy(first_wait=0.01, longest_wait=0.05, attempt_seconds=2.0)


class Till:
    """Answers, and adds up what each answer costs, whether it arrives or not."""

    def __init__(self, least: float = 0.0) -> None:
        self.bill, self._draw, self._least = 0, random.Random(3), least

    def __call__(self, body: Body) -> Any:
        sent = len(json.dumps(body, ensure_ascii=False).encode()) + 64
        read = self._draw.randint(int(sent * self._least), sent)
        new = self._draw.randint(max(int(body["max_tokens"] * self._least), 2), body["max_tokens"])
        cached = self._draw.randint(0, read // 4)
        self.bill += PRICES.cost(Usage(read, new, cached))
        whole = completion(body, f"{words(prompt_of(body))} {'x ' * new}", tokens=new)
        whole["usage"] = {
            "prompt_tokens": read, "completion_tokens": new, "prompt_tokens_details": {"cached_tokens": cached}
        }  # fmt: skip
        return whole


def _spend(
    server: Server,
    requests: list[Request],
    limit: int,
    most: int,
    start: float,
    retry_policy: RetryPolicy = QUICK,
) -> tuple[EndpointModel, dict[int, Any], bool]:
    model = EndpointModel("small", EndpointOptions(server.url, max_concurrency=most), retry_policy)
    model._sites[0].replica.limiter.limit = start
    model.account.prices = PRICES
    model.account.spending_limit = SpendingLimit(limit, Ledger(None, "a"))
    found: dict[int, Any] = {}
    try:
        for batch in model.answer(requests):
            found.update(batch)
    except BudgetSpent:
        return model, found, True
    return model, found, False


def test_the_limit_holds_with_a_thousand_under_way() -> None:
    till = Till(least=0.6)
    requests: list[Request] = [Generate(f"what is {n}", max_tokens=50, chat=True) for n in range(3000)]
    with serving(answer=till, seconds=0.4, keep=False) as server:
        model, found, ended = _spend(server, requests, 14_000_000, 1000, 1000.0, RetryPolicy())
        assert server.most > 900
    assert ended
    spending_limit = model.account.spending_limit
    assert spending_limit is not None
    assert till.bill == spending_limit.spent == model.account.tally.spent
    assert 13_980_000 < till.bill <= 14_000_000
    assert sum(isinstance(one, Generated) for one in found.values()) == model.account.tally.tries, (
        "all that was paid is there"
    )


@pytest.mark.parametrize("limit", [200_000, 10**9])
def test_what_failed_and_was_charged_counts(limit: int) -> None:
    """Whatever becomes of an answer on its way: the bill is never above what is counted, nor that above the limit."""
    free = {"429", "429 with Retry-After", "500", "503"}
    faults = tuple(one for one in FAULTS if one not in free | {"stall"})
    till = Till()
    requests: list[Request] = [Generate(f"what is {n}", max_tokens=20, chat=True) for n in range(120)]
    with serving(answer=till, fault_rate=0.3, faults=faults) as server:
        model, found, ended = _spend(server, requests, limit, 32, 20.0)
    spending_limit, tally = model.account.spending_limit, model.account.tally
    assert spending_limit is not None
    assert till.bill <= spending_limit.spent == tally.spent <= limit
    assert tally.assumed > 0
    assert ended is (limit == 200_000)
    assert ended or len(found) == 120


@pytest.mark.usefixtures("no_quotas")
@pytest.mark.parametrize("fault", ["429", "500", "503"])
def test_what_was_turned_away_is_free(fault: str) -> None:
    till = Till()
    requests: list[Request] = [Generate(f"what is {n}", max_tokens=20, chat=True) for n in range(8)]
    with serving() as server:
        server.answer = lambda body: (
            (int(fault), {"error": "not now"}, {}) if len(server.bodies) in (3, 4) else till(body)
        )
        model, found, _ = _spend(server, requests, 10**9, 8, 8.0)
        assert len(server.bodies) == 10
    assert len(found) == 8
    assert (model.account.tally.tries, model.account.tally.assumed) == (8, 0)


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    path = tmp_path / "prices.yaml"
    path.write_text("small: {input: 20, output: 80, cached-input: 5}\n")
    return path


def _cost(done: Any) -> CostRow:
    found = read_record(done.record).manifest.cost
    assert found is not None
    return found


def _dear(body: Body) -> Any:
    """An answer that costs $0.00136: 60 tokens in, 2 out."""
    whole = completion(body, words(prompt_of(body)))
    whole["usage"] = {"prompt_tokens": 60, "completion_tokens": 2, "total_tokens": 62}
    return whole


def test_it_ends_cleanly_and_goes_on(server: Server, ask: Ask, prices: Path, own_cache: Path) -> None:
    """24 requests that cost $0.00136 each, and at most $0.004 or so, after a probe of $0.00022 a request (3 tokens in, 2 out)."""
    server.answer = _dear
    first = ask(server, "--max-cost", "0.02", "--prices", prices)
    assert first.code == 5, first.err
    said = first.err.splitlines()[-1]
    assert said.startswith("lsm-eval: --max-cost 0.02: $0.01"), said
    assert "the next request can cost $0.00" in said
    assert "give a higher --max-cost to the same command" in said
    assert "all answers so far are kept in" in said
    asked = len(server.bodies)
    assert 3 < asked < 24
    probes = len(server.probes)
    again = ask(server, "--max-cost", "0.02", "--prices", prices)
    assert again.code == 5
    assert "of it by the same command before" in again.err
    assert len(server.bodies) == asked, "the spending_limit does not open anew"
    assert len(server.probes) == probes > 5, "what the probe found is kept, and paid for once"
    done = ask(server, "--max-cost", "1", "--prices", prices)
    assert done.code == 0, done.err
    assert len(server.bodies) == 24, "nothing is asked twice"
    cost = _cost(done)
    left = 24 - asked
    assert cost.limit == "1"
    assert cost.before == exact((asked * (60 * 20 + 2 * 80) + probes * (3 * 20 + 2 * 80)) * 10**6)
    assert cost.dollars == exact(left * (60 * 20 + 2 * 80) * 10**6)
    (row,) = cost.models
    assert (row.role, row.charged, row.assumed) == ("model", left, 0)
    assert row.tokens == {"input": 60 * left, "cached": 0, "output": 2 * left, "reasoning": 0}
    assert (row.prices or "").startswith("prices.yaml (SHA-256 ")
    assert row.per_million == {"input": "20", "output": "80", "cached-input": "5"}
    (line,) = [line for line in done.out.splitlines() if line.startswith("cost: ")]
    assert "of at most $1.00, beside $0.01" in line
    assert f"{60 * left:,} tokens in, {2 * left:,} out, prices of prices.yaml" in line


def test_another_command_has_a_purse_of_its_own(server: Server, ask: Ask, prices: Path) -> None:
    server.answer = _dear
    options = ("--max-cost", "0.02", "--prices", prices)
    assert ask(server, *options).code == 5
    other = ask(server, *options, "--limit", "5")
    assert other.code == 0, other.err
    assert _cost(other).before == "0"
    same = ask(server, *options, "--max-concurrency", "3", "--name", "other")
    assert "by the same command before" in same.err


def test_no_answer_to_pay_for(server: Server, ask: Ask, prices: Path) -> None:
    assert ask(server).code == 0
    done = ask(server, "--max-cost", "0", "--prices", prices)
    assert done.code == 0, done.err
    assert _cost(done).dollars == "0"
    assert "cost: " not in done.out


def test_without_a_price(server: Server, ask: Ask) -> None:
    done = ask(server)
    assert _cost(done).dollars is None
    asked = 24 + len(server.probes)
    assert f"cost: no price known ({3 * asked} tokens in, {2 * asked} out)" in done.out, (
        "the probe is asked, too"
    )
    server.bodies.clear()
    refused = ask(server, "--max-cost", "5", "--limit", "7").sentence()
    assert "no price is known for openai:small at its address" in refused
    assert '`"small": {input: 2.00, output: 8.00}`' in refused
    assert server.bodies == []


def test_a_server_that_does_not_count(server: Server, ask: Ask, prices: Path) -> None:
    def silent(body: Body) -> Any:
        whole = completion(body, "yes")
        del whole["usage"]
        return whole

    server.answer = silent
    done = ask(server, "--prices", prices, "--limit", "5")
    (row,) = _cost(done).models
    assert row.assumed == row.charged - len(server.probes) == 6, "the first is asked twice: others may count"
    assert row.tokens["input"] == 3 * len(server.probes), "which counts"
    assert row.dollars_assumed is not None
    assert Decimal(row.dollars or 0) - Decimal(row.dollars_assumed) == Decimal("0.00022") * len(server.probes)
    assert Decimal(row.dollars or 0) > Decimal("0.01")
    assert "6 tries without a count, $0.0" in done.out


def test_a_dry_run_says_the_most(server: Server, ask: Ask, prices: Path) -> None:
    done = ask(server, "--dry-run", "--prices", prices)
    assert done.code == 0, done.err
    line = done.out.splitlines()[-1]
    assert line.startswith("openai:small: $0.")
    assert "at most, at a token for each byte that is sent" in line
    unknown = ask(server, "--dry-run")
    assert unknown.code == 0
    assert "openai:small: no price known" in unknown.out.splitlines()[-1]
    assert server.headers == []
    most = read_dollars(line.removeprefix("openai:small: ").split(" ")[0], "")
    whole = ask(server, "--prices", prices)
    assert 0 < read_dollars(_cost(whole).dollars or "", "") < most


def _hosted(small_tasks: Path, out: Path, *more: str) -> Any:
    from command_line import call

    return call(
        "run", "--tasks", "say", "--include", small_tasks, "--out", out, "--model", "openai:gpt-4.1", "--base-url",
        "https://api.openai.com/v1", *more,
    )  # fmt: skip


def test_a_published_price_needs_no_file(small_tasks: Path, tmp_path: Path) -> None:
    done = _hosted(small_tasks, tmp_path, "--dry-run", "--max-cost", "5")
    assert done.code == 0, done.err
    line = done.out.splitlines()[-1]
    assert line.startswith("openai:gpt-4.1: $0.0")
    assert "(prices of genai-prices " in line
    assert line.endswith(", openai: gpt-4.1).")


def test_without_the_package_a_sentence_says_so(
    small_tasks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    for name in ("genai_prices", "genai_prices.data_snapshot", "genai_prices.types"):
        monkeypatch.setitem(sys.modules, name, None)
    said = _hosted(small_tasks, tmp_path, "--max-cost", "5").sentence()
    assert "no price is known for openai:gpt-4.1" in said
    assert "or install the package that knows those of many (pip install 'lsm-eval[endpoints]')." in said
    assert "no price known" in _hosted(small_tasks, tmp_path, "--dry-run").out


@pytest.mark.parametrize("option", [("--max-cost", "5"), ("--prices", "p.yaml")])
def test_without_a_server_there_is_nothing_to_pay(
    option: tuple[str, str], small_tasks: Path, tmp_path: Path
) -> None:
    from command_line import call

    named: list[str | Path] = [
        "--tasks",
        "say",
        "--include",
        small_tasks,
        "--out",
        tmp_path / "out",
        "--model",
        "builtin:says_no",
    ]
    assert f"{option[0]} is about models behind a server" in call("run", *named, *option).sentence()


def test_a_local_run_says_nothing_of_money(small_tasks: Path, tmp_path: Path) -> None:
    from command_line import call

    done = call(
        "run", "--tasks", "say", "--include", small_tasks, "--out", tmp_path / "out", "--model", "builtin:says_no"
    )  # fmt: skip
    assert "cost" not in json.loads((done.record / "manifest.json").read_text())


def test_a_killed_run_has_spent_what_it_took(
    prices: Path, small_tasks: Path, tmp_path: Path, own_cache: Path
) -> None:
    """Kill -9 while requests are under way: the next run counts what the server charged, or more."""
    import os
    import signal
    import subprocess
    import sys
    import time

    from command_line import call, environment

    till = Till()
    with serving(answer=till, seconds=0.15) as server:
        named: list[str | Path] = [
            "run", "--tasks", "say", "--include", small_tasks, "--out", tmp_path / "out", "--model", "openai:small",
            "--base-url", server.url, "--prices", prices, "--max-cost", "1", "--max-concurrency", "3",
        ]  # fmt: skip
        command = [sys.executable, "-m", "lsm_eval", *map(str, named)]
        process = subprocess.Popen(
            command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + 120
        while len(server.bodies) < 10 and time.monotonic() < end:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        time.sleep(0.3)
        charged, asked = till.bill, len(server.bodies)
        assert 10 <= asked < 24
        done = call(*named)
        assert done.code == 0, done.err
    before = read_dollars(_cost(done).before or "", "")
    charged *= 10**6  # the file's prices are those of dollars a million tokens
    assert charged <= before <= charged + 10**10 + 4 * 5 * 10**9
    assert len(server.bodies) <= 24 + 6, "what was under way is asked once more"


def test_how_choices_are_asked_is_not_known_in_a_dry_run(server: Server, ask: Ask, prices: Path) -> None:
    done = ask(server, "--dry-run", "--prices", prices, tasks="choose,say")
    most, more = done.out.splitlines()[-2:]
    assert most.startswith("openai:small: $")
    assert more.startswith("The first run with such tasks finds out whether choices")
    assert server.bodies == server.probes == []


def test_adapters_are_refused_before_the_base_is_paid_for(server: Server, ask: Ask) -> None:
    done = ask(server, "--adapter", "a", "--adapter", "b")
    assert "--adapter has no meaning for a model behind an endpoint" in done.sentence()
    assert server.headers == []
