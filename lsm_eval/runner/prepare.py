"""Everything that can be known, and can be wrong, before a model is asked anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from lsm_eval.errors import UserError
from lsm_eval.lm_eval_bridge.names import RESOLVERS, LmEvalTask
from lsm_eval.metrics import registry as metrics
from lsm_eval.metrics.base import AnyMetric
from lsm_eval.metrics.scoring import Demanding
from lsm_eval.models.base import Chatting, Cost, Model
from lsm_eval.models.chat_template import ChatTemplateError
from lsm_eval.models.encoding import Encoder
from lsm_eval.progress import Progress
from lsm_eval.requests import Generate, Request
from lsm_eval.results.names import folder_name
from lsm_eval.robustness.variant import Variant, make_variant
from lsm_eval.runner.left_out import LeftOut
from lsm_eval.runner.spec import RunSpec
from lsm_eval.tasks.build import BuildOptions, build, where_filter
from lsm_eval.tasks.data.load import Table, load
from lsm_eval.tasks.encodable import encodable
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
    groups: int | None = None
    """Over so many groups its samples were drawn, to keep to the run's limit; None where no limit drew them."""
    variant: Variant | None = None
    """How its questions were changed; None for the task's own wording."""
    base: str | None = None
    """Of a variant: the task's own name."""
    system: Literal["folded"] | None = None
    """`folded`: its system message stands in the user's, since the chat template takes none."""
    unchanged: Mapping[str, str] = field(default_factory=dict)
    """Variants that were asked for and are no variants of this task, and why, in words."""
    own_shots: int | None = None
    """The task's own number of examples."""
    own_chat: bool | None = None
    """Whether this model would be asked with a chat template if nobody had said anything."""

    @property
    def name(self) -> str:
        """The task's name."""
        return self.loaded.task.task


@dataclass(frozen=True)
class Prepared:
    """Tasks that can be asked, and those that were named and cannot."""

    tasks: list[PreparedTask]
    left_out: LeftOut


def check_tasks(spec: RunSpec) -> list[LoadedTask]:
    """The tasks that `spec` names, read and checked without their data and without a model.

    Raises `UserError` for a name that fits nothing, and for a task, a key or a metric that is not there where no task
    remains (`spec.strict`: where one is wrong).
    """
    left_out = LeftOut(strict=spec.strict)
    loaded = _checked(spec, left_out)
    left_out.check(len(loaded))
    return loaded


def _checked(spec: RunSpec, left_out: LeftOut) -> list[LoadedTask]:
    registry = Registry(spec.include, RESOLVERS, code=spec.include_code)
    found = registry.resolve(spec.tasks, left_out.take)
    for file in registry.broken:
        if file.name not in left_out:
            left_out.aside(f"a task file is passed over: {file.fault}")
    check_tables(found, spec.perturb)
    loaded = []
    for task in found:
        with left_out.unless(task.task.task):
            # The harness's tasks bring metrics of their own, which show when their data is read.
            for metric in () if isinstance(task, LmEvalTask) else task.task.metrics:
                metrics.check(metric, task.task.request)
            loaded.append(task)
    return loaded


def check_tables(loaded: Sequence[LoadedTask], variants: Sequence[str]) -> None:
    """Raises `UserError` where two tasks, or variants of them, would write one sample table."""
    taken: dict[str, str] = {}
    for task in (one.task.task for one in loaded):
        for name in (task, *(f"{task}@{variant}" for variant in dict.fromkeys(variants))):
            other = taken.setdefault(folder_name(name).lower(), name)
            if other != name:
                raise UserError(
                    f"the tasks {other!r} and {name!r} would write one sample table: rename one, or run them one "
                    "after the other."
                )


def prepare(spec: RunSpec, model: Model, progress: Progress) -> list[PreparedTask]:
    """The tasks of `spec`, all of them: as `prepare_each`, but raises `UserError` where one cannot be asked."""
    return prepare_each(replace(spec, strict=True), model, progress).tasks


