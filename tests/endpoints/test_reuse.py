"""Connections that a server closes although it says that it keeps them."""

from __future__ import annotations

from pathlib import Path

from llamacpp_server import serve as serve_llamacpp
from tiny_gguf import write_gemma3

from lsm_eval.endpoints.model import EndpointModel
from lsm_eval.endpoints.reuse import Reuse
from lsm_eval.models.base import EndpointOptions
from lsm_eval.requests import Generate, Generated


def test_connections_that_are_always_lost_are_kept_no_longer() -> None:
    reuse = Reuse()
    for _ in range(20):
        reuse.used(kept=True, lost=False)
    for _ in range(7):
        reuse.used(kept=True, lost=True)
    assert reuse.worthwhile
    reuse.used(kept=True, lost=True)
    assert not reuse.worthwhile
    for _ in range(30):
        reuse.used(kept=True, lost=True)  # was under way
        reuse.used(kept=False, lost=False)
    assert not reuse.worthwhile


def test_some_that_are_lost_now_and_then_are_kept() -> None:
    reuse = Reuse()
    for at in range(300):
        reuse.used(kept=True, lost=at % 3 == 0)
    assert reuse.worthwhile


def test_what_is_lost_over_connections_of_its_own_too_was_not_lost_for_the_reuse() -> None:
    reuse = Reuse()
    for _ in range(8):
        reuse.used(kept=True, lost=True)
    assert not reuse.worthwhile
    for _ in range(8):
        reuse.used(kept=False, lost=True)
    assert reuse.worthwhile


def test_streams_of_llamacpp_lose_no_request_to_connections_that_it_closes(tmp_path: Path) -> None:
    # It says `Keep-Alive: timeout=5, max=100` with each stream, and closes the connection after it.
    requests = [Generate(f"what is {at}", (), 4) for at in range(150)]
    with serve_llamacpp(write_gemma3(tmp_path / "tiny.gguf"), context=128) as server:
        options = EndpointOptions(f"http://{server._address.netloc}/v1", max_concurrency=4, stream="on")
        model = EndpointModel("small", options)
        answers = [answer for some in model.answer(requests) for answer in some.values()]
        servers = model.info.servers
    assert len(answers) == len(requests)
    assert all(isinstance(answer, Generated) for answer in answers)
    assert sum(row.faults.get("connection", 0) for row in servers) <= 20, "those of the first"
