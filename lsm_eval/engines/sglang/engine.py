"""SGLang's offline engine: it scores through `Engine.async_generate` with its radix cache, and generates token by token in its batches."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

from lsm_eval.engines.agreement import TOLERANCE, difference
from lsm_eval.engines.network import NewToken, prompt_seed
from lsm_eval.engines.settings import EngineSettings
from lsm_eval.engines.sglang.replies import KNOWN, read_new, read_reply
from lsm_eval.engines.sglang.worker import Worker
from lsm_eval.engines.waves import Query, Reply
from lsm_eval.errors import UserError
from lsm_eval.inference.generating.prompts import Prompt

_SPARE = 8
"""SGLang takes prompts of at most seven tokens fewer than its context (`max_req_input_len` of `tp_worker.py`)."""


class SglangEngine:
    """An `Engine` (`network`)."""

    def __init__(self, settings: EngineSettings) -> None:
        """Loads the weights. Raises whatever SGLang raises, and `UserError` if what it says cannot be trusted."""
        # Its context is made longer than the model's by `_SPARE`; no token stands there.
        os.environ.setdefault("SGLANG_ALLOW_OVERWRITE_LONGER_CONTEXT_LEN", "1")
        self._worker = Worker(engine_arguments(settings))
        self._count = 0
        self._names: dict[int, str] = {}
        server, config = self._worker.server, self._worker.engine.tokenizer_manager.model_config
        self._ends = list(settings.ends)
        # SGLang also ends texts at tokens of its own finding. Where those are others, texts are ended here alone.
        own = getattr(config, "hf_eos_token_id", None)
        self._endless = not self._ends or own is None or not set(own) <= set(self._ends)
        self.cache_tokens = int(server["max_total_num_tokens"])
        self.details: Mapping[str, str] = {
            "engine": f"SGLang {server['version']}, {settings.device}"
            + (f", over {settings.devices} devices" if settings.devices > 1 else ""),
        }
        try:
            apart = difference(self, int(config.vocab_size))
        except BaseException:
            self.close()
            raise
        if apart > TOLERANCE:
            self.close()
            raise UserError(
                f"SGLang {server['version']} tells log-probabilities of the same token that are {apart:.2f} nats apart, as it is asked, so that its "
                f"scores cannot be trusted: name the model with hf:, or install SGLang {KNOWN}, which lsm-eval knows."
            )

    def score(self, queries: Sequence[Query]) -> list[Reply]:
        """See `Engine.score`."""
        if not queries:
            return []
        with _refusals():
            found = self._worker.result(
                self._worker.engine.async_generate(
                    input_ids=[list(query.prompt) for query in queries],
                    sampling_params=scoring_parameters(),
                    **scoring_arguments(queries),
                )
            )
        return [read_reply(query, reply) for query, reply in zip(queries, found, strict=True)]

    def generate(self, prompts: Mapping[int, Prompt]) -> Iterator[Sequence[NewToken]]:
        """See `Engine.generate`."""
        self._names = {}
        for sequence in prompts:
            self._count += 1
            # SGLang stops all requests whose names begin alike: names are equally long.
            self._names[sequence] = f"text-{self._count:015d}"
        sequences = {name: sequence for sequence, name in self._names.items()}
        seen = dict.fromkeys(prompts, 0)
        chunks: SimpleQueue[Mapping[str, Any] | None] = SimpleQueue()
        running = self._worker.start(
            _stream(
                self._worker.engine,
                chunks.put,
                input_ids=[list(prompt.tokens) for prompt in prompts.values()],
                sampling_params=[
                    text_parameters(prompt, self._ends, endless=self._endless) for prompt in prompts.values()
                ],
                return_logprob=True,  # of the generated tokens alone, to detect NaN
                rid=list(self._names.values()),
                stream=True,
            )
        )
        try:
            while True:
                step: list[NewToken] = []
                # Wait for one, and take what has come by then.
                chunk = chunks.get()
                while chunk is not None:
                    sequence = sequences[chunk["meta_info"]["id"]]
                    if sequence in self._names:  # or it was stopped
                        new = read_new(sequence, chunk, seen[sequence])
                        seen[sequence] += len(new)
                        if new and new[-1].over:
                            del self._names[sequence]
                        step += new
                    if chunks.empty():
                        break
                    chunk = chunks.get()
                if step:
                    yield step
                if chunk is None:
                    with _refusals():
                        running.result()
                    return
        finally:
            self.stop(list(self._names))
            running.cancel()

    def stop(self, sequences: Sequence[int]) -> None:
        """See `Engine.stop`."""
        for sequence in sequences:
            name = self._names.pop(sequence, None)
            if name is not None:
                self._worker.call(self._worker.engine.tokenizer_manager.abort_request, name)

    def close(self) -> None:
        """See `Engine.close`."""
        self._worker.close()


def engine_arguments(settings: EngineSettings) -> dict[str, Any]:
    """The arguments of `Engine`, which are those of SGLang's server."""
    found: dict[str, Any] = {
        "model_path": str(settings.folder),
        "device": settings.device,
        "dtype": settings.dtype,
        "tp_size": settings.devices,
        "trust_remote_code": settings.trust_remote_code,
        "skip_tokenizer_init": True,  # texts are tokenized here
        "random_seed": 0,
        "schedule_policy": "lpm",  # prompts that begin alike follow one another
        # Kernels whose results do not hang on the batch. Without them SGLang ignores the seed of a text.
        "enable_deterministic_inference": True,
        # The one that works with them, the radix cache, float32 and all cards.
        "attention_backend": "triton",
        "log_level": "error",
    }
    if settings.context is not None:
        found["context_length"] = settings.context + _SPARE
    if settings.batch_tokens is not None:
        found["chunked_prefill_size"] = found["max_prefill_tokens"] = settings.batch_tokens
        found["max_running_requests"] = min(settings.batch_tokens, 256)
    return found


