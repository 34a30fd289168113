"""Servers that go, come back or differ, at whatever moment: nothing is lost, and no number hangs on who was asked."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from typing import Any

import pytest
from openai_server import Ask, Body, Server, completion, prompt_of, serving, words
from simulated_server import simulate

from lsm_eval.endpoints.address import read_address
from lsm_eval.endpoints.fleet import Fleet
from lsm_eval.endpoints.key import Key
from lsm_eval.endpoints.limiter import Limiter
from lsm_eval.endpoints.model import EndpointModel
from lsm_eval.endpoints.outcome import Outcome, Retryable
from lsm_eval.endpoints.replica import Job, Replica
from lsm_eval.endpoints.retry_policy import RetryPolicy
from lsm_eval.endpoints.same import still_the_same
from lsm_eval.endpoints.server import Server as Discovery
from lsm_eval.endpoints.server import known_server
from lsm_eval.endpoints.window import Window
from lsm_eval.errors import UserError
from lsm_eval.models.base import EndpointOptions
from lsm_eval.requests import Failure, Generate, Generated, Request, Response

QUICK = RetryPolicy(first_wait=0.01, longest_wait=0.05)


def _model(*servers: Server, notes: list[str] | None = None, **options: Any) -> EndpointModel:
    urls = [one.url for one in servers]
    note = (lambda text: None) if notes is None else notes.append
    return EndpointModel("small", EndpointOptions(urls[0], more_urls=tuple(urls[1:]), **options), QUICK, note)


def _fill(found: dict[int, Response], model: EndpointModel, requests: list[Request]) -> None:
    for batch in model.answer(requests):
        found |= batch


def _lists(context: int) -> dict[str, Any]:
    return {"/v1/models": {"data": [{"id": "small", "root": "org/small", "max_model_len": context}]}}


def test_servers_that_read_less_are_refused_by_name() -> None:
    with (
        serving(pages=_lists(4096)) as one,
        serving(pages=_lists(2048)) as two,
        pytest.raises(
            UserError, match=rf"{one.url} and {two.url} do not have the same context .*4,096.*2,048"
        ),
    ):
        _model(one, two).fingerprint()


def test_one_that_comes_back_with_another_context_stays_out() -> None:
    with serving(pages=_lists(4096)) as one:
        address = read_address(one.url)
        known = asyncio.run(known_server(address, Key(), "small"))
        assert asyncio.run(still_the_same(address, Key(), "small", known)) is True
        one.pages = _lists(2048)
        assert asyncio.run(still_the_same(address, Key(), "small", known)) is None


def test_one_that_still_loads_is_not_there_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """llama.cpp's answers 503 until its model is read: named without a version, it would stay out for ever."""
    from lsm_eval.endpoints import server as module

    async def loading(*_: Any) -> tuple[int, bytes, dict[str, str]]:
        return 503, b'{"error": {"message": "Loading model"}}', {"Server": "llama.cpp"}

    monkeypatch.setattr(module, "_page", loading)
    address = read_address("http://localhost:1/v1")
    known = Discovery("llama.cpp b1", "llama.cpp")
    assert asyncio.run(still_the_same(address, Key(), "small", known)) is False
    with pytest.raises(UserError, match=r"no server is ready at .* \(status 503: Loading model\)"):
        asyncio.run(known_server(address, Key(), "small"))


def test_one_that_goes_before_it_is_probed_is_replaced(server: Server) -> None:
    notes: list[str] = []
    with serving() as gone:
        model = _model(gone, server, notes=notes, keep=False)
        model.fingerprint()
    requests: list[Request] = [Generate(str(at), chat=True) for at in range(20)]
    model.probe(requests)
    assert server.probes
    assert model.info.probed is not None
    found = {at: one for batch in model.answer(requests) for at, one in batch.items()}
    assert all(isinstance(one, Generated) for one in found.values())
    assert any(f"no server answers at {gone.url}: it is left out" in note for note in notes)


def test_the_last_one_that_goes_before_it_is_probed_ends_the_run() -> None:
    with serving() as one, serving() as two:
        model = _model(one, two, keep=False)
        model.fingerprint()
    with pytest.raises(UserError, match="did not answer the first request"):
        model.probe([Generate("a", chat=True)])


