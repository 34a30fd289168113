"""A checkpoint of transformers exported to ONNX, in the layout that optimum gives a decoder with a cache."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import Any


def export(checkpoint: Path, folder: Path, *, numbered: bool = True, name: str = "model.onnx") -> Path:
    """Write the graph of the decoder in `checkpoint`, in float32, and its tokenizer and configuration into `folder`.

    `numbered`: with an input `position_ids`; otherwise a token's place in the cache is its position.
    """
    import torch
    from transformers import AutoModelForCausalLM, DynamicCache

    folder.mkdir(parents=True, exist_ok=True)
    model: Any = AutoModelForCausalLM.from_pretrained(
        checkpoint, attn_implementation="eager", dtype=torch.float32
    )
    model.eval()
    config = model.config
    layers, heads = (
        config.num_hidden_layers,
        getattr(config, "num_key_value_heads", config.num_attention_heads),
    )
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads

    class Exported(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any, *rest: Any) -> Any:
            positions, past = (rest[0], rest[1:]) if numbered else (None, rest)
            cache = DynamicCache()
            for layer in range(layers):
                cache.update(past[2 * layer], past[2 * layer + 1], layer)
            out = self.model(
                input_ids=input_ids,
                attention_mask=attention_mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
            )
            present = [part for layer in out.past_key_values.layers for part in (layer.keys, layer.values)]
            return (out.logits, *present)

    rows, new, before = 2, 3, 4
    past = [torch.zeros(rows, heads, before, size) for _ in range(2 * layers)]
    inputs = {
        "input_ids": torch.ones(rows, new, dtype=torch.long),
        "attention_mask": torch.ones(rows, new + before, dtype=torch.long),
        **({"position_ids": torch.arange(before, before + new)[None].expand(rows, new)} if numbered else {}),
    }
    parts = [(layer, part) for layer in range(layers) for part in ("key", "value")]
    pasts = [f"past_key_values.{layer}.{part}" for layer, part in parts]
    presents = [f"present.{layer}.{part}" for layer, part in parts]
    axes: dict[str, dict[int, str]] = {
        "input_ids": {0: "batch", 1: "new"},
        "attention_mask": {0: "batch", 1: "all"},
        "position_ids": {0: "batch", 1: "new"},
        "logits": {0: "batch", 1: "new"},
        **{one: {0: "batch", 2: "past"} for one in pasts},
        **{one: {0: "batch", 2: "all"} for one in presents},
    }
    graph = folder / name
    graph.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Exported(),
            (*inputs.values(), *past),
            str(graph),
            dynamo=False,
            input_names=[*inputs, *pasts],
            output_names=["logits", *presents],
            dynamic_axes={
                key: value for key, value in axes.items() if key in {*inputs, *pasts, "logits", *presents}
            },
            opset_version=18,
        )
    for path in checkpoint.iterdir():
        if path.suffix != ".safetensors":
            shutil.copy(path, folder)
    return folder


def as_genai(folder: Path, **model: Any) -> Path:
    """Describe an exported decoder as onnxruntime-genai's builder does, and by that alone."""
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").unlink()
    (folder / "generation_config.json").unlink(missing_ok=True)
    content = {
        "model": {
            "bos_token_id": config.get("bos_token_id"),
            "context_length": config["max_position_embeddings"],
            "eos_token_id": config["eos_token_id"],
            "type": "llama",
            "vocab_size": config["vocab_size"],
            "decoder": {
                "filename": "model.onnx",
                "head_size": config["hidden_size"] // config["num_attention_heads"],
                "num_hidden_layers": config["num_hidden_layers"],
                "inputs": {
                    "input_ids": "input_ids",
                    "attention_mask": "attention_mask",
                    "position_ids": "position_ids",
                    "past_key_names": "past_key_values.%d.key",
                    "past_value_names": "past_key_values.%d.value",
                },
                "outputs": {
                    "logits": "logits",
                    "present_key_names": "present.%d.key",
                    "present_value_names": "present.%d.value",
                },
            },
            **model,
        },
        "search": {"max_length": config["max_position_embeddings"]},
    }
    (folder / "genai_config.json").write_text(json.dumps(content))
    return folder
