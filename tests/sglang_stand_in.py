"""A package `sglang` for tests: a transformers model that is asked, and that replies, as SGLang 0.5.23's `Engine`.

`meta_info` and the streamed lists have the shapes of `TokenizerManager._handle_batch_output` and `SchedulerLogprobResultProcessor`, with
what is peculiar in them: the first of a prompt's entries has no log-probability, the last token of the vocabulary is reported as 0, the
lists of a stream are shared by all its chunks, and a request is aborted with all whose names begin like its own.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import pytest

from lsm_eval.engines.gpu_model import GpuEngineModel
from lsm_eval.engines.sglang.model import SglangModel
from lsm_eval.models.base import ModelOptions

VERSION = "0.5.23"


class StandIn:
    """`sglang.srt.entrypoints.engine.Engine`."""

    made: ClassVar[list[StandIn]] = []
    ends: ClassVar[set[int]] = set()
    """What SGLang itself takes for the ends of texts."""
    shift: ClassVar[int] = 0
    """Places that the log-probabilities of a prompt's tokens are off by, as of a version that counts otherwise."""
    pool: ClassVar[int] = 4096

    def __init__(self, **arguments: Any) -> None:
        import torch
        from transformers import AutoModelForCausalLM

        self.arguments = arguments
        dtype = getattr(torch, arguments["dtype"])
        self.model: Any = AutoModelForCausalLM.from_pretrained(arguments["model_path"], dtype=dtype).eval()
        self.loop = asyncio.get_event_loop()
        self.asked: list[dict[str, Any]] = []
        self.aborted: list[str] = []
        self.read: list[tuple[int, ...]] = []
        """What is in the radix cache."""
        self.computed = 0
        """Tokens of prompts that were not."""
        self.down = False
        vocabulary = self.model.config.vocab_size
        self.tokenizer_manager = SimpleNamespace(
            abort_request=self.abort_request,
            model_config=SimpleNamespace(hf_eos_token_id=set(self.ends), vocab_size=vocabulary),
        )
        StandIn.made.append(self)

    def get_server_info(self) -> dict[str, Any]:
        async def asked() -> dict[str, Any]:
            return {"version": VERSION, "max_total_num_tokens": self.pool}

        return self.loop.run_until_complete(asked())

    def abort_request(self, rid: str = "", abort_all: bool = False) -> None:
        assert rid
        assert asyncio.get_running_loop() is self.loop, "only the engine's thread talks to its processes"
        self.aborted.append(rid)

    def shutdown(self) -> None:
        self.down = True

    async def async_generate(self, **asked: Any) -> Any:
        """A reply for each prompt, or an iterator over chunks."""
        assert asyncio.get_running_loop() is self.loop
        self.asked.append(asked)
        room = self.arguments.get("context_length", 1 << 20)
        for tokens in asked["input_ids"]:
            if len(tokens) >= room - 6:
                raise ValueError(
                    f"The input ({len(tokens)} tokens) is longer than the model's context length."
                )
        if asked.get("stream"):
            return self._stream(asked)
        count = len(asked["input_ids"])
        parameters = asked["sampling_params"]
        assert (parameters["max_new_tokens"], parameters["temperature"]) == (1, 0.0)
        assert len(asked["token_ids_logprob"]) == len(asked["logprob_start_len"]) == count
        return [self._scored(asked, at) for at in range(count)]

    def _logprobs(self, tokens: Sequence[int]) -> Any:
        import torch

        with torch.inference_mode():
            logits = self.model(input_ids=torch.tensor([list(tokens)]), use_cache=False).logits[0]
        return logits.float().log_softmax(dim=-1)

    def _scored(self, asked: dict[str, Any], at: int) -> dict[str, Any]:
        tokens = tuple(asked["input_ids"][at])
        start, top = asked["logprob_start_len"][at], asked["top_logprobs_num"][at]
        targets = asked["token_ids_logprob"][at]
        most = len(tokens) - 1 if start < 0 else min(len(tokens) - 1, start)
        cached = max((_common(tokens, one) for one in self.read), default=0)
        self.computed += len(tokens) - min(cached, most)
        self.read.append(tokens)
        logprobs = self._logprobs(tokens)
        chosen = int(logprobs[-1].argmax())
        meta: dict[str, Any] = {
            "id": f"{at:032x}",
            "finish_reason": {"type": "length", "length": 1},
            "prompt_tokens": len(tokens),
            "completion_tokens": 1,
            "cached_tokens": min(cached, most),
            "input_token_logprobs": [],
            "output_token_logprobs": [(float(logprobs[-1, chosen]), chosen, None)],
            "output_token_logprobs_length": 1,
            "input_token_ids_logprobs": [],
            "output_token_ids_logprobs": [[(float(logprobs[-1, one]), one, None) for one in targets]],
        }
        if start >= 0:
            last = logprobs.shape[-1] - 1
            places = range(start + 1, len(tokens))
            reported = [token if token < last else 0 for token in tokens]
            own = [(float(logprobs[place - 1 - self.shift, tokens[place]]), reported[place], None) for place in places]  # fmt: skip
            meta["input_token_logprobs"] = [(None, reported[start], None), *own]
            if top:
                best = [logprobs[place - 1].max(dim=-1) for place in places]
                meta["input_top_logprobs"] = [None, *([(float(one.values), int(one.indices), None)] for one in best)]  # fmt: skip
        elif top:
            meta["input_top_logprobs"] = []
        return {"output_ids": [chosen], "meta_info": meta}

    async def _stream(self, asked: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        texts = [
            SimpleNamespace(rid=rid, prompt=tokens, parameters=parameters, new=[], told=[], reason=None)
            for rid, tokens, parameters in zip(
                asked["rid"], asked["input_ids"], asked["sampling_params"], strict=True
            )
        ]
        while texts:
            chunks = []
            for text in texts:
                self._step(text)
                ids = text.new if text.reason is None else list(text.new)
                meta = {
                    "id": text.rid,
                    "finish_reason": text.reason,
                    "completion_tokens": len(text.new),
                    "output_token_logprobs": text.told,
                }
                chunks.append({"output_ids": ids, "meta_info": meta, "index": asked["rid"].index(text.rid)})
            for chunk in chunks:
                yield chunk
            texts = [text for text in texts if text.reason is None]
            await asyncio.sleep(0)

    def _step(self, text: Any) -> None:
        if any(text.rid.startswith(rid) for rid in self.aborted):
            text.reason = {"type": "abort", "message": "Aborted", "status_code": None, "err_type": None}
            return
        parameters = text.parameters
        logprobs = self._logprobs([*text.prompt, *text.new])[-1]
        token = self._choose(logprobs, parameters, len(text.prompt) + len(text.new))
        text.new.append(token)
        text.told.append((float(logprobs[token]), token, None))
        stops = {*parameters["stop_token_ids"], *self.ends}
        if not parameters["ignore_eos"] and token in stops:
            text.reason = {"type": "stop", "matched": token}
        elif len(text.new) == parameters["max_new_tokens"]:
            text.reason = {"type": "length", "length": len(text.new)}

    def _choose(self, logprobs: Any, parameters: dict[str, Any], place: int) -> int:
        import torch

        if parameters["temperature"] == 0:
            return int(logprobs.argmax())
        shares, order = (logprobs / parameters["temperature"]).softmax(dim=-1).sort(descending=True)
        shares = shares.masked_fill(shares.cumsum(0) - shares >= parameters["top_p"], 0.0)
        generator = torch.Generator().manual_seed(hash((parameters["sampling_seed"], place)) % 2**63)
        return int(order[torch.multinomial(shares, 1, generator=generator)])


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens both begin with."""
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count


def install(monkeypatch: pytest.MonkeyPatch) -> type[StandIn]:
    """Makes it the package that is imported, for one test; returns its engine's class, which keeps what is made of it in `made`."""
    names = ("sglang", "sglang.srt", "sglang.srt.entrypoints", "sglang.srt.entrypoints.engine")
    for name in names:
        module = ModuleType(name)
        module.__path__ = []
        monkeypatch.setitem(sys.modules, name, module)
    sys.modules[names[-1]].Engine = StandIn  # type: ignore[attr-defined]
    monkeypatch.setattr(StandIn, "made", [])
    return StandIn


class OnCpu(SglangModel):
    """A model whose engine is the stand-in, which needs no GPU."""

    def __init__(self, name: str, options: ModelOptions, **rest: Any) -> None:
        GpuEngineModel.__init__(self, name, options, kind="cpu", **rest)
