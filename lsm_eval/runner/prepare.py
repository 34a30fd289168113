"""Everything that can be known, and can be wrong, before a model is asked anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from lsm_eval.errors import UserError
from lsm_eval.lm_eval_bridge.names import RESOLVERS, LmEvalTask
from lsm_eval.metrics import registry as metrics
from lsm_eval.metrics.base import AnyMetric
from lsm_eval.models.base import Chatting, Cost, Model
from lsm_eval.models.chat_template import ChatTemplateError
from lsm_eval.models.encoding import Encoder
from lsm_eval.progress import Progress
from lsm_eval.requests import Request
from lsm_eval.robustness.variant import Variant, make_variant
from lsm_eval.runner.spec import RunSpec
from lsm_eval.tasks.build import BuildOptions, build_samples, where_filter
from lsm_eval.tasks.data.load import Table, load
from lsm_eval.tasks.registry import LoadedTask, Registry
from lsm_eval.tasks.sample import Sample


@dataclass(frozen=True)
class PreparedTask:
    """A task with its metrics and samples, ready to be asked."""

    loaded: LoadedTask
    metrics: tuple[AnyMetric, ...]
    data: Table
    examples: Table | None
    """Rows that examples come from, where they are another split."""
    samples: tuple[Sample, ...]
    shots: int
    chat: bool
    costs: tuple[Cost, ...] = ()
    """Parallel to `samples`; empty where the model counts no tokens."""
    tokens: tuple[int, ...] = ()
    """Tokens of each request, those of one sample after those of another; empty where there are no costs."""
    variant: Variant | None = None
    """How its questions were changed; None for the task's own wording."""
    base: str | None = None
    """Of a variant: the task's own name."""
    system: Literal["folded"] | None = None
    """`folded`: its system message stands in the user's, since the chat template takes none."""
    unchanged: Mapping[str, str] = field(default_factory=dict)
    """Variants that were asked for and are no variants of this task, and why, in words."""

    @property
    def name(self) -> str:
        """The task's name."""
        return self.loaded.task.task


def check_tasks(spec: RunSpec) -> list[LoadedTask]:
    """The tasks that `spec` names, read and checked without their data and without a model.

    Raises `UserError` for a task, a key or a metric that is not there.
    """
    loaded = Registry(spec.include, RESOLVERS).resolve(spec.tasks)
    for task in loaded:
        # The harness's tasks bring metrics of their own, which show when their data is read.
        for metric in () if isinstance(task, LmEvalTask) else task.task.metrics:
            metrics.check(metric, task.task.request)
    return loaded


def prepare(spec: RunSpec, model: Model, progress: Progress) -> list[PreparedTask]:
    """Tasks read, checked, rendered and counted. Loads no weights.

    Raises `UserError` for anything that would make the run fail or mislead later on.
    """
    loaded = check_tasks(spec)
    variants = [make_variant(name, spec.seed) for name in dict.fromkeys(spec.perturb)]
    if spec.limit is not None and spec.limit < 1:
        raise UserError("--limit must be 1 or more.")
    made = [
        () if isinstance(task, LmEvalTask) else _metrics(task, offline=spec.data.offline) for task in loaded
    ]
    prepared = []
    with progress.phase("data", len(loaded)) as phase:
        for task, own in zip(loaded, made, strict=True):
            if isinstance(task, LmEvalTask):
                whole = _prepare_harness_task(task, spec, model)
            else:
                whole = _prepare_task(task, own, spec, chat_template=model.info.chat_template)
            prepared += _with_variants(whole, variants, spec)
            phase.advance(1)
    total = sum(len(task.samples) for task in prepared)
    with progress.phase("tokenise", total) as phase:
        for at, one in enumerate(prepared):
            requests = [request for sample in one.samples for request in sample.requests]
            try:
                each = model.cost(requests)
            except ChatTemplateError as error:
                raise UserError(f"{one.name}: {error}") from error
            costs = _sample_costs(one.samples, each)
            prepared[at] = replace(
                one,
                costs=costs,
                tokens=tuple(cost.asked for cost in each),
                system=_system(one, requests, model),
            )
            phase.advance(len(one.samples), sum(cost.asked for cost in costs))
    _note_refused(prepared, model, progress)
    _check_lengths(prepared, model, spec)
    return prepared


def _system(task: PreparedTask, requests: Sequence[Request], model: Model) -> Literal["folded"] | None:
    """What became of the system messages."""
    if not task.chat or not isinstance(model, Chatting):
        return None
    return "folded" if any(map(model.folded, requests)) else None


def _note_refused(tasks: Sequence[PreparedTask], model: Model, progress: Progress) -> None:
    """Say of which tasks the chat template takes no messages at all."""
    if not isinstance(model, Chatting):
        return
    for task in tasks:
        requests = [request for sample in task.samples for request in sample.requests] if task.chat else []
        refused = [why for why in map(model.refusal, requests) if why is not None]
        if refused:
            count = f"{len(refused)} of {len(requests)}"
            progress.note(f"{task.name}: {count} requests count as missing: {refused[0]}")


