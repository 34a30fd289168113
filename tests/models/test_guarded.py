"""A model of another package can do behind its guard what it can do by itself, and no more."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest

from lsm_eval.errors import UserError
from lsm_eval.models.base import Chatting, Choosing, Model, Probing, Releasing, Versioned
from lsm_eval.models.guarded import guarded
from lsm_eval.requests import Generate, Request
from lsm_eval.runner.store_key import store_key


class Plain:
    """Nothing beyond what every model has (of which nothing is asked here)."""


class Able:
    version, broken = "1", False

    def versions(self) -> Mapping[str, str]:
        if self.broken:
            raise KeyError("theirs")
        return {"theirs": self.version}

    def refusal(self, request: Request) -> str | None:
        return "no" if getattr(request, "system", None) else None

    def folded(self, request: Request) -> bool:
        return True

    def release(self) -> None:
        self.broken = True

    def scores(self) -> bool:
        return False

    def constrains(self, *, chat: bool) -> bool | None:
        return chat

    def probe(self, requests: Sequence[Request]) -> None:
        assert len(requests) == 1


def behind(model: object) -> Any:
    return guarded(cast(Model, model), "the model backend 'own' of the package theirs", "update or remove it")


def test_abilities_are_those_of_the_model() -> None:
    able, plain = behind(Able()), behind(Plain())
    for ability, methods in (
        (Releasing, ["release"]),
        (Versioned, ["versions"]),
        (Chatting, ["refusal", "folded"]),
        (Choosing, ["scores", "constrains"]),
        (Probing, ["probe"]),
    ):
        assert isinstance(able, ability)
        assert not isinstance(plain, ability)
        for method in methods:  # as a protocol looks from Python 3.12 on
            assert inspect.getattr_static(able, method)
    assert able.refusal(Generate("why?", system="be brief")) == "no"
    assert able.folded(Generate("why?"))
    assert (able.scores(), able.constrains(chat=True), able.constrains(chat=False)) == (False, True, False)
    able.probe([Generate("why?")])
    with pytest.raises(UserError, match="in probe"):
        able.probe([])


def test_its_versions_decide_which_stored_answers_are_used() -> None:
    model = Able()
    before = store_key(behind(model), "f")
    model.version = "2"
    assert store_key(behind(model), "f") != before


def test_its_faults_are_one_sentence() -> None:
    model = behind(Able())
    model.release()
    with pytest.raises(UserError, match=r"'own' of the package theirs, in versions\(\),"):
        model.versions()
