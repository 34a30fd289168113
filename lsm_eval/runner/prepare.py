"""Prepares tasks: everything that can be computed and checked before a model is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lsm_eval.errors import UserError
from lsm_eval.lm_eval_bridge.names import LmEvalTask
from lsm_eval.metrics.base import AnyMetric
from lsm_eval.models.base import Model, Probing
from lsm_eval.progress import Progress
from lsm_eval.robustness.variant import Variant, make_variant
from lsm_eval.runner.build_tasks import (
    check_chat,
    of_harness,
    only_encodable,
    own_metrics,
    with_data,
    with_samples,
    with_variants,
)
from lsm_eval.runner.check_tasks import checked
from lsm_eval.runner.generation import check, note_unaffected
from lsm_eval.runner.left_out import LeftOut
from lsm_eval.runner.prepared import Prepared, PreparedTask
from lsm_eval.runner.spec import RunSpec
from lsm_eval.runner.token_counts import count_tokens, note_refused
from lsm_eval.runner.written_choices.tasks import (
    ask_for_labels,
    note_written,
    with_constrained_answers,
    writes_choices,
)
from lsm_eval.tasks.chosen import by_task
from lsm_eval.tasks.registry import LoadedTask


def prepare(spec: RunSpec, model: Model, progress: Progress) -> list[PreparedTask]:
    """All tasks of `spec`. Like `prepare_each`, but raises `UserError` if one cannot be asked."""
    return prepare_each(replace(spec, strict=True), model, progress).tasks


def prepare_each(spec: RunSpec, model: Model, progress: Progress) -> Prepared:
    """Tasks read, checked, rendered and counted; those with errors are reported and left out. Loads no weights.

    Raises `UserError` for anything that would make the whole run fail or mislead later, if no task remains, and
    with `spec.strict` for the first task that cannot be asked.
    """
    left_out = LeftOut(strict=spec.strict, command=spec.command)
    loaded = checked(spec, left_out)
    variants = [make_variant(name, spec.seed) for name in dict.fromkeys(spec.perturb)]
    if isinstance(spec.limit, int) and spec.limit < 1:
        raise UserError("--limit must be 1 or more.")
    # Errors of the model (which is asked for its info here) or of all tasks are not blamed on one task.
    check_chat(loaded, spec, chat_template=model.info.chat_template)
    note_unaffected(loaded, spec, progress)
    chosen = by_task(spec.sample_ids, [task.task.task for task in loaded]) if spec.sample_ids else {}
    made = {}
    for task in loaded:
        with left_out.unless(task.task.task):
            check(task, spec)
            own = () if isinstance(task, LmEvalTask) else own_metrics(task, offline=spec.data.offline)
            made[task.task.task] = own
    read = []
    with progress.phase("data", len(loaded)) as phase:
        for task in loaded:
            if task.task.task in made:
                name = task.task.task
                read += _read(task, made[name], chosen.get(name), variants, spec, model, left_out, progress)
            phase.advance(1)
    left_out.check(len(read), progress)
    prepared = []
    total = sum(len(task.samples) for task in read)
    with progress.phase("tokenise", total) as phase:
        for one in read:
            with left_out.unless(one.name, withhold=spec.redacts(one.loaded.task)):
                known = count_tokens(one, model, spec)
                if one.base is None or one.base not in left_out:
                    prepared.append(known)
                phase.advance(len(one.samples), sum(cost.asked for cost in known.costs))
    left_out.check(len(prepared), progress)
    left_out.say(progress)
    if isinstance(model, Probing):
        prepared = [
            count_tokens(one, model, spec) if one is not before else one
            for before in prepared
            for one in [with_constrained_answers(before, spec, model)]
        ]
    note_refused(prepared, model, progress)
    note_written(prepared, spec, model, progress)
    return Prepared(prepared, left_out)


def _read(
    loaded: LoadedTask,
    own: tuple[AnyMetric, ...],
    chosen: tuple[str, ...] | None,
    variants: Sequence[Variant],
    spec: RunSpec,
    model: Model,
    left_out: LeftOut,
    progress: Progress,
) -> list[PreparedTask]:
    """The task with its data and samples, and its variants; empty if it is left out."""
    name = loaded.task.task
    whole = None
    with left_out.unless(name):
        if isinstance(loaded, LmEvalTask):
            whole = of_harness(loaded, spec, model, chosen)
        else:
            whole = with_data(loaded, own, spec, chosen, chat_template=model.info.chat_template)
    found: list[PreparedTask] = []
    if whole is not None:
        with left_out.unless(name, withhold=spec.redacts(loaded.task)):
            if not isinstance(loaded, LmEvalTask):
                whole = with_samples(whole, spec)
            made = [only_encodable(one, progress) for one in with_variants(whole, variants, spec)]
            if writes_choices(loaded, spec, model):
                made = [ask_for_labels(one, spec, model) for one in made]
            # A server is asked whether it supports this only once no other error is left.
            found = (
                made
                if isinstance(model, Probing)
                else [with_constrained_answers(one, spec, model) for one in made]
            )
    return found
