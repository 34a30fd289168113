"""A run's own settings for generated texts, which override those of its tasks: in requests, signatures and the record."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lsm_eval.errors import UserError
from lsm_eval.lm_eval_bridge.names import LmEvalTask
from lsm_eval.progress import Progress
from lsm_eval.requests import Generate
from lsm_eval.secrets import without_secrets
from lsm_eval.tasks.sample import Sample

if TYPE_CHECKING:
    from lsm_eval.runner.prepared import PreparedTask
    from lsm_eval.runner.spec import RunSpec
    from lsm_eval.tasks.registry import LoadedTask


def apply_run_options(samples: tuple[Sample, ...], spec: RunSpec) -> tuple[Sample, ...]:
    """The samples of a task with generated texts, with all of the run's own settings for these."""
    own = {
        **bounds(spec),
        **{name: value for name, value in spec.generation.named.items() if name in ("system", "stop")},
    }
    if own:
        samples = with_changes(samples, **own)
    drawing = {
        name: value for name, value in spec.generation.named.items() if name in ("temperature", "top_p")
    }
    return tuple(_drawn(sample, drawing, spec.seed) for sample in samples) if drawing else samples


def apply_token_limits(samples: tuple[Sample, ...], spec: RunSpec) -> tuple[Sample, ...]:
    """The samples with the run's own limits of new tokens and thoughts, if it has any."""
    own = bounds(spec)
    return with_changes(samples, **own) if own else samples


def bounds(spec: RunSpec) -> dict[str, int | str]:
    """The run's own limits of new tokens and thoughts."""
    own = {
        "max_tokens": spec.max_tokens,
        "reasoning_tokens": spec.reasoning_tokens,
        "reasoning_effort": spec.reasoning_effort,
    }
    return {name: value for name, value in own.items() if value is not None}


def with_changes(samples: Sequence[Sample], **changes: Any) -> tuple[Sample, ...]:
    """The samples with all their generation requests changed."""
    found = []
    for sample in samples:
        if sample.missing:
            found.append(sample)
            continue
        first, *further = [
            replace(request, **changes) if isinstance(request, Generate) else request
            for request in sample.requests
        ]
        found.append(replace(sample, request=first, further=tuple(further)))
    return tuple(found)


def _drawn(sample: Sample, drawing: dict[str, Any], seed: int) -> Sample:
    """The sample with answers sampled with these settings; if some of its answers are sampled already, only those change."""
    if sample.missing:
        return sample
    several = any(isinstance(one, Generate) and one.temperature for one in sample.requests)
    own: dict[str, Any] = {"seed": seed} if drawing.get("temperature") and not several else {}
    requests = [
        replace(one, **drawing, **own)
        if isinstance(one, Generate) and (one.temperature or not several)
        else one
        for one in sample.requests
    ]
    return replace(sample, request=requests[0], further=tuple(requests[1:]))


def check(loaded: LoadedTask, spec: RunSpec) -> None:
    """Raises `UserError` for a task whose numbers would be meaningless with these settings."""
    task, own = loaded.task, spec.generation
    if task.request != "generate":
        return
    if own.system is not None and task.system is not None:
        raise UserError(
            f"{task.task} gives the model a system message of its own, which --system would put aside, and with it what is measured: leave "
            "out the task or --system."
        )
    if task.draws is not None and own.temperature == 0:
        raise UserError(
            f"{task.task} draws {task.draws.n} answers to each prompt, which --temperature 0 would make all the same: leave out the task or "
            "the option."
        )
    repeated = isinstance(loaded, LmEvalTask) and int(loaded.config.get("repeats") or 1) > 1
    if repeated and own.temperature is not None:
        raise UserError(
            f"{task.task} asks several times, as its own file says how: leave out the task or --temperature."
        )


def note_unaffected(loaded: Sequence[LoadedTask], spec: RunSpec, progress: Progress) -> None:
    """Report which tasks these options do not affect. Raises `UserError` if they affect none."""
    if not spec.generation.named:
        return
    options = ", ".join(f"--{name.replace('_', '-')}" for name in spec.generation.named)
    scored = [task.task.task for task in loaded if task.task.request != "generate"]
    if len(scored) == len(loaded):
        raise UserError(
            f"{options} is about texts that a model writes, and {', '.join(scored)} has it write none: leave out the option, or name a task "
            "whose answers are written."
        )
    if scored:
        progress.note(
            f"{options} has no part in {', '.join(scored)}: the model is asked for likelihoods or choices there."
        )


def parts_of_signature(task: PreparedTask, spec: RunSpec) -> list[str]:
    """Signature parts for what the run's options changed in how a task's texts are generated; empty if nothing."""
    definition, own = task.loaded.task, spec.generation
    if not affects(task, spec):
        return []
    found = []
    if own.system is not None:
        found.append(f"system:{_hash(own.system)}{f'/{task.system}' if task.system else ''}")
    if own.stop is not None:
        found.append(f"stop:{_hash(*own.stop)}")
    draws = definition.draws
    harness = isinstance(task.loaded, LmEvalTask)
    if own.temperature is not None and (harness or own.temperature != (draws.temperature if draws else 0.0)):
        found.append(f"temperature:{own.temperature:g}")
    if own.top_p is not None and (harness or own.top_p != (draws.top_p if draws else 1.0)):
        found.append(f"top_p:{own.top_p:g}")
    return found


def affects(task: PreparedTask, spec: RunSpec) -> bool:
    """Whether the run's options for generated texts affect a task; they do not affect written choices."""
    return bool(spec.generation.named) and task.loaded.task.request == "generate" and task.choices is None


def settings(spec: RunSpec) -> dict[str, Any]:
    """The given options, for the record."""
    found = spec.generation.named
    if spec.generation.system is not None:
        found["system"] = without_secrets(spec.generation.system)
    if spec.generation.stop is not None:
        found["stop"] = list(spec.generation.stop)
    return found


def _hash(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]
