"""Options that only engines know: refused elsewhere, before anything is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import call

from lsm_eval.engines.threads import threads
from lsm_eval.errors import UserError
from lsm_eval.models.base import EndpointOptions, ModelOptions
from lsm_eval.models.create import create


@pytest.mark.parametrize("model", ["builtin:first", "hf:ORG/NAME", "openai:small", "nonsense:x"])
def test_no_engine_no_options_of_engines(model: str) -> None:
    endpoint = EndpointOptions("http://127.0.0.1:1/v1") if model.startswith("openai") else None
    with pytest.raises(UserError, match=r"--context, --threads has no meaning for the model"):
        create(model, ModelOptions(context=10, threads=2, endpoint=endpoint))


@pytest.mark.parametrize("model", ["llama.cpp:x.gguf", "onnx:x"])
def test_an_engine_is_behind_no_address(model: str) -> None:
    options = ModelOptions(endpoint=EndpointOptions("http://127.0.0.1:1/v1"))
    with pytest.raises(UserError, match="--base-url and the options that go with it have no meaning"):
        create(model, options)


@pytest.mark.parametrize(
    "name", ["llama.cpp:", "onnx:", "llama.cpp: ", "onnx:./nowhere", "llama.cpp:./nowhere.gguf"]
)
def test_names_that_name_nothing(name: str, own_cache: Path, tmp_path: Path) -> None:
    done = call("run", "--tasks", "quickstart", "--model", name, "--out", str(tmp_path))
    sentence = done.sentence()
    assert sentence.startswith(f"--model {name.strip()}")
    assert "no such" in sentence or "names no" in sentence


def test_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3,2")
    assert (threads(None), threads(5)) == (3, 5)
    for text in ("", "many", "0"):
        monkeypatch.setenv("OMP_NUM_THREADS", text)
        assert threads(None) >= 1
