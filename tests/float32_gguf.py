"""A quantised GGUF file with its weights in float32."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def write_float32(source: Path, path: Path) -> Path:
    """The same model as a GGUF file whose weights are what those of `source` come to in float32: llama.cpp multiplies
    quantised weights by quantised numbers, which is another computation."""
    import gguf
    import numpy as np

    reader: Any = gguf.GGUFReader(str(source))
    writer: Any = gguf.GGUFWriter(str(path), "llama")
    for key, field in reader.fields.items():
        if key.startswith("GGUF.") or key in ("general.architecture", "general.file_type"):
            continue
        inner = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(key, field.contents(), field.types[0], sub_type=inner)
    for tensor in reader.tensors:
        values = gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        writer.add_tensor(tensor.name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
