"""llama.cpp's server with five hundred requests under way at once, and few slots: nothing is missing, nothing is another's answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from llamacpp_server import serve as serve_llamacpp
from tiny_gguf import write_gemma3

from lsm_eval.endpoints.model import EndpointModel
from lsm_eval.models.base import EndpointOptions
from lsm_eval.requests import Generate, Generated, Request

MOST = 512


@pytest.mark.slow
def test_llamacpp_answers_all_of_them(tmp_path: Path) -> None:
    requests: list[Request] = [Generate(f"the cat {at} sat", max_tokens=3) for at in range(2 * MOST + 76)]
    with serve_llamacpp(write_gemma3(tmp_path / "tiny.gguf"), context=256) as server:
        options = EndpointOptions(f"http://{server._address.netloc}/v1", max_concurrency=MOST)
        model = EndpointModel("tiny", options)
        model.fingerprint()
        limiter = model._sites[0].replica.limiter
        limiter.limit = float(MOST)
        found: dict[int, Any] = {}
        for batch in model.answer(requests):
            assert not found.keys() & batch.keys(), "nothing comes twice"
            found.update(batch)
        alone = EndpointModel("tiny", EndpointOptions(options.base_url, max_concurrency=1))
        few = [requests[at] for at in (0, 300, 1000)]
        quietly = {at: one for batch in alone.answer(few) for at, one in batch.items()}
    assert sorted(found) == list(range(len(requests)))
    assert all(isinstance(one, Generated) for one in found.values())
    assert model.info.servers[0].answered == len(requests)
    assert (limiter.limit, limiter.cuts) == (MOST, 0)
    for own, at in enumerate((0, 300, 1000)):
        one, same = found[at], quietly[own]
        assert isinstance(one, Generated)
        assert isinstance(same, Generated)
        assert one.text == same.text