def prepare_each(spec: RunSpec, model: Model, progress: Progress) -> Prepared:
    """Tasks read, checked, rendered and counted; those that cannot be are named and left out. Loads no weights.

    Raises `UserError` for anything that would make the whole run fail or mislead later on, where no task remains, and
    with `spec.strict` for the first task that cannot be asked.
    """
    left_out = LeftOut(strict=spec.strict, command=spec.command)
    loaded = _checked(spec, left_out)
    variants = [make_variant(name, spec.seed) for name in dict.fromkeys(spec.perturb)]
    if spec.limit is not None and spec.limit < 1:
        raise UserError("--limit must be 1 or more.")
    # What is wrong with the model (asked for what is known of it here) or with all tasks is no mistake of one.
    _check_chat(loaded, spec, chat_template=model.info.chat_template)
    made = {}
    for task in loaded:
        with left_out.unless(task.task.task):
            own = () if isinstance(task, LmEvalTask) else _metrics(task, offline=spec.data.offline)
            made[task.task.task] = own
    read = []
    with progress.phase("data", len(loaded)) as phase:
        for task in loaded:
            if task.task.task in made:
                read += _read(task, made[task.task.task], variants, spec, model, left_out, progress)
            phase.advance(1)
    left_out.check(len(read), progress)
    prepared = []
    total = sum(len(task.samples) for task in read)
    with progress.phase("tokenise", total) as phase:
        for one in read:
            with left_out.unless(one.name, withhold=spec.redacts(sensitive=one.loaded.task.sensitive)):
                counted = _counted(one, model, spec)
                if one.base is None or one.base not in left_out:
                    prepared.append(counted)
                phase.advance(len(one.samples), sum(cost.asked for cost in counted.costs))
    left_out.check(len(prepared), progress)
    left_out.say(progress)
    _note_refused(prepared, model, progress)
    return Prepared(prepared, left_out)


def _read(
    loaded: LoadedTask,
    own: tuple[AnyMetric, ...],
    variants: Sequence[Variant],
    spec: RunSpec,
    model: Model,
    left_out: LeftOut,
    progress: Progress,
) -> list[PreparedTask]:
    """The task with its data and samples, and its variants; nothing where it is left out."""
    name = loaded.task.task
    whole = None
    with left_out.unless(name):
        if isinstance(loaded, LmEvalTask):
            whole = _prepare_harness_task(loaded, spec, model)
        else:
            whole = _prepare_task(loaded, own, spec, chat_template=model.info.chat_template)
    found: list[PreparedTask] = []
    if whole is not None:
        with left_out.unless(name, withhold=spec.redacts(sensitive=loaded.task.sensitive)):
            if not isinstance(loaded, LmEvalTask):
                whole = _built(whole, spec)
            found = [_encodable(one, progress) for one in _with_variants(whole, variants, spec)]
    return found


def _counted(one: PreparedTask, model: Model, spec: RunSpec) -> PreparedTask:
    """The task with the tokens that it costs."""
    requests = [request for sample in one.samples for request in sample.requests]
    try:
        each = model.cost(requests)
    except ChatTemplateError as error:
        raise UserError(f"{one.name}: {error}") from error
    costs = _sample_costs(one.samples, each)
    _check_lengths(one, costs, model, spec)
    return replace(
        one, costs=costs, tokens=tuple(cost.asked for cost in each), system=_system(one, requests, model)
    )


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
    """The task with its data, and no samples yet."""
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
    own_chat = _own_chat(loaded, chat_template=chat_template)
    return PreparedTask(
        loaded, own, data, examples, (), shots, chat, own_shots=task.fewshot.shots, own_chat=own_chat
    )


def _samples(task: PreparedTask, spec: RunSpec, variant: Variant | None = None) -> tuple[Sample, ...]:
    return _built(task, spec, variant).samples


def _built(task: PreparedTask, spec: RunSpec, variant: Variant | None = None) -> PreparedTask:
    """The task with its samples."""
    options = BuildOptions(
        shots=task.shots,
        seed=spec.seed,
        limit=spec.limit,
        first=spec.first,
        chat=task.chat,
        variant=variant,
    )
    built = build(task.loaded, task.data, task.examples, options)
    return replace(task, samples=_limited(tuple(built.samples), spec), groups=built.groups)


def _limited(samples: tuple[Sample, ...], spec: RunSpec) -> tuple[Sample, ...]:
    """The samples with the run's own bound of new tokens, where it names one."""
    if spec.max_tokens is None:
        return samples
    return _generated(samples, max_tokens=spec.max_tokens)


