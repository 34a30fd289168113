"""The header of a GGUF file, read without its tokens and weights (GGUF's specification: ggml's docs/gguf.md)."""

from __future__ import annotations

import mmap
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_SIMPLE = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<?",
    10: "<Q",
    11: "<q",
    12: "<d",
}
_STRING, _ARRAY = 8, 9
_ALIGNMENT = 32
_MOST = 2**24  # keys, or tensors; with more the file is damaged
_PART = re.compile(r"(?P<stem>.*)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf")


@dataclass(frozen=True, slots=True)
class Header:
    """The metadata of one file, without arrays, and the size of its tensors."""

    metadata: Mapping[str, Any]
    parameters: int
    """Number of weights in this file."""

    @property
    def architecture(self) -> str:
        """GGUF's name for it."""
        return str(self.metadata.get("general.architecture", ""))

    def of_architecture(self, name: str) -> int | None:
        """A property of the architecture, such as `context_length`; None if it is missing, or differs from layer to
        layer."""
        value = self.metadata.get(f"{self.architecture}.{name}")
        return value if type(value) is int else None

    def bytes_per_token(self, width: int) -> int | None:
        """Bytes of a token's keys and values in all layers, with `width` bytes per number; None if the header does not
        suffice, for example because layers differ."""
        layers, heads = self.of_architecture("block_count"), self.of_architecture("attention.head_count_kv")
        size = self.of_architecture("attention.key_length")
        if size is None:
            hidden, count = (
                self.of_architecture("embedding_length"),
                self.of_architecture("attention.head_count"),
            )
            size = hidden // count if hidden and count else None
        return None if layers is None or heads is None or size is None else 2 * layers * heads * size * width

    @property
    def template(self) -> str | None:
        """The chat template; None if there is none."""
        return self.metadata.get("tokenizer.chat_template") or None

    @property
    def quantisation(self) -> str:
        """The main type of the weights by ggml's name, such as `Q4_1`."""
        from gguf import LlamaFileType

        try:
            name: str = LlamaFileType(int(self.metadata.get("general.file_type", -1))).name
        except ValueError:
            return "unknown"
        return name.removeprefix("MOSTLY_").removeprefix("ALL_")


def read_header(path: Path) -> Header:
    """The header of `path`. Raises `UserError` if it is no GGUF file, or is cut short."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
            if start != _MAGIC:
                raise UserError(
                    f"{path}: is no GGUF file (it begins with {start!r}); name a file of llama.cpp's format."
                )
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                return _Reader(path, content).header()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from error
    except (struct.error, ValueError, OverflowError, RecursionError) as error:
        raise _damaged(path, "it ends within its header, or states impossible sizes") from error


def parts_of(path: Path, header: Header) -> list[Path]:
    """The files of a model that is split into several; otherwise `path` alone. Raises `UserError` if `path` is not the
    first, or another is missing."""
    count = header.metadata.get("split.count", 0)
    if type(count) is not int or count < 2:
        return [path]
    named = _PART.fullmatch(path.name)
    if named is None or int(named["count"]) != count:
        raise UserError(
            f"{path}: is one of {count} files of one model, but its name does not say so: name them as llama.cpp does "
            f"(NAME-00001-of-{count:05}.gguf), or join them with its llama-gguf-split."
        )
    files = [path.with_name(f"{named['stem']}-{at:05}-of-{count:05}.gguf") for at in range(1, count + 1)]
    if path != files[0]:
        raise UserError(f"{path}: is not the first of {count} files of one model: name {files[0].name}.")
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise UserError(
            f"{path}: {len(missing)} of the {count} files of the model are not beside it (such as {missing[0]}); fetch them."
        )
    return files


class _Reader:
    def __init__(self, path: Path, content: mmap.mmap) -> None:
        self._path, self._content, self._at = path, content, 4

    def header(self) -> Header:
        version = self._number("<I")
        if version not in _VERSIONS:
            other = "big-endian, or " if version & 0xFFFF == 0 else ""
            raise UserError(
                f"{self._path}: is {other}of an unknown version of GGUF ({version}); convert it anew with a current llama.cpp."
            )
        tensors, pairs = self._number("<Q"), self._number("<Q")
        if max(tensors, pairs) > _MOST:
            raise ValueError("more than any file has")
        metadata: dict[str, Any] = {}
        for _ in range(pairs):
            name = self._text()
            value = self._value(self._number("<I"))
            if value is not None:
                metadata[name] = value
        parameters, end = self._tensors(tensors)
        alignment = metadata.get("general.alignment", _ALIGNMENT)
        if type(alignment) is not int or alignment < 1:
            raise ValueError("no alignment")
        needed = -(-self._at // alignment) * alignment + end
        if tensors and needed > len(self._content):
            raise _damaged(
                self._path, f"it has {len(self._content):,} bytes, and its weights need {needed:,}"
            )
        return Header(metadata, parameters)

    def _tensors(self, count: int) -> tuple[int, int]:
        """Number of weights, and where the last of them ends."""
        from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

        parameters, end = 0, 0
        for _ in range(count):
            self._text()
            size = 1
            for _ in range(self._number("<I")):
                size *= self._number("<Q")
            kind, offset = self._number("<I"), self._number("<Q")
            parameters += size
            try:
                block, width = GGML_QUANT_SIZES[GGMLQuantizationType(kind)]
            except (ValueError, KeyError):  # newer than the package gguf: left to llama.cpp
                continue
            end = max(end, offset + size // block * width)
        return parameters, end

    def _value(self, kind: int) -> Any:
        """A value; None for an array, which is skipped."""
        if kind == _STRING:
            return self._text()
        if kind != _ARRAY:
            return self._number(_SIMPLE.get(kind, ""))
        inner, count = self._number("<I"), self._number("<Q")
        if inner in _SIMPLE:
            self._skip(count * struct.calcsize(_SIMPLE[inner]))
        elif inner == _STRING:
            read, content, at = struct.Struct("<Q").unpack_from, self._content, self._at
            for _ in range(count):
                at += 8 + read(content, at)[0]
            self._at = at
            self._skip(0)
        else:
            for _ in range(count):
                self._value(inner)
        return None

    def _number(self, form: str) -> Any:
        if not form:
            raise ValueError("a value of no known type")
        (value,) = struct.unpack_from(form, self._content, self._at)
        self._at += struct.calcsize(form)
        return value

    def _text(self) -> str:
        size = self._number("<Q")
        start = self._at
        self._skip(size)
        return self._content[start : self._at].decode("utf-8", "replace")

    def _skip(self, size: int) -> None:
        self._at += size
        if self._at > len(self._content):
            raise ValueError("it ends too soon")


def _damaged(path: Path, why: str) -> UserError:
    return UserError(f"{path}: is damaged or cut short ({why}); fetch it again.")
