"""The numbers of a run in the record's schema, each with its signature."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from lsm_eval import __version__
from lsm_eval.lm_eval_bridge.names import LmEvalTask
from lsm_eval.metrics.base import AnyMetric
from lsm_eval.models.base import LikelihoodKind
from lsm_eval.results.schema import (
    EstimateRow,
)
from lsm_eval.runner.generation import affects, parts_of_signature
from lsm_eval.runner.prepared import PreparedTask
from lsm_eval.runner.spec import RunSpec
from lsm_eval.runner.written_choices.read import part_of_signature
from lsm_eval.statistics import methods
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.tasks import chosen


def signature(
    task: PreparedTask,
    metric: AnyMetric,
    spec: RunSpec,
    *,
    fingerprint: str,
    likelihood: LikelihoodKind = "causal",
    reasoning: str = "",
) -> str:
    """The signature of a number: everything it depends on. Two numbers are comparable if their signatures agree up to `model:`."""
    definition = task.loaded.task
    drift = "" if task.data.pinned else "!unpinned"
    parts = [
        f"{definition.task}:v{definition.version}",
        f"data:{task.data.sha256[:16]}{drift}",
        f"n:{len(task.samples)}",
        f"shots:{task.shots}" + (f"/{definition.fewshot.sampler}" if task.shots else ""),
    ]
    seeded = task.shots and definition.fewshot.sampler == "random"
    share = task.loaded.share if spec.limit is None and task.chosen is None else None
    if share:
        parts.append(f"drawn:clusters/{share.limit}" + (f"/{share.each}_each/weighted" if share.each else ""))
    if task.groups is not None:
        parts.append(f"drawn:groups+clusters/{spec.most(len(task.data.rows))}")
    if task.chosen is not None:
        parts.append(f"chosen:{chosen.digest(task.chosen)}")
    if task.gate is not None and task.gate.planned < task.gate.whole:
        parts.append("drawn:baseline")
    if task.gate is not None and task.stopped:
        parts.append(f"stopped:{task.gate.look}/{task.gate.looks}")
    drawing = affects(task, spec) and spec.generation.temperature
    drawn = share or task.groups is not None or task.choices is not None or definition.draws or drawing
    if seeded or drawn or task.stopped or task.variant:
        parts.append(f"seed:{spec.seed}")
    if task.examples is not None:
        parts.append(f"examples:{task.examples.sha256[:16]}{'' if task.examples.pinned else '!unpinned'}")
    if choices := part_of_signature(task):
        parts.append(choices)
    parts.append(f"chat:{'on' if task.chat else 'off'}")
    if task.chat and spec.options.chat_template is not None:
        parts.append(f"template:{Path(spec.options.chat_template).name}")
    written = parts_of_signature(task, spec)
    names = {part.partition(":")[0] for part in written}
    if task.system and "system" not in names:
        parts.append(f"system:{task.system}")
    own = None if isinstance(task.loaded, LmEvalTask) else definition.max_tokens
    if definition.request == "generate" and spec.max_tokens not in (None, own):
        parts.append(f"max_tokens:{spec.max_tokens}")
    if definition.request == "generate" and spec.reasoning_tokens is not None:
        parts.append(f"reasoning_tokens:{spec.reasoning_tokens}")
    if definition.request == "generate" and spec.reasoning_effort is not None:
        parts.append(f"reasoning_effort:{spec.reasoning_effort}")
    parts += written
    if "stop" not in names and task.chat and definition.stop and definition.stop != definition.chat_stop:
        parts.append("stop:chat" if definition.chat_stop else "stop:none")
    if reasoning:
        parts.append(reasoning)
    if spec.options.overflow != "error":
        parts.append(f"overflow:{spec.options.overflow}")
        if spec.options.overflow == "truncate" and not any(s.request.lm_eval for s in task.samples[:1]):
            parts.append("cut:after_start")
    parts += [f"metric:{metric.signature}", f"lsm-eval:{__version__}", f"intervals:{methods.fingerprint()}"]
    if task.loaded.code:
        parts.append(f"code:{task.loaded.code}")
    if likelihood != "causal" and definition.request != "generate":
        parts.append(f"likelihood:{likelihood}")
    parts.append(f"model:{fingerprint[:16]}")
    return " ".join(part.replace(" ", "_") for part in parts)


def estimate_rows(
    task: PreparedTask,
    estimates: Iterable[tuple[AnyMetric, Estimate]],
    spec: RunSpec,
    *,
    fingerprint: str,
    likelihood: LikelihoodKind = "causal",
    reasoning: str = "",
) -> list[EstimateRow]:
    """One row per metric."""
    definition = task.loaded.task
    return [
        EstimateRow(
            task=definition.task,
            task_version=definition.version,
            title=definition.title,
            area=definition.area,
            metric=metric.name,
            unit=metric.unit,
            higher_is_better=metric.higher_is_better,
            metric_signature=metric.signature,
            signature=signature(
                task, metric, spec, fingerprint=fingerprint, likelihood=likelihood, reasoning=reasoning
            ),
            **asdict(estimate),
        )
        for metric, estimate in estimates
    ]