def _generated(samples: Sequence[Sample], **changes: Any) -> tuple[Sample, ...]:
    """The samples with all their requests of generated texts changed."""
    found = []
    for sample in samples:
        first, *further = [
            replace(request, **changes) if isinstance(request, Generate) else request
            for request in sample.requests
        ]
        found.append(replace(sample, request=first, further=tuple(further)))
    return tuple(found)


def _encodable(task: PreparedTask, progress: Progress) -> PreparedTask:
    """The task without halves of surrogate pairs, which is said once."""
    samples, changed = encodable(task.samples)
    count = max(changed, task.data.mended, task.examples.mended if task.examples else 0)
    if count and task.variant is None:
        progress.note(
            f"{task.name}: {count} {'sample or row has' if count == 1 else 'samples or rows have'} half a surrogate "
            "pair, which cannot be encoded; U+FFFD stands in its place."
        )
    return replace(task, samples=samples) if changed else task


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
    from lsm_eval.lm_eval_bridge.tasks import build as build_harness_task

    encoder: Encoder | None = getattr(model, "encoder", None)
    chat = spec.chat == "on" and loaded.task.request != "perplexity"
    if chat and not (encoder and encoder.chat_template):
        raise UserError("--chat on needs a chat template, and the model has none: use --chat off.")
    built = build_harness_task(
        loaded,
        shots=spec.shots,
        limit=spec.limit,
        seed=spec.seed,
        mirror=spec.data.mirror,
        encoder=encoder,
        chat_template=chat,
    )
    samples = _limited(built.samples, spec)
    if spec.reasoning == "strip":  # thoughts as in our own tasks: marks are kept, and stop strings wait
        samples = _generated(samples, stop_in_thoughts=False)
    own_shots = built.shots if spec.shots is None else int(loaded.config.get("num_fewshot") or 0)
    return PreparedTask(
        built.loaded,
        built.metrics,
        built.data,
        None,
        samples,
        built.shots,
        chat,
        own_shots=own_shots,
        own_chat=False,
    )


def _check_chat(loaded: Sequence[LoadedTask], spec: RunSpec, *, chat_template: bool) -> None:
    asked = any(task.task.request != "perplexity" for task in loaded)
    if spec.chat == "on" and asked and not chat_template:
        raise UserError("--chat on needs a chat template, and the model has none: use --chat off.")


def _uses_chat(loaded: LoadedTask, spec: RunSpec, *, chat_template: bool) -> bool:
    task = loaded.task
    if spec.chat != "auto":
        return spec.chat == "on" and task.request != "perplexity"
    if task.chat == "on" and task.request != "perplexity" and not chat_template:
        raise UserError(f"task {task.task!r} needs a chat template, and the model has none: use --chat off.")
    return _own_chat(loaded, chat_template=chat_template)


def _own_chat(loaded: LoadedTask, *, chat_template: bool) -> bool:
    """Whether the task is asked with a chat template where nobody says anything."""
    task = loaded.task
    if task.request == "perplexity":
        return False
    return task.chat == "on" or (task.chat == "auto" and task.request == "generate" and chat_template)


def _metrics(loaded: LoadedTask, *, offline: bool) -> tuple[AnyMetric, ...]:
    made = tuple(metrics.create(spec, offline=offline, folder=loaded.folder) for spec in loaded.task.metrics)
    names = [metric.name for metric in made]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise UserError(f"{loaded.path}: two metrics are named {twice!r}: give one the option `name`.")
    for metric in made:
        if isinstance(metric, Demanding):
            metric.check_task(loaded.task.request, loaded.task.draws.n if loaded.task.draws else 0)
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
        bos=max((cost.bos for cost in costs), default=0),
        longest=max((cost.longest for cost in costs), default=0),
        truncated=max((cost.truncated for cost in costs), default=0),
    )


def _check_lengths(task: PreparedTask, costs: Sequence[Cost], model: Model, spec: RunSpec) -> None:
    if spec.options.overflow != "error":
        return
    long = [cost for cost in costs if cost.truncated]
    if long:
        raise UserError(
            f"{task.name}: {len(long)} of {len(task.samples)} samples need up to "
            f"{max(cost.longest for cost in long)} tokens, and the context of {model.info.name} is "
            f"{model.info.context}: pass --overflow truncate to cut contexts on the left, "
            "--overflow skip to count these samples as missing, or fewer --shots."
        )
