"""A run in the words of the record's schema."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from lsm_eval import __version__
from lsm_eval.lm_eval_bridge.names import LmEvalTask
from lsm_eval.metrics.base import AnyMetric, Measurement
from lsm_eval.metrics.joint import SampleResponse, parts
from lsm_eval.models.base import LikelihoodKind, Model, ModelInfo
from lsm_eval.requests import (
    Failure,
    Generated,
    Likelihood,
    Response,
    Score,
    Scored,
    answer_fields,
    asked,
    kind,
)
from lsm_eval.results.schema import (
    SCHEMA_VERSION,
    DatasetRow,
    EstimateRow,
    LeftOutRow,
    Manifest,
    TaskRow,
)
from lsm_eval.runner.at_start import samples_stopped_at_start
from lsm_eval.runner.environment import hardware, versions
from lsm_eval.runner.execute import Tally
from lsm_eval.runner.judge import Bench
from lsm_eval.runner.model_row import model_row
from lsm_eval.runner.prepare import PreparedTask
from lsm_eval.runner.spec import RunSpec
from lsm_eval.runner.thoughts import samples_with_thoughts
from lsm_eval.secrets import without_secrets
from lsm_eval.statistics import methods
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.tasks.data.load import Table
from lsm_eval.tasks.sample import Sample


def signature(
    task: PreparedTask,
    metric: AnyMetric,
    spec: RunSpec,
    *,
    fingerprint: str,
    likelihood: LikelihoodKind = "causal",
    reasoning: str = "",
) -> str:
    """What makes a number reproducible. Two numbers are comparable if these agree up to `model:`."""
    definition = task.loaded.task
    drift = "" if task.data.pinned else "!unpinned"
    parts = [
        f"{definition.task}:v{definition.version}",
        f"data:{task.data.sha256[:16]}{drift}",
        f"n:{len(task.samples)}",
        f"shots:{task.shots}" + (f"/{definition.fewshot.sampler}" if task.shots else ""),
    ]
    seeded = task.shots and definition.fewshot.sampler == "random"
    share = task.loaded.share if spec.limit is None else None
    if share:
        parts.append(f"drawn:clusters/{share.limit}" + (f"/{share.each}_each/weighted" if share.each else ""))
    if task.groups is not None:
        parts.append(f"drawn:groups+clusters/{spec.limit}")
    if seeded or share or task.groups is not None or task.variant or definition.draws:
        parts.append(f"seed:{spec.seed}")
    if task.examples is not None:
        parts.append(f"examples:{task.examples.sha256[:16]}{'' if task.examples.pinned else '!unpinned'}")
    parts.append(f"chat:{'on' if task.chat else 'off'}")
    if task.chat and spec.options.chat_template is not None:
        parts.append(f"template:{Path(spec.options.chat_template).name}")
    if task.system:
        parts.append(f"system:{task.system}")
    own = None if isinstance(task.loaded, LmEvalTask) else definition.max_tokens
    if definition.request == "generate" and spec.max_tokens not in (None, own):
        parts.append(f"max_tokens:{spec.max_tokens}")
    if task.chat and definition.stop and definition.stop != definition.chat_stop:
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
    """One row a metric."""
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


def sample_rows(
    task: PreparedTask,
    responses: Sequence[SampleResponse],
    measurements: Sequence[Mapping[str, Measurement | None]],
    model: Model,
) -> dict[str, list[Any]]:
    """The per-sample table, column by column (`schema.SAMPLE_COLUMNS`, then two a metric)."""
    columns: dict[str, list[Any]] = {}

    def add(**values: Any) -> None:
        for name, value in values.items():
            columns.setdefault(name, []).append(value)

    # Those that only came to light with the answers too (`scoring.Revealing`).
    names = list(
        dict.fromkeys([m.name for m in task.metrics] + [name for own in measurements for name in own])
    )
    several = any(sample.further for sample in task.samples)
    thinks = samples_with_thoughts(responses) > 0
    weighted = any(sample.weight != 1 for sample in task.samples)
    for index, (sample, whole, own) in enumerate(zip(task.samples, responses, measurements, strict=True)):
        request, response = sample.request, parts(whole)[0]
        scoring = isinstance(request, Score)
        failure = response if isinstance(response, Failure) else None
        # Of a text that ended inside its thoughts everything is kept but an answer, which it has not.
        response = failure.written if failure and failure.written else response
        add(
            task=task.name,
            sample=sample.id,
            index=index,
            cluster=sample.cluster,
            request=kind(request),
            asked=asked(sample.requests),
            prompt="" if sample.missing else model.render(request),
            choices=list(sample.choices) if scoring else None,
            continuations=list(request.continuations) if isinstance(request, Score) else None,
            logprobs=_logprobs(response),
            tokens=_tokens(response),
            greedy=list(response.greedy) if isinstance(response, Scored) else None,
            completion=response.text if isinstance(response, Generated) and not failure else None,
            finish=response.finish if isinstance(response, Generated) else None,
            truncated=response.truncated if isinstance(response, (Scored, Generated)) else 0,
            target=[str(value) for value in sample.target],
            metadata=json.dumps(dict(sample.metadata), ensure_ascii=False, sort_keys=True, default=str),
            failure=failure.reason if failure else None,
            failure_detail=failure.detail if failure else None,
        )
        if weighted:
            add(weight=sample.weight)
        if thinks:
            add(thoughts=(response.thoughts or None) if isinstance(response, Generated) else None)
        if several:
            add(further=_further(sample, whole, model))
        for name in names:
            measured = own.get(name)
            add(
                **{
                    f"score.{name}": measured.value if measured else None,
                    f"stats.{name}": list(measured.statistics) if measured else None,
                }
            )
    return columns


def make_manifest(
    spec: RunSpec,
    model: Model,
    fingerprint: str,
    tasks: Sequence[tuple[PreparedTask, Sequence[SampleResponse], Mapping[str, int]]],
    tallies: Sequence[Tally],
    created: datetime,
    bench: Bench,
    left_out: Sequence[LeftOutRow] = (),
) -> Manifest:
    """How the numbers came to be, but for `phases` and `work`, which are known once all else is written."""
    info = model.info
    written = [
        response.written if isinstance(response, Failure) else response
        for _, responses, _ in tasks
        for whole in responses
        for response in parts(whole)
    ]
    generated = sum(response.tokens for response in written if isinstance(response, Generated))
    rows = [_task_row(task, spec, failures, responses) for task, responses, failures in tasks]
    return Manifest(
        schema_version=SCHEMA_VERSION,
        run=created.strftime("%Y%m%dT%H%M%S.%fZ"),
        created=created.isoformat(),
        command=[without_secrets(part) for part in spec.command],
        seed=spec.seed,
        model=model_row(
            info,
            fingerprint,
            _details(info, tallies),
            name=spec.name,
            spec=without_secrets(spec.model),
        ),
        tasks=rows,
        versions=versions(),
        hardware=hardware(info.device),
        phases=[],
        judge=bench.row,
        absent=bench.absent,
        left_out=[row.model_copy(update={"why": without_secrets(row.why)}) for row in left_out],
        redacted=any(row.redacted for row in rows),
        requests={
            name: sum(getattr(tally, name) for tally in tallies)
            for name in ("asked", "unique", "from_store", "computed", "failed")
        },
        tokens={
            "asked": sum(cost.asked for task, _, _ in tasks for cost in task.costs),
            "generated": generated,
        },
        settings={
            "batch_tokens": spec.options.batch_tokens or "auto",
            "chat": spec.chat,
            "reasoning": spec.reasoning,
            "max_tokens": spec.max_tokens,
            "chat_template": spec.options.chat_template,
            "dtype": spec.options.dtype,
            "device": spec.options.device,
            "limit": spec.limit,
            "first": spec.first,
            "shots": spec.shots,
            "overflow": spec.options.overflow,
            "engine": spec.options.engine,
            "offline": spec.data.offline,
            "allow_drift": spec.data.allow_drift,
            "data_mirror": without_secrets(str(spec.data.mirror)) if spec.data.mirror else None,
            "trust_remote_code": spec.options.trust_remote_code,
            "redact": spec.redact,
        },
    )


def _details(info: ModelInfo, tallies: Sequence[Tally]) -> dict[str, str]:
    found = dict(info.details or {})
    # The store keeps answers and not how each was computed, and they may come from several runs.
    if info.device is not None and not any(tally.computed for tally in tallies):
        found.setdefault("engine", "not used: all answers were in the store")
    return found


def _task_row(
    task: PreparedTask, spec: RunSpec, failures: Mapping[str, int], responses: Sequence[SampleResponse]
) -> TaskRow:
    definition = task.loaded.task
    return TaskRow(
        task=definition.task,
        version=definition.version,
        title=definition.title,
        area=definition.area,
        licence=definition.licence,
        source=definition.source,
        description=definition.description,
        departures=list(definition.departures),
        references=[reference.model_dump() for reference in definition.references],
        dataset=_dataset_row(task.data),
        fewshot_dataset=_dataset_row(task.examples) if task.examples else None,
        request=definition.request,
        shots=task.shots,
        sampler=definition.fewshot.sampler,
        chat=task.chat,
        system=task.system,
        limit=spec.limit,
        groups=task.groups,
        samples=len(task.samples),
        failures=dict(failures),
        thoughts=samples_with_thoughts(responses),
        stopped_at_start=samples_stopped_at_start(task.samples, responses),
        own_shots=task.own_shots,
        own_chat=task.own_chat,
        drifted=(definition.dataset.sha256 is not None and not task.data.pinned)
        or (task.examples is not None and definition.fewshot.sha256 is not None and not task.examples.pinned),
        sensitive=definition.sensitive,
        redacted=spec.redacts(sensitive=definition.sensitive),
    )


def _dataset_row(table: Table) -> DatasetRow:
    return DatasetRow(
        source=table.source,
        name=table.name,
        configs=list(table.configs),
        split=table.split,
        revision=table.revision,
        rows=len(table.rows),
        sha256=table.sha256,
        pinned=table.pinned,
    )


def _further(sample: Sample, response: SampleResponse, model: Model) -> str | None:
    """The requests after the sample's first one, and their answers, as a JSON list; None where it has one only."""
    if not sample.further:
        return None
    answers: list[Response | None] = [*parts(response)[1:]] or [None] * len(sample.further)
    rows = [
        {
            "request": kind(request),
            "prompt": model.render(request),
            "continuations": list(request.continuations) if isinstance(request, Score) else None,
            **(_fields(answer) if answer is not None else {}),
        }
        for request, answer in zip(sample.further, answers, strict=True)
    ]
    return json.dumps(rows, ensure_ascii=False)


def _fields(answer: Response) -> dict[str, Any]:
    return asdict(answer) if isinstance(answer, Failure) else answer_fields(answer)


def _logprobs(response: Response) -> list[float] | None:
    if isinstance(response, Scored):
        return list(response.logprobs)
    return [response.logprob] if isinstance(response, Likelihood) else None


def _tokens(response: Response) -> list[int] | None:
    if isinstance(response, Scored):
        return list(response.tokens)
    return [response.tokens] if isinstance(response, (Likelihood, Generated)) else None
