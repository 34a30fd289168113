"""A serving profile from the model's name to its record."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lsm_eval.endpoints.address import Address
from lsm_eval.endpoints.key import Key
from lsm_eval.endpoints.server import Server
from lsm_eval.errors import UserError
from lsm_eval.models.base import Model, ModelInfo
from lsm_eval.models.create import create
from lsm_eval.profiling.cells import workload_hash
from lsm_eval.profiling.memory import peak_device_memory, peak_memory
from lsm_eval.profiling.offline.profile_row import machine_line
from lsm_eval.profiling.offline.run import ProfileResult
from lsm_eval.profiling.prompts import Count
from lsm_eval.profiling.record import ProfileContents, write_profile
from lsm_eval.profiling.serving import formulas, prompts
from lsm_eval.profiling.serving.cache import check_flush
from lsm_eval.profiling.serving.load import ServingTarget
from lsm_eval.profiling.serving.measure import ServingProfiler, ServingResults
from lsm_eval.profiling.serving.spec import ServingSpec
from lsm_eval.profiling.serving.traces import Trace, read_trace
from lsm_eval.progress import Progress
from lsm_eval.requests import Generate
from lsm_eval.results.profile_rows import REQUEST_COLUMNS, ProfileRow, WorkloadRow
from lsm_eval.results.writer import check_out, clear_leftovers
from lsm_eval.runner.environment import hardware, versions
from lsm_eval.runner.model_row import model_row
from lsm_eval.runner.spec import RunSpec
from lsm_eval.secrets import without_secrets

VERSION = 1
"""Version of the measurement method (`ProfileRow.version`)."""


@dataclass(frozen=True)
class ServedProfile:
    """A finished serving profile."""

    made: ProfileResult
    error_rate: float
    """Share of all requests that were not answered completely."""


def profile_served(spec: RunSpec, serving: ServingSpec, progress: Progress) -> ServedProfile:
    """Measure how the model of `spec` serves, and write the record below `spec.out`.

    Raises `UserError` for what cannot be measured, before any request is sent if possible; KeyboardInterrupt, with nothing
    written, if it is stopped before any measurement is complete.
    """
    created, start = datetime.now(UTC), time.perf_counter()
    serving.check()
    trace = _trace(serving)
    check_out(spec.out)
    for left in clear_leftovers(spec.out):
        progress.note(f"removed {left}, which a run that was killed left half-written.")
    model = create(spec.model, spec.options, progress)
    served = _served(model, serving, progress)
    done, stopped = ServingResults(), None
    try:
        fingerprint = model.fingerprint()
        _check_context(served, serving, trace)
        served.prepare(_longest(serving, trace))
        prepared = time.perf_counter()
        measuring = ServingProfiler(served, serving, done, progress.note)
        try:
            measuring.all(trace)
        except KeyboardInterrupt:
            if not done.cells:
                raise
            stopped = f"it was stopped after {len(done.cells)} measurements"
        measured = time.perf_counter()
    finally:
        served.close()
    profile = _profile(model, served, serving, done, trace, stopped)
    profiled = ProfileContents(
        profile=profile,
        model=model_row(
            model.info,
            fingerprint,
            dict(model.info.details or {}),
            name=spec.name,
            spec=without_secrets(spec.model),
        ),
        created=created,
        tables={"requests": _table(done.rows)},
        command=spec.command,
        settings=_settings(spec),
        versions=versions(),
        hardware=hardware(model.info.device),
        phases={"prepare": prepared - start, "measure": measured - prepared},
        seconds=time.perf_counter() - start,
        requests={"asked": done.requests, "failed": done.failed},
        tokens={"prompt": done.prompt_tokens, "output": done.output_tokens},
    )
    record, manifest, estimates = write_profile(spec.out, profiled)
    return ServedProfile(ProfileResult(record, manifest, estimates, profile), done.error_rate)


def _trace(serving: ServingSpec) -> Trace | None:
    if serving.trace is None:
        return None
    return read_trace(
        serving.trace,
        serving.trace_format,
        speed=serving.speed,
        requests=serving.requests,
        seconds=serving.seconds,
    )


def _served(model: Model, serving: ServingSpec, progress: Progress) -> ServingTarget:
    """The model as a serving target. Raises `UserError` if it cannot be one."""
    from lsm_eval.endpoints.model import EndpointModel
    from lsm_eval.engines.llamacpp.model import LlamaCppModel

    if isinstance(model, EndpointModel):
        if len(model.options.base_urls) > 1:
            raise UserError(
                "a serving profile measures one server: give one --base-url, and profile the others by themselves."
            )
        return _endpoint(model, model.info.name, serving, progress)
    if isinstance(model, LlamaCppModel):
        return _endpoint(model.endpoint(), model.info.name, serving, progress, model)
    from lsm_eval.profiling.serving.in_process import local_target

    if serving.cache != "unknown" or serving.flush is not None:
        raise UserError(
            "--cache and --flush are for servers: what a model in this process holds of prompts is forgotten after each "
            "request; leave them out."
        )
    return local_target(model, serving)


def _endpoint(
    model: Any, name: str, serving: ServingSpec, progress: Progress, counting: Model | None = None
) -> ServingTarget:
    from lsm_eval.profiling.serving.endpoint import EndpointTarget
    from lsm_eval.profiling.serving.request_format import RequestFormat

    place: tuple[Address, Key, Server] = model.place()
    address, key, server = place
    if serving.cache == "cold" and serving.flush is None and server.kind != "llama.cpp":
        raise UserError(
            "--cache cold: nothing here empties the server's cache of prompts: name what does with --flush vllm, sglang or the "
            "address of a page of its own, or leave --cache out, which says that nobody knows."
        )
    asking = RequestFormat(name, model.model, model.options.api, server.kind, cold=serving.cache == "cold")
    return EndpointTarget(
        name,
        address,
        key,
        asking,
        seconds=serving.timeout,
        context=server.context if counting is None else counting.info.context,
        count=None if counting is None else _count(counting, chat=model.options.api != "completions"),
        flush=None if serving.flush is None else check_flush(serving.flush),
        note=progress.note,
    )


def _count(model: Model, *, chat: bool) -> Count:
    """A counter of the tokens that the model reads for a prompt."""

    def count(texts: Sequence[str]) -> list[int]:
        return [
            one.asked - 1 for one in model.cost([Generate(text, max_tokens=1, chat=chat) for text in texts])
        ]

    return count


def _longest(serving: ServingSpec, trace: Trace | None) -> int:
    return max((one.prompt_tokens for one in trace.requests), default=1) if trace else max(serving.prompts)


def _check_context(served: ServingTarget, serving: ServingSpec, trace: Trace | None) -> None:
    if served.context is None:
        return
    if trace is not None:
        sizes = [one.prompt_tokens + one.output_tokens for one in trace.requests]
        over = sum(size > served.context for size in sizes)
        if over:
            raise UserError(
                f"--trace {serving.trace}: {over:,} of its {len(sizes):,} requests have more tokens than {served.name}'s context of "
                f"{served.context:,}: serve it with a longer one, or replay another trace."
            )
    elif max(serving.prompts) + max(serving.outputs) > served.context:
        raise UserError(
            f"a prompt of {max(serving.prompts):,} and an answer of {max(serving.outputs):,} tokens do not fit {served.name}'s context of "
            f"{served.context:,}: give shorter --prompt-tokens or --output-tokens."
        )


def _profile(
    model: Model,
    served: ServingTarget,
    serving: ServingSpec,
    done: ServingResults,
    trace: Trace | None,
    stopped: str | None,
) -> ProfileRow:
    info, objective = model.info, serving.objective
    made_up: dict[str, Any] = {"serving prompts": prompts.VERSION, "seed": serving.seed}
    lengths = "as the trace has them"
    return ProfileRow(
        kind="serving",
        version=VERSION,
        formulas=formulas.NAME,
        workload=WorkloadRow(
            name="made-up prompts" if trace is None else trace.name,
            sha256=workload_hash(made_up if trace is None else {**made_up, "trace": trace.sha256}),
            seed=serving.seed,
            prompt_tokens=lengths if trace else ", ".join(map(str, serving.prompts)),
            output_tokens=lengths if trace else ", ".join(map(str, serving.outputs)),
            requests=done.requests,
            ends_ignored=served.fixed_length,
        ),
        asked=_asked(serving, trace),
        cache=serving.cache,
        machine=_machine(info),
        cells=done.cells,
        objective=None if objective is None else dict(objective.seconds),
        search=done.search,
        peak_memory_bytes=None if served.cpu_is_clients else peak_memory(),
        peak_device_memory_bytes=peak_device_memory(info.device),
        stopped=stopped,
        notes=_notes(served, done, serving),
    )


def _machine(info: ModelInfo) -> str:
    return "?" if info.device is None else machine_line(info)


def _asked(serving: ServingSpec, trace: Trace | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "concurrency": list(serving.concurrency) or None,
        "rates": list(serving.rates) or None,
        "arrivals": serving.arrivals.words,
        "trace": None if trace is None else trace.name,
        "speed": None if trace is None else trace.speed,
        "prompt_tokens": None if trace else list(serving.prompts),
        "output_tokens": None if trace else list(serving.outputs),
        "requests": serving.requests,
        "seconds": serving.seconds,
        "objective": None if serving.objective is None else serving.objective.words,
        "find_rate": serving.find_rate or None,
        "max_error_rate": serving.max_error_rate,
        "timeout": serving.timeout,
        "flush": serving.flush,
    }
    return {name: value for name, value in found.items() if value is not None}


def _notes(served: ServingTarget, done: ServingResults, serving: ServingSpec) -> list[str]:
    notes = list(done.notes)
    if not served.fixed_length:
        notes.append("The model ends its answers where it likes, so that they may be shorter than asked for.")
    for cell in done.cells:
        if cell.check is not None and cell.check.client_bound:
            notes.append(f"{cell.title}: client-bound, and in no ranking: {'; '.join(cell.check.reasons)}.")
        refused = next(
            (one.why for one in cell.metrics if one.metric == "itl_p50" and one.value is None), None
        )
        if refused:
            notes.append(f"{cell.title}: no inter-token latency: {refused}.")
    if done.error_rate > serving.max_error_rate:
        notes.append(
            f"{done.failed:,} of {done.requests:,} requests failed: {100 * done.error_rate:.3g} %, and --max-error-rate is "
            f"{100 * serving.max_error_rate:.3g} %."
        )
    return notes


def _settings(spec: RunSpec) -> Mapping[str, Any]:
    options = spec.options
    return {
        "dtype": options.dtype,
        "device": options.device,
        "slots": options.slots,
        "threads": options.threads,
        "context": options.context,
        "adapter": options.adapter,
        "quantize": options.quantize,
        "offline": options.offline,
    }


def _table(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in REQUEST_COLUMNS}
