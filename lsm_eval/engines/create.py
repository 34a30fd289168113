"""Finds the class of an engine's models, and imports it only when it is needed."""

from __future__ import annotations

from lsm_eval.engines.checkpoint_model import CheckpointEngineModel
from lsm_eval.errors import unknown


def engine_model(prefix: str) -> type[CheckpointEngineModel]:
    """The class of the models called `PREFIX:MODEL`."""
    if prefix == "vllm":
        from lsm_eval.engines.vllm_model import VllmModel

        return VllmModel
    if prefix == "sglang":
        from lsm_eval.engines.sglang.model import SglangModel

        return SglangModel
    raise unknown("engine", prefix, ["vllm", "sglang"])