def scoring_parameters() -> dict[str, Any]:
    """How the token after a scored prompt is chosen: it is the likeliest."""
    return {"temperature": 0.0, "max_new_tokens": 1, "ignore_eos": True}


def scoring_arguments(queries: Sequence[Query]) -> dict[str, Any]:
    """Which log-probabilities are asked for. `logprob_start_len` is the place before the first wanted token, whose output tells it:
    SGLang takes no more of the prompt than this from its cache, so that nothing that is wanted is in there."""
    return {
        "return_logprob": True,
        "token_ids_logprob": [list(query.targets) for query in queries],
        "logprob_start_len": [-1 if query.since is None else query.since - 1 for query in queries],
        "top_logprobs_num": [0 if query.since is None else 1 for query in queries],
    }


def text_parameters(prompt: Prompt, ends: Sequence[int], *, endless: bool) -> dict[str, Any]:
    """The sampling parameters of a text. `endless`: SGLang ends it at its length only."""
    drawn = prompt.temperature > 0
    found: dict[str, Any] = {
        "temperature": prompt.temperature,
        "top_p": prompt.top_p if drawn else 1.0,
        "max_new_tokens": prompt.max_tokens,
        "ignore_eos": endless,
        "stop_token_ids": list(ends),
    }
    if drawn:
        found["sampling_seed"] = prompt_seed(prompt)
    return found


async def _stream(engine: Any, put: Callable[[Mapping[str, Any] | None], None], **arguments: Any) -> None:
    """Hands on each chunk, and None in the end, also after an error."""
    try:
        async for chunk in await engine.async_generate(**arguments):
            put(chunk)
    finally:
        put(None)


@contextmanager
def _refusals() -> Iterator[None]:
    """A prompt that SGLang refuses is a `UserError`."""
    try:
        yield
    except ValueError as error:
        said = next(iter(str(error).splitlines()), "").rstrip(".")
        raise UserError(f"SGLang refuses a prompt: {said[:300] or 'it says no more'}.") from error
