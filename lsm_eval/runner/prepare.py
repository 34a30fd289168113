"""Everything that can be known, and can be wrong, before a model is asked anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lsm_eval.errors import UserError
from lsm_eval.lm_eval_bridge.names import LmEvalTask
from lsm_eval.metrics.base import AnyMetric
from lsm_eval.models.base import Model, Probing
from lsm_eval.progress import Progress
from lsm_eval.robustness.variant import Variant, make_variant
from lsm_eval.runner.built import (
    check_chat,
    of_harness,
    only_encodable,
    own_metrics,
    with_data,
    with_samples,
    with_variants,
)
from lsm_eval.runner.checked import checked
from lsm_eval.runner.choosing.tasks import as_written, held, note_written, writes_choices
from lsm_eval.runner.counted import counted, note_refused
from lsm_eval.runner.generation import check, note_untouched
from lsm_eval.runner.left_out import LeftOut
from lsm_eval.runner.prepared import Prepared, PreparedTask
from lsm_eval.runner.spec import RunSpec
from lsm_eval.tasks.chosen import by_task
from lsm_eval.tasks.registry import LoadedTask


def prepare(spec: RunSpec, model: Model, progress: Progress) -> list[PreparedTask]:
    """The tasks of `spec`, all of them: as `prepare_each`, but raises `UserError` where one cannot be asked."""
    return prepare_each(replace(spec, strict=True), model, progress).tasks


def prepare_each(spec: RunSpec, model: Model, progress: Progress) -> Prepared:
    """Tasks read, checked, rendered and counted; those that cannot be are named and left out. Loads no weights.

    Raises `UserError` for anything that would make the whole run fail or mislead later on, where no task remains, and
    with `spec.strict` for the first task that cannot be asked.
    """
    left_out = LeftOut(strict=spec.strict, command=spec.command)
    loaded = checked(spec, left_out)
    variants = [make_variant(name, spec.seed) for name in dict.fromkeys(spec.perturb)]
    if isinstance(spec.limit, int) and spec.limit < 1:
        raise UserError("--limit must be 1 or more.")
    # What is wrong with the model (asked for what is known of it here) or with all tasks is no mistake of one.
    check_chat(loaded, spec, chat_template=model.info.chat_template)
    note_untouched(loaded, spec, progress)
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
                known = counted(one, model, spec)
                if one.base is None or one.base not in left_out:
                    prepared.append(known)
                phase.advance(len(one.samples), sum(cost.asked for cost in known.costs))
    left_out.check(len(prepared), progress)
    left_out.say(progress)
    if isinstance(model, Probing):
        prepared = [
            counted(one, model, spec) if one is not before else one
            for before in prepared
            for one in [held(before, spec, model)]
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
    """The task with its data and samples, and its variants; nothing where it is left out."""
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
                made = [as_written(one, spec, model) for one in made]
            # A server is asked whether it can once nothing else keeps a task from being asked.
            found = made if isinstance(model, Probing) else [held(one, spec, model) for one in made]
    return found
