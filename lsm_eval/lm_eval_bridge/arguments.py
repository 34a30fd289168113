"""Makes one of our models from the harness's `--model_args`."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from lsm_eval.errors import UserError
from lsm_eval.models.base import Model, ModelOptions

_OURS = ("revision", "dtype", "peft", "trust_remote_code", "max_length", "batch_tokens", "engine")
_CHAT = ("enable_thinking", "think_end_token", "chat_template_args")
# Arguments of the hf backend whose value changes nothing here.
_NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "backend": ("default", "causal"),
    "truncation": (False,),
    "logits_cache": (True, False),
    "use_fast_tokenizer": (True,),
    "parallelize": (False,),
    "low_cpu_mem_usage": (True, False),
    "softmax_dtype": ("float32",),
    "subfolder": ("",),
}
ARGUMENTS = (*_OURS, *_CHAT, *_NEUTRAL)


def make_model(pretrained: str, device: str | None, given: Mapping[str, Any]) -> Model:
    """The model of these arguments, its weights not yet loaded. Raises `UserError` for an unsupported one.

    As in the hf backend, `dtype=auto` (its default) is the checkpoint's own, and a missing CUDA device is
    replaced by an existing device (the harness's command passes `cuda:0` by default).
    """
    from lsm_eval.models.create import create
    from lsm_eval.models.hf import HFModel

    _check(given)
    options = ModelOptions(
        device=_device(device),
        dtype=str(given.get("dtype") or "auto").removeprefix("torch."),
        batch_tokens=None if given.get("batch_tokens") is None else int(given["batch_tokens"]),
        overflow="truncate",
        engine=given.get("engine") or "auto",
        adapter=given.get("peft"),
        trust_remote_code=bool(given.get("trust_remote_code")),
    )
    if options.engine not in ("auto", "tree", "plain"):
        raise UserError(f"model argument engine={options.engine}: use auto, tree or plain.")
    name = _name(pretrained, given.get("revision"))
    model = create(name, options)
    if not isinstance(model, HFModel):
        if given.get("max_length") is not None:
            raise UserError(f"model argument max_length: {pretrained} has a length of its own; leave it out.")
        return model
    if options.dtype == "auto" and not name.startswith("builtin:"):
        own = str(getattr(model.config, "dtype", None) or "float32").removeprefix("torch.")
        model = cast(HFModel, create(name, replace(options, dtype=own)))
    if given.get("max_length") is not None:
        model.context = int(given["max_length"])
    return model


def _check(given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        if name in _OURS or name in _CHAT or value is None:
            continue
        if name in _NEUTRAL:
            if value not in _NEUTRAL[name]:
                raise UserError(
                    f"model argument {name}={value}: lsm-eval's engine has no such thing; leave it out, or use "
                    "--model hf."
                )
            continue
        near = difflib.get_close_matches(name, ["pretrained", *ARGUMENTS], n=1, cutoff=0.6)
        hint = f"did you mean {near[0]!r}?" if near else "leave it out, or use --model hf."
        raise UserError(f"model argument {name!r} is unknown to lsm-eval's engine: {hint}")


def _name(pretrained: str, revision: Any) -> str:
    """Our name for the harness's `pretrained`: a folder, a hub id, or one of our own names."""
    if ":" in pretrained or pretrained.startswith((".", "/", "~")) or Path(pretrained).is_dir():
        if revision not in (None, "main"):
            raise UserError(f"model argument revision={revision}: {pretrained} has none; leave it out.")
        return pretrained
    return f"hf:{pretrained}" + (f"@{revision}" if revision not in (None, "main") else "")


def _device(device: str | None) -> str:
    import torch

    if device is None:
        return "auto"
    return "auto" if device.startswith("cuda") and not torch.cuda.is_available() else device
