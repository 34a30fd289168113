"""Makes the manifest of a run, in the record's schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from lsm_eval.data.load import Table
from lsm_eval.metrics.joint import SampleResponse, parts
from lsm_eval.models.base import Model, ModelInfo
from lsm_eval.requests import (
    Failure,
    Generated,
)
from lsm_eval.results.schema import (
    SCHEMA_VERSION,
    AbsentRow,
    CutOffRow,
    DatasetRow,
    LeftOutRow,
    Manifest,
    TaskRow,
)
from lsm_eval.runner.at_start import samples_stopped_at_start
from lsm_eval.runner.environment import hardware, versions
from lsm_eval.runner.execute import Tally
from lsm_eval.runner.generation import settings
from lsm_eval.runner.judge import JudgedTasks
from lsm_eval.runner.model_row import model_row
from lsm_eval.runner.prepared import PreparedTask
from lsm_eval.runner.spec import RunSpec
from lsm_eval.runner.thought_tokens import totals
from lsm_eval.runner.thoughts import samples_with_thoughts
from lsm_eval.secrets import without_secrets
from lsm_eval.tasks import chosen

NOT_USED = "not used: all answers were in the store"
"""What a record says of the engine of a run that computed nothing."""


def make_manifest(
    spec: RunSpec,
    model: Model,
    fingerprint: str,
    tasks: Sequence[tuple[PreparedTask, Sequence[SampleResponse], Mapping[str, int]]],
    tallies: Sequence[Tally],
    created: datetime,
    judging: JudgedTasks,
    left_out: Sequence[LeftOutRow] = (),
    *,
    cut_off: Mapping[str, CutOffRow | None] = MappingProxyType({}),
) -> Manifest:
    """The manifest without `phases` and `work`, which are known only after everything else is written."""
    info = model.info
    written = [
        response.written if isinstance(response, Failure) else response
        for _, responses, _ in tasks
        for whole in responses
        for response in parts(whole)
    ]
    generated = sum(response.tokens or 0 for response in written if isinstance(response, Generated))
    asked = sum(cost.asked for task, _, _ in tasks for cost in task.costs)
    counted = all(response.tokens is not None for response in written if isinstance(response, Generated))
    rows = [
        _task_row(task, spec, failures, responses, cut_off.get(task.name))
        for task, responses, failures in tasks
    ]
    return Manifest(
        schema_version=SCHEMA_VERSION,
        run=created.strftime("%Y%m%dT%H%M%S.%fZ"),
        created=created.isoformat(),
        command=[without_secrets(part) for part in spec.command],
        seed=spec.seed,
        model=model_row(
            info,
            fingerprint,
            details(info, computed=any(tally.computed for tally in tallies)),
            name=spec.name,
            spec=without_secrets(spec.model),
        ),
        tasks=rows,
        versions=versions(),
        hardware=hardware(info.device),
        phases=[],
        judge=judging.row,
        absent=[*judging.absent, *(row for task, _, _ in tasks for row in _dropped(task))],
        left_out=[row.model_copy(update={"why": without_secrets(row.why)}) for row in left_out],
        redacted=any(row.redacted for row in rows),
        requests={
            name: sum(getattr(tally, name) for tally in tallies)
            for name in ("asked", "unique", "from_store", "computed", "failed")
        },
        tokens={
            **({"asked": asked} if all(task.counts for task, _, _ in tasks) else {}),
            **({"generated": generated} if counted else {}),
            **totals([whole for _, responses, _ in tasks for whole in responses], model),
        },
        settings={
            "batch_tokens": spec.options.batch_tokens or "auto",
            "chat": spec.chat,
            "reasoning": spec.reasoning,
            "choices": spec.choices,
            "max_tokens": spec.max_tokens,
            **budgets(spec),
            **settings(spec),
            "chat_template": spec.options.chat_template,
            "dtype": spec.options.dtype,
            "device": spec.options.device,
            "limit": spec.limit if spec.limit is None or isinstance(spec.limit, int) else float(spec.limit),
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


def budgets(spec: RunSpec) -> dict[str, int | str]:
    """The thinking budgets that were set."""
    own = {"reasoning_tokens": spec.reasoning_tokens, "reasoning_effort": spec.reasoning_effort}
    return {name: value for name, value in own.items() if value is not None}


def details(info: ModelInfo, *, computed: bool) -> dict[str, str]:
    """What the record says of the model. `computed`: whether any answer was computed."""
    found = dict(info.details or {})
    # The store does not keep how each answer was computed, and answers may come from several runs.
    if info.device is not None and not computed:
        found.setdefault("engine", NOT_USED)
    return found


def _task_row(
    task: PreparedTask,
    spec: RunSpec,
    failures: Mapping[str, int],
    responses: Sequence[SampleResponse],
    cut_off: CutOffRow | None,
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
        limit=spec.most(len(task.data.rows)),
        groups=task.groups,
        chosen=None if task.chosen is None else chosen.digest(task.chosen),
        samples=len(task.samples),
        failures=dict(failures),
        thoughts=samples_with_thoughts(responses),
        stopped_at_start=samples_stopped_at_start(task.samples, responses),
        cut_off=cut_off,
        own_shots=task.own_shots,
        own_chat=task.own_chat,
        drifted=(definition.dataset.sha256 is not None and not task.data.pinned)
        or (task.examples is not None and definition.fewshot.sha256 is not None and not task.examples.pinned),
        sensitive=definition.sensitive,
        redistributable=definition.redistributable,
        redacted=spec.redacts(definition),
        gate=task.gate,
        choices=None if task.choices is None else f"generated/{task.choices}",
    )


def _dropped(task: PreparedTask) -> list[AbsentRow]:
    return [AbsentRow(task=task.name, metric=name, why=why) for name, why in task.dropped.items()]


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