def _prepare_task(
    loaded: LoadedTask, own: tuple[AnyMetric, ...], spec: RunSpec, *, chat_template: bool
) -> PreparedTask:
    task = loaded.task
    shots = task.fewshot.shots if spec.shots is None or task.request == "perplexity" else spec.shots
    chat = _uses_chat(loaded, spec, chat_template=chat_template)
    keep = where_filter(loaded)
    data = load(task.dataset, base=loaded.folder, options=spec.data, pinned=task.dataset.sha256, keep=keep)
    examples = None
    if shots and task.fewshot.split and not task.fewshot.examples:
        examples = load(
            task.dataset,
            split=task.fewshot.split,
            base=loaded.folder,
            options=spec.data,
            pinned=task.fewshot.sha256,
            keep=keep,
        )
    whole = PreparedTask(loaded, own, data, examples, (), shots, chat)
    return replace(whole, samples=_samples(whole, spec))


def _samples(task: PreparedTask, spec: RunSpec, variant: Variant | None = None) -> tuple[Sample, ...]:
    build = BuildOptions(shots=task.shots, seed=spec.seed, limit=spec.limit, chat=task.chat, variant=variant)
    return tuple(build_samples(task.loaded, task.data, task.examples, build))


def _with_variants(whole: PreparedTask, variants: Sequence[Variant], spec: RunSpec) -> list[PreparedTask]:
    """The task, and after it its variants under names of their own (`TASK@VARIANT`)."""
    made, unchanged = [], {}
    for variant in variants:
        harness = isinstance(whole.loaded, LmEvalTask)
        why = "it is worded by lm-evaluation-harness" if harness else variant.why_not(whole.loaded.task)
        samples = () if why else _samples(whole, spec, variant)
        if not why and all(a.requests == b.requests for a, b in zip(whole.samples, samples, strict=True)):
            why = "it changes none of its questions"
        if why:
            unchanged[variant.name] = why
            continue
        named = whole.loaded.task.model_copy(
            update={
                "task": f"{whole.name}@{variant.name}",
                "title": f"{whole.loaded.task.title} ({variant.name})",
            }
        )
        made.append(
            replace(
                whole,
                loaded=replace(whole.loaded, task=named),
                metrics=_metrics(whole.loaded, offline=spec.data.offline),
                samples=samples,
                variant=variant,
                base=whole.name,
            )
        )
    return [replace(whole, unchanged=unchanged), *made]


def _prepare_harness_task(loaded: LmEvalTask, spec: RunSpec, model: Model) -> PreparedTask:
    """A task of lm-evaluation-harness: its chat templates are off unless asked for, as they are there."""
    from lsm_eval.lm_eval_bridge.tasks import build

    encoder: Encoder | None = getattr(model, "encoder", None)
    chat = spec.chat == "on" and loaded.task.request != "perplexity"
    if chat and not (encoder and encoder.chat_template):
        raise UserError("--chat on needs a chat template, and the model has none: use --chat off.")
    built = build(
        loaded,
        shots=spec.shots,
        limit=spec.limit,
        seed=spec.seed,
        mirror=spec.data.mirror,
        encoder=encoder,
        chat_template=chat,
    )
    return PreparedTask(built.loaded, built.metrics, built.data, None, built.samples, built.shots, chat)


def _uses_chat(loaded: LoadedTask, spec: RunSpec, *, chat_template: bool) -> bool:
    task = loaded.task
    if task.request == "perplexity" or spec.chat == "off":
        return False
    if spec.chat == "on" or task.chat == "on":
        if not chat_template:
            what = "--chat on" if spec.chat == "on" else f"task {task.task!r}"
            raise UserError(f"{what} needs a chat template, and the model has none: use --chat off.")
        return True
    return task.chat == "auto" and task.request == "generate" and chat_template


def _metrics(loaded: LoadedTask, *, offline: bool) -> tuple[AnyMetric, ...]:
    made = tuple(metrics.create(spec, offline=offline, folder=loaded.folder) for spec in loaded.task.metrics)
    names = [metric.name for metric in made]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise UserError(f"{loaded.path}: two metrics are named {twice!r}: give one the option `name`.")
    return made


def _sample_costs(samples: Sequence[Sample], each: Sequence[Cost]) -> tuple[Cost, ...]:
    """The cost of each sample from the costs of all their requests, in order."""
    if not each:
        return ()
    left = iter(each)
    return tuple(_total([next(left) for _ in sample.requests]) for sample in samples)


def _total(costs: Sequence[Cost]) -> Cost:
    return Cost(
        asked=sum(cost.asked for cost in costs),
        bos=max(cost.bos for cost in costs),
        longest=max(cost.longest for cost in costs),
        truncated=max(cost.truncated for cost in costs),
    )


def _check_lengths(prepared: Sequence[PreparedTask], model: Model, spec: RunSpec) -> None:
    if spec.options.overflow != "error":
        return
    for task in prepared:
        long = [cost for cost in task.costs if cost.truncated]
        if long:
            raise UserError(
                f"{task.name}: {len(long)} of {len(task.samples)} samples need up to "
                f"{max(cost.longest for cost in long)} tokens, and the context of {model.info.name} is "
                f"{model.info.context}: pass --overflow truncate to cut contexts on the left, "
                "--overflow skip to count these samples as missing, or fewer --shots."
            )