def test_a_request_that_one_server_turns_away_goes_to_another_at_once() -> None:
    async def busy(job: Job, seconds: float) -> Outcome:
        await asyncio.sleep(0.01)
        return Retryable("rate_limit", "status 429", 89.0, overload=True)

    async def free(job: Job, seconds: float) -> Outcome:
        await asyncio.sleep(0.1)
        return Generated("yes", 1, "stop")

    async def main() -> tuple[dict[int, Response], float]:
        fleet = Fleet([Replica("http://0", Limiter(8), busy), Replica("http://1", Limiter(8), free)])
        window = Window(iter(range(40)), fleet, RetryPolicy(tries=1))
        found: dict[int, Response] = {}
        while not window.finished:
            found |= await window.take(1.0)
        await window.close()
        return found, asyncio.get_running_loop().time()

    found, took = simulate(main())
    assert [one for one in found.values() if isinstance(one, Failure)] == []
    assert took < 10


@pytest.mark.parametrize(
    "fault", [Retryable("connection", "reset"), Retryable("server_error", "status 502")], ids=["reset", "502"]
)
def test_what_stands_before_a_dead_server_eats_no_requests(fault: Retryable) -> None:
    """A port that is forwarded takes every connection and drops it: five minutes of that cost hardly a request."""

    async def main() -> dict[int, Response]:
        loop = asyncio.get_running_loop()

        async def attempt(job: Job, seconds: float) -> Outcome:
            if 30 < loop.time() < 330:
                await asyncio.sleep(0.01)
                return fault
            await asyncio.sleep(0.5)
            return Generated("yes", 1, "stop")

        window = Window(iter(range(20_000)), Fleet([Replica("", Limiter(64), attempt)]), RetryPolicy())
        found: dict[int, Response] = {}
        while not window.finished:
            found |= await window.take(1.0)
        await window.close()
        return found

    found = simulate(main())
    assert len(found) == 20_000
    missing = sum(isinstance(one, Failure) for one in found.values())
    assert missing < 60, "no more than were under way"


def test_who_stops_keeps_all_that_was_answered() -> None:
    """Ctrl-C while many answers come: each that the server has sent is handed over before the run ends."""
    # Shells start what runs in the background with SIGINT ignored, and that is inherited.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        found, answered = _stopped()
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(found) >= 300
    assert answered - len(found) <= 32, "only what was under way"
    assert all(isinstance(one, Generated) for one in found.values())


def _stopped() -> tuple[dict[int, Response], int]:
    """What came of a run that was stopped, and what the server answered."""
    with serving(seconds=0.02) as server:
        model = _model(server, max_concurrency=32)
        requests: list[Request] = [Generate(str(at), chat=True) for at in range(20_000)]
        found: dict[int, Response] = {}

        def stop() -> None:
            while len(server.bodies) < 400:
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=stop)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            _fill(found, model, requests)
        thread.join()
        return found, server.answered.total()


def test_a_run_goes_on_where_it_was_stopped_on_two_servers(ask: Ask, server: Server) -> None:
    """Nothing is asked twice that was answered."""
    with serving() as other:

        def answer(body: Body) -> Any:
            if len(server.bodies) + len(other.bodies) > 15:
                return 401, {"error": "expired"}, {}
            return completion(body, words(prompt_of(body)))

        server.answer = other.answer = answer
        assert ask(server, "--base-url", other.url, "--max-concurrency", "1").code == 2
        before = server.answered + other.answered
        assert before.total() >= 13
        server.answer = other.answer = lambda body: completion(body, words(prompt_of(body)))
        assert ask(server, "--base-url", other.url).code == 0
        both = server.answered + other.answered
    assert len(both) == 24
    assert sum(both.values()) - 24 <= 2, "but for those under way when it ended"


def test_more_connections_than_files_are_no_dead_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the process may raise its limit it does; where not, fewer requests are under way, and that is said."""
    import resource

    from lsm_eval.endpoints.files import allowed_connections

    set_to: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda what: (1024, 4096))
    monkeypatch.setattr(resource, "setrlimit", lambda what, limits: set_to.append(limits))
    assert allowed_connections(300) == 300
    assert set_to == []
    assert allowed_connections(700) == 700
    assert allowed_connections(2000) == 2000
    assert allowed_connections(10_000) == 3840
    assert set_to == [(1656, 4096), (4096, 4096), (4096, 4096)], "room for one of its own beside each"
    notes: list[str] = []
    monkeypatch.setattr(resource, "getrlimit", lambda what: (260, 260))
    with serving() as one, serving() as two:
        model = _model(one, two, notes=notes)
        found = list(model.answer([Generate(str(at), chat=True) for at in range(30)]))
        assert sum(map(len, found)) == 30
        assert max(one.most, two.most) <= 2
    assert any("at most 2 requests are under way at each server" in note for note in notes)
