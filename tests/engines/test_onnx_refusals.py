"""`onnx:FOLDER`: options, folders and graphs that are refused by name."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from onnx_models import onnx_model

from lsm_eval.errors import UserError

pytest.importorskip("onnxruntime", reason="needs ONNX Runtime: pip install 'lsm-eval[onnx]'")
pytest.importorskip("onnx", reason="needs the package onnx, with which torch exports")
pytestmark = pytest.mark.usefixtures("one_thread", "own_cache")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"engine": "tree", "adapter": "x"}, "--engine tree, --adapter has no meaning for --model onnx:"),
        ({"trust_remote_code": True}, "--trust-remote-code has no meaning"),
        ({"device": "mps"}, "--device mps: ONNX Runtime is run on cpu"),
        ({"dtype": "float16"}, "--dtype float16: the graph of onnx:decoder computes in float32"),
        ({"context": 1000}, "--context 1000: onnx:decoder takes 128 tokens at most"),
    ],
)
def test_options_that_mean_nothing(options: dict[str, Any], words: str, exported: Path) -> None:
    def start() -> None:
        model = onnx_model(exported, **options)
        assert model.info
        model.load()

    with pytest.raises(UserError, match=words):
        start()


def _only(folder: Path, *names: str) -> None:
    for path in folder.iterdir():
        if path.name not in names:
            path.unlink()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda folder: _only(folder), "has no tokenizer.json or tokenizer_config.json"),
        (lambda folder: (folder / "model.onnx").unlink(), "has no .onnx file"),
        (lambda folder: (folder / "model.onnx").write_bytes(b"no graph"), "cannot be run as a decoder"),
        (lambda folder: (folder / "encoder_model.onnx").write_bytes(b"x"), "holds an encoder-decoder model"),
        (lambda folder: (folder / "genai_config.json").write_text("{"), "genai_config.json: cannot be used"),
        (lambda folder: shutil.rmtree(folder), "no such folder"),
    ],
)
def test_folders_that_are_refused(change: Any, words: str, exported: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(exported, tmp_path / "other"))
    change(folder)
    with pytest.raises(UserError, match=words):
        onnx_model(folder).load()


def test_graphs_that_are_no_decoders(exported: Path, tmp_path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper

    folder = Path(shutil.copytree(exported, tmp_path / "other"))

    def graph(inputs: dict[str, int]) -> None:
        values = [helper.make_tensor_value_info(name, kind, [1, 2]) for name, kind in inputs.items()]
        out = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 2])
        node = helper.make_node("Cast", ["input_ids"], ["logits"], to=TensorProto.FLOAT)
        made = helper.make_model(
            helper.make_graph([node], "g", values, [out]), opset_imports=[helper.make_opsetid("", 18)]
        )
        made.ir_version = 9
        onnx.save(made, folder / "model.onnx")

    graph({"input_ids": TensorProto.INT64})
    with pytest.raises(UserError, match=r"takes no keys and values .*text-generation-with-past"):
        onnx_model(folder).load()
    graph(
        {
            "input_ids": TensorProto.INT64,
            "past_key_values.0.key": TensorProto.FLOAT,
            "use_cache_branch": TensorProto.BOOL,
        }
    )
    with pytest.raises(UserError, match=r"it lacks 'past_key_values\.0\.value'"):
        onnx_model(folder).load()
