"""Builds the data, metrics and samples of a task as a run needs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lsm_eval.data.load import load
from lsm_eval.errors import UserError
from lsm_eval.lm_eval_bridge.names import LmEvalTask
from lsm_eval.metrics.base import AnyMetric
from lsm_eval.metrics.protocols import Demanding
from lsm_eval.models.base import Model
from lsm_eval.models.encoding import Encoder
from lsm_eval.progress import Progress
from lsm_eval.robustness.variant import Variant
from lsm_eval.runner.generation import apply_run_options, with_changes
from lsm_eval.runner.prepared import PreparedTask
from lsm_eval.runner.spec import RunSpec
from lsm_eval.scoring import registry as metrics
from lsm_eval.tasks.build import BuildOptions, build, where_filter
from lsm_eval.tasks.encodable import encodable
from lsm_eval.tasks.examples import Wording
from lsm_eval.tasks.registry import LoadedTask
from lsm_eval.tasks.sample import Sample


def with_data(
    loaded: LoadedTask,
    own: tuple[AnyMetric, ...],
    spec: RunSpec,
    chosen: tuple[str, ...] | None = None,
    *,
    chat_template: bool,
) -> PreparedTask:
    """The task with its data, without samples yet. `chosen`: the ids of the samples that it will have; None for all."""
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
        loaded,
        own,
        data,
        examples,
        (),
        shots,
        chat,
        chosen=chosen,
        own_shots=task.fewshot.shots,
        own_chat=own_chat,
    )


def _samples(task: PreparedTask, spec: RunSpec, variant: Variant | None = None) -> tuple[Sample, ...]:
    return with_samples(task, spec, variant).samples


def with_samples(
    task: PreparedTask, spec: RunSpec, variant: Variant | None = None, examples: Wording | None = None
) -> PreparedTask:
    """The task with its samples. `examples`: another wording of the few-shot examples."""
    options = BuildOptions(
        shots=task.shots,
        seed=spec.seed,
        limit=spec.limit,
        chosen=task.chosen,
        first=spec.first,
        chat=task.chat,
        variant=variant,
        examples=examples,
    )
    built = build(task.loaded, task.data, task.examples, options)
    return replace(task, samples=apply_run_options(tuple(built.samples), spec), groups=built.groups)


def with_examples(task: PreparedTask, spec: RunSpec, wording: Wording) -> PreparedTask:
    """Rebuilds the samples of a task, or of a variant, with few-shot examples in another wording."""
    definition = task.loaded.task
    if task.base is not None:  # random draws depend on the task's own name
        definition = definition.model_copy(update={"task": task.base})
    whole = replace(task, loaded=replace(task.loaded, task=definition))
    samples, _ = encodable(with_samples(whole, spec, task.variant, wording).samples)
    return replace(task, samples=samples)


def only_encodable(task: PreparedTask, progress: Progress) -> PreparedTask:
    """The task with lone surrogates replaced, which is reported once."""
    samples, changed = encodable(task.samples)
    count = max(changed, task.data.mended, task.examples.mended if task.examples else 0)
    if count and task.variant is None:
        progress.note(
            f"{task.name}: {count} {'sample or row has' if count == 1 else 'samples or rows have'} half a surrogate "
            "pair, which cannot be encoded; U+FFFD stands in its place."
        )
    return replace(task, samples=samples) if changed else task


def with_variants(whole: PreparedTask, variants: Sequence[Variant], spec: RunSpec) -> list[PreparedTask]:
    """The task, followed by its variants, which are named `TASK@VARIANT`."""
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
                metrics=own_metrics(whole.loaded, offline=spec.data.offline),
                samples=samples,
                variant=variant,
                base=whole.name,
            )
        )
    return [replace(whole, unchanged=unchanged), *made]


def of_harness(
    loaded: LmEvalTask, spec: RunSpec, model: Model, chosen: tuple[str, ...] | None = None
) -> PreparedTask:
    """A task of lm-evaluation-harness. As there, chat templates are off unless requested."""
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
        ids=chosen,
        system=spec.generation.system,
    )
    # The system message is in the prompts already, where the harness puts it.
    own = replace(spec, generation=replace(spec.generation, system=None))
    samples = apply_run_options(built.samples, own)
    if (
        spec.reasoning == "strip"
    ):  # thoughts are treated as in our own tasks: marks are kept, and stop strings wait
        samples = with_changes(samples, stop_in_thoughts=False)
    own_shots = built.shots if spec.shots is None else int(loaded.config.get("num_fewshot") or 0)
    return PreparedTask(
        built.loaded,
        built.metrics,
        built.data,
        None,
        samples,
        built.shots,
        chat,
        chosen=chosen,
        own_shots=own_shots,
        own_chat=False,
    )


def check_chat(loaded: Sequence[LoadedTask], spec: RunSpec, *, chat_template: bool) -> None:
    has_prompts = any(task.task.request != "perplexity" for task in loaded)
    if spec.chat == "on" and has_prompts and not chat_template:
        raise UserError("--chat on needs a chat template, and the model has none: use --chat off.")


def _uses_chat(loaded: LoadedTask, spec: RunSpec, *, chat_template: bool) -> bool:
    task = loaded.task
    if spec.chat != "auto":
        return spec.chat == "on" and task.request != "perplexity"
    if task.chat == "on" and task.request != "perplexity" and not chat_template:
        raise UserError(f"task {task.task!r} needs a chat template, and the model has none: use --chat off.")
    return _own_chat(loaded, chat_template=chat_template)


def _own_chat(loaded: LoadedTask, *, chat_template: bool) -> bool:
    """Whether the task is asked with a chat template by default."""
    task = loaded.task
    if task.request == "perplexity":
        return False
    return task.chat == "on" or (task.chat == "auto" and task.request == "generate" and chat_template)


def chat_of(loaded: LoadedTask, spec: RunSpec, *, chat_template: bool) -> tuple[bool, bool]:
    """Whether a task is asked in a chat, and whether it would be by default."""
    return (
        _uses_chat(loaded, spec, chat_template=chat_template),
        _own_chat(loaded, chat_template=chat_template),
    )


def own_metrics(loaded: LoadedTask, *, offline: bool) -> tuple[AnyMetric, ...]:
    made = tuple(
        metrics.create(spec, offline=offline, folder=loaded.folder, own=loaded.own)
        for spec in loaded.task.metrics
    )
    names = [metric.name for metric in made]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise UserError(f"{loaded.path}: two metrics are named {twice!r}: give one the option `name`.")
    for metric in made:
        if isinstance(metric, Demanding):
            metric.check_task(loaded.task.request, loaded.task.draws.n if loaded.task.draws else 0)
    return made
