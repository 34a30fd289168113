"""Finds the ONNX graph in a folder and its settings, in the layouts of optimum and of onnxruntime-genai."""

from __future__ import annotations

import json
import mmap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.paths import expanded

GENAI = "genai_config.json"
_GRAPHS = ("model.onnx", "onnx/model.onnx")
_CODER = ("encoder_model.onnx", "onnx/encoder_model.onnx")
_TEXT_FILES = ("tokenizer_config.json", "tokenizer.json")
_OPTIMUM = {
    "input_ids": "input_ids",
    "attention_mask": "attention_mask",
    "position_ids": "position_ids",
    "past_key_names": "past_key_values.%d.key",
    "past_value_names": "past_key_values.%d.value",
    "logits": "logits",
    "present_key_names": "present.%d.key",
    "present_value_names": "present.%d.value",
}
"""Optimum's names of inputs and outputs, by onnxruntime-genai's; genai's builder uses the same ones."""


@dataclass(frozen=True, slots=True)
class Layout:
    """One decoder in a folder."""

    folder: Path
    """The folder of tokenizer and configuration."""
    graph: Path
    kind: str
    """`optimum` or `onnxruntime-genai`: the tool that made it."""
    names: Mapping[str, str] = field(default_factory=lambda: dict(_OPTIMUM))
    """Names of inputs and outputs; `%d` stands for a layer's number."""
    context: int | None = None
    """From genai's configuration."""
    ends: tuple[int, ...] = ()
    """Tokens that end a text, from genai's configuration."""
    sizes: tuple[int, int] | None = None
    """The number of key-value heads and the size of each, from genai's configuration."""

    def data_files(self) -> list[Path]:
        """The graph, and the files beside it that hold its weights: those whose names occur in it."""
        found = [self.graph]
        try:
            with (
                self.graph.open("rb") as file,
                mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
            ):
                for path in sorted(self.graph.parent.rglob("*")):
                    name = path.relative_to(self.graph.parent).as_posix()
                    if path != self.graph and path.is_file() and content.find(name.encode()) >= 0:
                        found.append(path)
        except (OSError, ValueError) as error:
            raise UserError(f"{self.graph}: cannot be read ({error}).") from error
        return found


def find_layout(name: str) -> Layout:
    """The layout of `onnx:NAME`, a folder or a graph's file in one. Raises `UserError` if it is neither."""
    path = expanded(name).absolute()
    if path.is_file():
        if path.suffix != ".onnx":
            raise UserError(f"--model onnx:{name}: is no .onnx file: name one, or the folder that holds it.")
        folder = path.parent
        if not _has_text(folder) and _has_text(folder.parent):
            folder = folder.parent
        return _of_folder(name, folder, path)
    if not path.is_dir():
        raise UserError(f"--model onnx:{name}: no such folder.")
    return _of_folder(name, path, None)


def _of_folder(name: str, folder: Path, graph: Path | None) -> Layout:
    if not _has_text(folder):
        raise UserError(
            f"--model onnx:{name}: has no tokenizer.json or tokenizer_config.json: name a folder with the graph and the "
            "tokenizer of the model it was made from."
        )
    if (folder / GENAI).is_file():
        return _genai(folder, graph)
    if graph is not None:
        return Layout(folder, graph, "optimum")
    if any((folder / one).is_file() for one in _CODER):
        raise UserError(
            f"--model onnx:{name}: holds an encoder-decoder model, and only decoders are run from ONNX: name the checkpoint "
            "that it was made from, as hf:ORG/NAME or a folder."
        )
    for one in _GRAPHS:
        if (folder / one).is_file():
            return Layout(folder, folder / one, "optimum")
    others = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.onnx"))
    if others:
        raise UserError(
            f"--model onnx:{name}: has no model.onnx: name one of its files ({', '.join(others[:5])})."
        )
    raise UserError(f"--model onnx:{name}: has no .onnx file.")


def _genai(folder: Path, graph: Path | None) -> Layout:
    path = folder / GENAI
    try:
        model: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["model"]
        decoder = model["decoder"]
        file = folder / str(decoder["filename"])
        names = {**_OPTIMUM, **decoder.get("inputs", {}), **decoder.get("outputs", {})}
        ends = model.get("eos_token_id", ())
        context = model.get("context_length")
        numbers = tuple(
            int(one) for one in (ends if isinstance(ends, list) else (ends,) if ends != () else ())
        )
        context = None if context is None else int(context)
        sizes = [decoder.get(name) for name in ("num_key_value_heads", "head_size")]
        both = (int(sizes[0]), int(sizes[1])) if None not in sizes else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path}: cannot be used ({type(error).__name__}: {error}); export the model again."
        ) from error
    if "encoder" in model or "pipeline" in decoder or "vision" in model:
        raise UserError(
            f"{path}: describes more than one decoder's graph (a pipeline, an encoder or a vision tower), which is not run here."
        )
    graph = graph or file
    if not graph.is_file():
        raise UserError(f"{path}: names {graph.name}, which is not there; export the model again.")
    return Layout(folder, graph, "onnxruntime-genai", names, context, numbers, both)


def _has_text(folder: Path) -> bool:
    return any((folder / one).is_file() for one in _TEXT_FILES)
