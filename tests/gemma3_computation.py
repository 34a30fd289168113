"""Next tokens by a checkpoint of Gemma 3 and by llama.cpp, compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from llamacpp_server import LlamaCpp

LIKELY = 20
"""So many of the likeliest tokens are compared."""

Answers = Mapping[tuple[int, ...], Mapping[int, float]]
"""By the prompt's ids, the likeliest next tokens with their log-probabilities, the likeliest first."""


def long_text() -> str:
    """Words that depend on words far back: a list that names every number from 100 to 199."""
    names = ["Ada", "Bob", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hal"]
    return "A list of guests and their seats.\n" + "".join(
        f"{names[(n * n) % 8]} has seat {n}, beside {names[(n * 5 + 3) % 8]}.\n" for n in range(100, 200)
    )


def ask(server: LlamaCpp, prompts: Sequence[tuple[int, ...]]) -> Answers:
    """What llama.cpp says comes next."""
    return {ids: server.next_token(ids, LIKELY) for ids in prompts}


def dequantised(reader: Any, path: Path) -> Path:
    """The file with all its weights in float32."""
    from gguf import GGUFWriter
    from gguf.quants import dequantize

    writer: Any = GGUFWriter(str(path), "gemma3")
    for field in reader.fields.values():
        if not field.name.startswith("GGUF.") and field.name not in (
            "general.architecture",
            "general.file_type",
        ):
            inner = field.types[-1] if len(field.types) > 1 else None
            writer.add_key_value(field.name, field.contents(), field.types[0], inner)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, dequantize(tensor.data, tensor.tensor_type))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def compare(
    folder: Path, answers: Answers, *, norms: float = 0.0, **changes: Any
) -> tuple[list[bool], list[float]]:
    """Of each prompt, whether the likeliest token is the same, and the greatest difference between the
    log-probabilities of the likely ones; by the checkpoint with so much added to its norms, and such changes to
    its config (an attention's kind names its rotary base)."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config: Any = AutoConfig.from_pretrained(folder)
    for key, value in changes.items():
        if key in config.rope_parameters:
            config.rope_parameters[key]["rope_theta"] = value
        else:
            setattr(config, key, value)
    model: Any = AutoModelForCausalLM.from_pretrained(folder, config=config)
    choices, distances = [], []
    with torch.inference_mode():
        for name, weight in model.named_parameters():
            if norms and name.endswith("norm.weight"):
                weight += norms
        for ids, likely in answers.items():
            found = model(torch.tensor([ids]), logits_to_keep=1).logits[0, -1].log_softmax(-1)
            choices.append(int(found.argmax()) == next(iter(likely)))
            distances.append(max(abs(float(found[token]) - value) for token, value in likely.items()))
    return choices, distances
