"""The fingerprint of a checkpoint and of how it is run."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from lsm_eval.models import quantised
from lsm_eval.models.base import Engine
from lsm_eval.models.borrowed_code import borrowed_code
from lsm_eval.models.checkpoint import Checkpoint
from lsm_eval.models.checkpoint_files import files_digest
from lsm_eval.models.family import Family
from lsm_eval.paths import cache_file

_ENGINES: dict[Engine, str] = {"auto": "tree/3", "tree": "tree/3", "plain": "plain/2"}
"""Part of every fingerprint; a number is raised when a change of the computation changes answers."""
_OTHER_ENGINES: dict[Family, str] = {"encoder-decoder": "encoder-decoder/2", "masked": "masked/2"}
_THOUGHTS = "1"
"""Part of the fingerprint of models whose chat template deals with thoughts: raised when prompts or stops change."""


def engine_version(family: Family, engine: Engine) -> str:
    """The version of the computation by the transformers backend."""
    return _OTHER_ENGINES.get(family) or _ENGINES[engine]


def checkpoint_fingerprint(checkpoint: Checkpoint, engine: str) -> str:
    """SHA-256 (hex) over all files that affect answers (`checkpoint_files`), those of the adapter, dtype, kind of
    device and `engine`."""
    options, adapter = checkpoint.options, checkpoint.adapter
    hashes, code = cache_file("weight-hashes.json"), options.trust_remote_code
    parts: dict[str, Any] = {
        "files": files_digest(checkpoint.weights_folder, hashes, code=code),
        "adapter": files_digest(adapter, hashes, code=code, adapter=True) if adapter else None,
        "dtype": checkpoint.dtype,
        "device": checkpoint.device.partition(":")[0],
        "engine": engine,
        "overflow": options.overflow,
    }
    borrowed = borrowed_code([checkpoint.text_folder, *([adapter] if adapter else [])]) if code else {}
    if borrowed:
        parts["code"] = borrowed
    if checkpoint.encoder.thinks:
        parts["thoughts"] = _THOUGHTS
    if options.quantize is not None:
        parts["quantize"] = f"{options.quantize}/{quantised.VERSION}"
    if options.chat_template is not None:
        parts["chat_template"] = checkpoint.encoder.template.sha256
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
