"""vLLM's offline engine: it scores through `LLM.generate` with its prefix cache, and generates step by step in its batches."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lsm_eval.engines.network import NewToken, is_nan, number, prompt_seed
from lsm_eval.engines.settings import EngineSettings
from lsm_eval.engines.waves import Query, Reply, TokenScore
from lsm_eval.errors import UserError
from lsm_eval.inference.generating.prompts import Prompt

_TARGETS = 128  # most tokens after a prompt whose log-probabilities vLLM returns (its MAX_LOGPROB_TOKEN_IDS)
_CPU_BLOCK = 32  # tokens per block of its cache, the fewest that its CPU attention takes: prefixes are shared by blocks
_CPU_CACHE_SHARE, _CPU_CACHE = 0.25, (2**28, 2**33)  # share of the free memory; least and most bytes


def quiet() -> None:
    """Silences vLLM's log, and makes it run in this process, so that errors are exceptions here and its batches are the same
    in every run (its documentation on reproducibility). Variables that the user has set are not changed."""
    for name, value in (
        ("VLLM_LOGGING_LEVEL", "ERROR"),
        ("VLLM_ENABLE_V1_MULTIPROCESSING", "0"),
        ("VLLM_NO_USAGE_STATS", "1"),
        ("TORCH_CPP_LOG_LEVEL", "ERROR"),
    ):
        os.environ.setdefault(name, value)


class VllmEngine:
    """An `Engine` (`network`)."""

    def __init__(self, settings: EngineSettings) -> None:
        """Loads the weights. Raises whatever vLLM raises, and `UserError` if vLLM is too old."""
        quiet()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import vllm

            self._vllm: Any = vllm
            if not hasattr(vllm.SamplingParams(), "logprob_token_ids"):
                raise UserError(
                    f"vLLM {vllm.__version__} cannot return the log-probabilities of given tokens: update it (0.32 is known to work)."
                )
            # After a row as long as the context, one more token is generated, which is never read.
            os.environ.setdefault("VLLM_ALLOW_LONG_MAX_MODEL_LEN", "1")
            self._llm: Any = vllm.LLM(str(settings.folder), **_arguments(settings))
        self._ends = list(settings.ends)
        self._count = 0
        self._names: dict[int, str] = {}
        cache = self._llm.llm_engine.vllm_config.cache_config
        blocks = getattr(cache, "num_gpu_blocks", None) or 1024
        self.cache_tokens = int(blocks) * int(cache.block_size)
        self.details: Mapping[str, str] = {
            "engine": f"vLLM {vllm.__version__}, {settings.device}"
            + (f", over {settings.devices} devices" if settings.devices > 1 else ""),
        }

    def score(self, queries: Sequence[Query]) -> list[Reply]:
        """See `Engine.score`."""
        parts: list[tuple[int, Query]] = []
        for at, query in enumerate(queries):
            targets = list(query.targets)
            parts.append((at, replace(query, targets=dict.fromkeys(targets[:_TARGETS]))))
            parts += [
                (at, Query(query.prompt, dict.fromkeys(targets[first : first + _TARGETS])))
                for first in range(_TARGETS, len(targets), _TARGETS)
            ]
        found = self._score([query for _, query in parts], cached=True)
        # vLLM returns no log-probabilities for tokens in its prefix cache: score those again without it.
        again = [place for place, reply in enumerate(found) if reply is None]
        for place, reply in zip(again, self._score([parts[p][1] for p in again], cached=False), strict=True):
            found[place] = reply
        targets_of: list[dict[int, TokenScore]] = [{} for _ in queries]
        own: list[Sequence[TokenScore]] = [() for _ in queries]
        for (at, query), reply in zip(parts, found, strict=True):
            if reply is None:
                raise RuntimeError("vLLM returned log-probabilities of other tokens than the prompt's")
            targets_of[at].update(reply.targets)
            if query.since is not None:
                own[at] = reply.own
        return [Reply(targets, told) for targets, told in zip(targets_of, own, strict=True)]

    def _score(self, queries: Sequence[Query], *, cached: bool) -> list[Reply | None]:
        """One reply per query; None if wanted tokens were in the cache. `cached`: the cache may be used."""
        if not queries:
            return []
        make = self._vllm.SamplingParams
        outputs = self._llm.generate(
            [self._vllm.TokensPrompt(prompt_token_ids=list(query.prompt)) for query in queries],
            [
                make(
                    temperature=0.0,
                    max_tokens=1,
                    logprob_token_ids=list(query.targets),
                    prompt_logprobs=None if query.since is None else 0,
                    skip_reading_prefix_cache=not cached,
                    detokenize=False,
                )
                for query in queries
            ],
            use_tqdm=False,
        )
        return [_reply(query, output) for query, output in zip(queries, outputs, strict=True)]

    def generate(self, prompts: Mapping[int, Prompt]) -> Iterator[Sequence[NewToken]]:
        """See `Engine.generate`."""
        from vllm.sampling_params import RequestOutputKind

        engine = self._llm.llm_engine
        sequences: dict[str, int] = {}
        self._names = {}
        for sequence, prompt in prompts.items():
            self._count += 1
            name = f"text-{self._count}"
            sequences[name], self._names[sequence] = sequence, name
            drawn = prompt.temperature > 0
            params = self._vllm.SamplingParams(
                temperature=prompt.temperature,
                top_p=prompt.top_p if drawn else 1.0,
                seed=prompt_seed(prompt) if drawn else None,
                max_tokens=prompt.max_tokens,
                stop_token_ids=self._ends,
                ignore_eos=not self._ends,  # without end tokens, for measuring speed
                logprobs=0,  # of the sampled token alone, to detect NaN
                detokenize=False,
                output_kind=RequestOutputKind.DELTA,
            )
            engine.add_request(
                name,
                self._vllm.TokensPrompt(prompt_token_ids=list(prompt.tokens)),
                params,
            )
        try:
            while engine.has_unfinished_requests():
                yield [
                    token
                    for output in engine.step()
                    if output.request_id in sequences
                    for token in _new(sequences[output.request_id], output)
                ]
        finally:
            self.stop(list(self._names))

    def stop(self, sequences: Sequence[int]) -> None:
        """See `Engine.stop`."""
        names = [self._names.pop(sequence) for sequence in sequences if sequence in self._names]
        if names:
            self._llm.llm_engine.abort_request(names)

    def close(self) -> None:
        """See `Engine.close`."""
        core: Any = getattr(getattr(self._llm, "llm_engine", None), "engine_core", None)
        if hasattr(core, "shutdown"):
            core.shutdown()
        self._llm = None


def _arguments(settings: EngineSettings) -> dict[str, Any]:
    found: dict[str, Any] = {
        "dtype": settings.dtype,
        "skip_tokenizer_init": True,  # texts are tokenized here
        "generation_config": "vllm",  # the checkpoint's generation settings are not applied
        "enable_prefix_caching": True,
        "disable_log_stats": True,
        "use_tqdm_on_load": False,
        "trust_remote_code": settings.trust_remote_code,
        "tensor_parallel_size": settings.devices,
        "seed": 0,
    }
    if settings.context is not None:
        found["max_model_len"] = settings.context + 1
    if settings.batch_tokens is not None:
        found["max_num_batched_tokens"] = settings.batch_tokens
        found["max_num_seqs"] = min(settings.batch_tokens, 256)
    if settings.device == "cpu":
        found |= {"enforce_eager": True, "block_size": _CPU_BLOCK, "kv_cache_memory_bytes": _cpu_cache()}
    return found


def _cpu_cache() -> int:
    """Bytes of keys and values on a CPU: by default vLLM would take nearly all memory, or refuse."""
    import psutil

    least, most = _CPU_CACHE
    return min(max(int(psutil.virtual_memory().available * _CPU_CACHE_SHARE), least), most)


def _reply(query: Query, output: Any) -> Reply | None:
    (written,) = output.outputs
    (after,) = written.logprobs
    likeliest = written.token_ids[0]
    targets = {token: (number(after[token].logprob), token == likeliest) for token in query.targets}
    if query.since is None:
        return Reply(targets, ())
    if (output.num_cached_tokens or 0) >= query.since:
        return None
    own: list[TokenScore] = []
    for place in range(query.since, len(query.prompt)):
        told = (output.prompt_logprobs[place] or {}).get(query.prompt[place])
        if told is None:
            return None
        own.append((number(told.logprob), told.rank == 1))
    return Reply(targets, own)


def _new(sequence: int, output: Any) -> list[NewToken]:
    (written,) = output.outputs
    tokens = list(written.token_ids)
    logprobs = written.logprobs or [{} for _ in tokens]
    found = []
    for at, token in enumerate(tokens):
        own = logprobs[at].get(token)
        nan = own is not None and is_nan(own.logprob)
        found.append(NewToken(sequence, token, nan, bool(output.finished) and at == len(tokens) - 1))
    return found
