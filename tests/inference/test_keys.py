"""The response store's keys stay what they were, however they are written."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from lsm_eval.request_json import HOLE, store_key
from lsm_eval.requests import Generate, Perplexity

_PLAIN = {"chat": False, "max_tokens": 256, "prompt": "", "stop": [], "system": None}


@pytest.mark.parametrize(
    "prompt", ["", 'two\nlines and a "mark" \\ \x01', "é ◁ 🙂", "\ud800", HOLE, f"a {HOLE} b {HOLE}"]
)
@pytest.mark.parametrize("system", [None, "Be brief.", HOLE])
@pytest.mark.parametrize("stored_as", ["hash", HOLE])
def test_a_key_is_the_hash_of_the_whole_request(prompt: str, system: str | None, stored_as: str) -> None:
    fields = {**_PLAIN, "prompt": prompt, "system": system}
    for made in ([], ["[what a template makes of it]"], [HOLE]):
        content = json.dumps([stored_as, "generate", fields, *made], sort_keys=True)
        found = store_key(Generate(prompt, system=system), stored_as, made[0] if made else None)
        assert found == hashlib.sha256(content.encode()).hexdigest()


def test_numbers_of_other_types_have_other_keys() -> None:
    """As they are written: 1 and 1.0, whichever comes first."""
    fields = {**_PLAIN, "prompt": "a", "seed": 0, "top_p": 1.0}
    for temperature in (1.0, 1, 1.0):
        content = json.dumps(["s", "generate", {**fields, "temperature": temperature}], sort_keys=True)
        found = store_key(Generate("a", temperature=temperature), "s")
        assert found == hashlib.sha256(content.encode()).hexdigest()


def test_requests_without_detail_keep_their_keys() -> None:
    """As they were before there was detail: answers in users' stores stay good."""
    assert store_key(Perplexity("text"), "f") == _old_key({"text": "text"}, "perplexity")
    fields: dict[str, Any] = {"chat": False, "max_tokens": 256, "prompt": "p", "stop": [], "system": None}
    assert store_key(Generate("p"), "f") == _old_key(fields, "generate")
    drawn = {**fields, "temperature": 0.5, "top_p": 1.0, "seed": 3}
    assert store_key(Generate("p", temperature=0.5, seed=3), "f") == _old_key(drawn, "generate")
    assert store_key(Perplexity("text", detail=True), "f") != store_key(Perplexity("text"), "f")
    assert store_key(Generate("p", detail=True), "f") != store_key(Generate("p"), "f")


def _old_key(fields: dict[str, Any], kind: str) -> str:
    return hashlib.sha256(json.dumps(["f", kind, fields], sort_keys=True).encode()).hexdigest()
