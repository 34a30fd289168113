"""Several servers of one model: who is asked what, what is recorded, and what happens when one goes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from itertools import count, cycle
from typing import Any

import pytest
from openai_server import Ask, Body, Server, completion, prompt_of, serving, words
from simulated_server import simulate

from lsm_eval.endpoints.affinity import PrefixMemory, prefix_hashes
from lsm_eval.endpoints.fleet import Fleet
from lsm_eval.endpoints.limiter import Limiter
from lsm_eval.endpoints.model import EndpointModel
from lsm_eval.endpoints.outcome import Outcome, Retryable
from lsm_eval.endpoints.replica import Job, Replica
from lsm_eval.endpoints.retry_policy import RetryPolicy
from lsm_eval.endpoints.window import Window
from lsm_eval.errors import UserError
from lsm_eval.models.base import EndpointOptions
from lsm_eval.requests import Failure, Generate, Generated, Request, Response
from lsm_eval.results.reader import read_record

QUICK = RetryPolicy(first_wait=0.01, longest_wait=0.05)
VLLM = {"/v1/models": {"data": [{"id": "small", "root": "org/small", "created": 1}]}}


@pytest.fixture
def other() -> Iterator[Server]:
    with serving() as found:
        yield found


def _model(*servers: Server, **options: Any) -> EndpointModel:
    urls = [one.url for one in servers]
    return EndpointModel("small", EndpointOptions(urls[0], more_urls=tuple(urls[1:]), **options), QUICK)


def _ask(model: EndpointModel, requests: list[Request]) -> dict[int, Response]:
    found: dict[int, Response] = {}
    for batch in model.answer(requests):
        assert not found.keys() & batch.keys(), "nothing is answered twice"
        found |= batch
    assert sorted(found) == list(range(len(requests)))
    return found


def test_a_run_on_two_servers(server: Server, other: Server, ask: Ask) -> None:
    done = ask(server, "--base-url", other.url)
    assert done.code == 0, done.err
    record = read_record(done.record)
    asked = [prompt_of(body) for body in server.bodies + other.bodies]
    assert len(asked) == len(set(asked)) == 24, "each is asked once, at one of them"
    assert min(len(server.bodies), len(other.bodies)) >= 8
    model = record.manifest.model
    assert model.details["endpoint"] == f"{server.url}, {other.url}"
    assert [(one.url, one.answered, one.faults, one.outs) for one in model.servers] == [
        (server.url, len(server.bodies), {}, 0),
        (other.url, len(other.bodies), {}, 0),
    ]
    assert all(one.limits[0].why == "start" for one in model.servers)


def test_the_order_of_servers_is_no_other_model(server: Server, other: Server) -> None:
    assert _model(server, other).fingerprint() == _model(other, server).fingerprint()
    assert _model(server, other).fingerprint() != _model(server).fingerprint()


def test_a_replica_fewer_keeps_the_answers_where_servers_say_what_they_run(ask: Ask) -> None:
    with (
        serving(pages=dict(VLLM)) as one,
        serving(pages=dict(VLLM)) as two,
        serving(pages=dict(VLLM)) as three,
    ):
        assert ask(one, "--base-url", two.url, "--base-url", three.url).code == 0
        fewer = ask(three, "--base-url", one.url)
        assert read_record(fewer.record).manifest.requests["from_store"] == 24
        third = Server(pages={"/v1/models": {"data": [{"id": "small", "root": "org/large"}]}})
        with serving(third), pytest.raises(UserError, match=r"do not serve the same model .*small.*large"):
            _model(one, third).fingerprint()


def test_where_they_say_nothing_their_addresses_tell_them_apart(server: Server, other: Server) -> None:
    with serving() as third:
        assert _model(server, other).fingerprint() != _model(server, third).fingerprint()


def test_servers_of_other_versions_are_refused_by_name(server: Server, other: Server, ask: Ask) -> None:
    server.pages["/version"] = {"version": "0.9.1"}
    other.pages["/version"] = {"version": "0.9.2"}
    done = ask(server, "--base-url", other.url)
    assert done.code == 2
    for part in (server.url, other.url, "0.9.1", "0.9.2"):
        assert part in done.err
    assert not server.bodies + other.bodies


def test_a_server_that_has_another_model_ends_the_run_before_it_costs(server: Server, other: Server) -> None:
    other.answer = lambda body: (404, {"error": "no such model"}, {})
    with pytest.raises(UserError, match=f"{other.url}/chat/completions is not there"):
        _ask(_model(server, other), [Generate(str(at), chat=True) for at in range(100)])
    assert len(server.bodies + other.bodies) <= 4


def test_all_dead_is_one_sentence(ask: Ask) -> None:
    with serving() as one, serving() as two:
        pass
    done = ask(one, "--base-url", two.url)
    assert done.code == 2
    assert f"no server answers at {one.url}" in done.err


def test_one_that_is_not_there_is_left_out_by_name(server: Server, ask: Ask) -> None:
    with serving() as gone:
        pass
    done = ask(server, "--base-url", gone.url)
    assert done.code == 0, done.err
    assert f"no server answers at {gone.url}: it is left out until it answers." in done.err
    assert len(server.bodies) == 24


def test_a_server_that_dies_costs_no_request_a_try(server: Server) -> None:
    """The other one answers all; with one try a request nothing may be lost."""
    notes: list[str] = []
    with serving() as dying:

        def answer(body: Body) -> Any:
            if len(dying.bodies) == 30:
                dying.fault_rate, dying.faults = 1.0, ("reset before", "reset inside")
            return completion(body, words(prompt_of(body)))

        dying.answer = answer
        model = EndpointModel(
            "small", EndpointOptions(server.url, more_urls=(dying.url,)), RetryPolicy(tries=1), notes.append
        )
        found = _ask(model, [Generate(f"{at}", chat=True) for at in range(600)])
    assert all(isinstance(one, Generated) for one in found.values())
    assert any(f"{dying.url} is left out until it is there again (connection:" in note for note in notes)
    first, second = model.info.servers
    assert first.answered + second.answered == 600
    assert second.outs == 1
    assert second.faults["connection"] >= 3


class _Caching:
    """A server that reads a token in a millisecond, keeps the last prompts, and reads no beginning of theirs again."""

    def __init__(self, prompts: list[str], keeps: int = 40_000) -> None:
        self.prompts, self.keeps = prompts, keeps
        self.blocks: dict[str, None] = {}
        self.read = self.hit = 0
        self.gone = False

    async def attempt(self, job: Job, seconds: float) -> Outcome:
        if self.gone:
            await asyncio.sleep(0.001)
            return Retryable("connection", "refused", overload=True)
        prompt, new = self.prompts[job.place], 0
        for end in range(64, len(prompt) + 1, 64):
            known = prompt[:end] in self.blocks
            self.blocks.pop(prompt[:end], None)
            self.blocks[prompt[:end]] = None
            self.hit += 64 * known
            self.read += 64
            new += not known
        while len(self.blocks) > self.keeps // 64:
            del self.blocks[next(iter(self.blocks))]
        await asyncio.sleep(0.2 + 0.016 * new)
        return Generated("yes", 1, "stop")


def _hits(prompts: list[str], servers: int, *, affine: bool) -> tuple[float, float]:
    """Share of the prompts that was read before where they were sent, and seconds in all."""
    caches = [_Caching(prompts) for _ in range(servers)]
    replicas = [Replica(f"http://{at}", Limiter(16), one.attempt) for at, one in enumerate(caches)]

    async def main() -> float:
        fleet = Fleet(replicas, (lambda place: prompts[place]) if affine else None)
        turn = cycle(caches)

        async def next_one(job: Job, seconds: float) -> Outcome:
            return await next(turn).attempt(job, seconds)

        window = (
            Window(iter(range(len(prompts))), fleet, RetryPolicy())
            if affine
            else Window(
                iter(range(len(prompts))),
                Fleet([Replica("", Limiter(16 * servers), next_one)]),
                RetryPolicy(),
            )
        )
        while not window.finished:
            await window.take(1.0)
        await window.close()
        return asyncio.get_running_loop().time()

    took = simulate(main())
    return sum(one.hit for one in caches) / sum(one.read for one in caches), took


def test_prompts_that_share_a_beginning_go_to_the_server_that_read_it() -> None:
    """300 texts of 4,000 characters with eight questions each, behind the same 2,000 characters of instructions."""
    shared = "Instructions. " * 143
    prompts = [
        f"{shared[:2000]}{f'text {text} ' * 400}"[:6000] + f" Question {at}: {'why ' * 20}"
        for text in range(300)
        for at in range(8)
    ]
    (ours, quick), (turns, slow) = (_hits(prompts, 4, affine=affine) for affine in (True, False))
    assert ours > 0.88  # 2,000 of 6,000 characters by the instructions alone, and seven questions of eight
    assert turns < 0.75
    assert quick < 0.75 * slow


def test_one_beginning_for_all_is_no_reason_to_leave_servers_idle() -> None:
    prompts = [f"{'The same instructions. ' * 100} Question {at}?" for at in range(2000)]
    (ours, quick), (_, slow) = (_hits(prompts, 4, affine=affine) for affine in (True, False))
    assert ours > 0.9
    assert quick < 1.05 * slow


def test_a_server_is_taken_out_and_tried_again() -> None:
    prompts = [str(at) for at in range(100_000)]
    servers = [_Caching(prompts) for _ in range(3)]
    replicas = [Replica(f"http://{at}", Limiter(10), one.attempt) for at, one in enumerate(servers)]
    looks: list[float] = []

    async def main() -> dict[int, Response]:
        loop = asyncio.get_running_loop()

        async def look() -> bool:
            looks.append(loop.time())
            return not servers[1].gone

        replicas[1].look = look
        loop.call_at(20, setattr, servers[1], "gone", True)
        loop.call_at(60, setattr, servers[1], "gone", False)
        window = Window(count(), Fleet(replicas, lambda at: prompts[at]), RetryPolicy(tries=1))
        found: dict[int, Response] = {}
        while loop.time() < 150:
            found |= await window.take(1.0)
            if 59 < loop.time() < 60:
                before.append(replicas[1].answered)
        await window.close()
        return found

    before: list[int] = []
    found = simulate(main())
    assert not [one for one in found.values() if isinstance(one, Failure)]
    assert replicas[1].outs == 1
    assert replicas[1].live
    assert [round(at - looks[0]) for at in looks] == [0, 10, 30, 70], "5, 10, 20, 40 s after the one before"
    assert replicas[1].answered > before[0] + 1500


def test_a_server_that_comes_back_as_another_version_stays_out(server: Server, other: Server) -> None:
    from lsm_eval.endpoints.address import read_address
    from lsm_eval.endpoints.key import Key
    from lsm_eval.endpoints.same import still_the_same
    from lsm_eval.endpoints.server import Server as Discovery

    known = Discovery("test/1")
    there = [
        asyncio.run(still_the_same(read_address(one.url), Key(), "small", known)) for one in (server, other)
    ]
    assert there == [True, True]
    other.name = "test/2"
    assert asyncio.run(still_the_same(read_address(other.url), Key(), "small", known)) is None


def test_marks_of_a_prompt_are_those_of_its_beginnings() -> None:
    long = "".join(chr(97 + at % 26) for at in range(10_000))
    other = long[:5000] + "X" + long[5001:]
    memory = PrefixMemory()
    assert memory.matched(prefix_hashes(long)) == 0
    memory.add(prefix_hashes(long))
    assert memory.matched(prefix_hashes(long)) == len(prefix_hashes(long)) == 40
    assert memory.matched(prefix_hashes(other)) == 5000 // 256
    assert prefix_hashes("") == [0]
    for at in range(2000):
        memory.add(prefix_hashes(f"{at} " * 800))
    assert memory.matched(prefix_hashes(long)) == 0, "what is long ago is forgotten"


def test_old_records_have_no_servers(server: Server, ask: Ask) -> None:
    record = ask(server).record
    content = json.loads((record / "manifest.json").read_text())
    assert [set(row) for row in content["model"]["servers"]] == [
        {"url", "answered", "faults", "outs", "limits"}
    ]
    del content["model"]["servers"]
    (record / "manifest.json").write_text(json.dumps(content))
    assert read_record(record).manifest.model.servers == []
