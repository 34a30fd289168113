"""`lsm-eval run --gate`: a run that ends as soon as a gate has its verdicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from lsm_eval.cli.gate_outputs import FILES, check_places, output_options

if TYPE_CHECKING:
    from lsm_eval.gating.policy import Policy
    from lsm_eval.models.base import Model
    from lsm_eval.progress import Progress
    from lsm_eval.runner.gated import GateSpec
    from lsm_eval.runner.prepared import PreparedTask
    from lsm_eval.runner.spec import RunSpec

F = TypeVar("F", bound=Callable[..., Any])
KINDS: tuple[Literal["pull-request", "release"], ...] = ("pull-request", "release")
"""Values of `--gate` beside a file."""


@dataclass(frozen=True)
class GateOptions:
    """The gate's options on the command line."""

    spec: GateSpec
    files: dict[str, Path | None]
    annotations: str | None


def gate_run_options(function: F) -> F:
    """The options of a gate, for `run`."""
    options = [
        click.option("--gate", metavar="POLICY",
                     help="End as soon as a gate against --baseline has its verdicts. A policy's file (`lsm-eval gate init` writes "
                     "one), or pull-request or release for that kind's defaults. Exit codes are the gate's."),
        click.option("--baseline", metavar="REC", help="With --gate: the record to compare the run with."),
        click.option("--inconclusive", type=click.Choice(["neutral", "warn", "fail"]),
                     help="With --gate: not enough data is exit code 3, 0 or 1, instead of what the policy says."),
        click.option("--across", multiple=True, metavar="PART",
                     help="With --gate: a part of the signature that may differ beside the model, such as chat or shots."),
        output_options("With --gate: ", printing=True),
    ]  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


def read_gate(
    options: dict[str, Any], include: Sequence[Path], *, include_code: bool = False
) -> GateOptions | None:
    """Removes the gate's options from all options; None without --gate. Raises UserError for invalid options, before any model is loaded."""
    from lsm_eval.errors import UserError

    policy, baseline = options.pop("gate"), options.pop("baseline")
    inconclusive, across = options.pop("inconclusive"), options.pop("across")
    flips, annotations = options.pop("flips"), options.pop("annotations")
    files: dict[str, Path | None] = {name: options.pop(name) for name in FILES}
    if policy is None:
        given = {"baseline": baseline, "inconclusive": inconclusive, "across": across, "annotations": annotations, **files}  # fmt: skip
        wrong = next((name for name, value in given.items() if value), None)
        if wrong:
            file = " where it names a file" if wrong == "json_file" else ""
            raise UserError(
                f"--{wrong.removesuffix('_file')} is about a gate{file}: name its policy with --gate POLICY, or leave it out."
            )
        return None
    if baseline is None:
        raise UserError("--gate holds the run against a record: name it with --baseline REC.")
    check_places(files)
    from lsm_eval.comparison import signature
    from lsm_eval.comparison.find import find
    from lsm_eval.gating.early.refuse import check_policy
    from lsm_eval.runner.gated import GateSpec

    rules = _policy(policy)
    check_policy(rules)
    record = find(baseline)
    # The baseline's signatures lack the parts that this run's own options add.
    signature.check_across(
        across, {row.signature: row.signature for row in record.estimates}, signature.OPTIONS
    )
    spec = GateSpec(record, rules, across, inconclusive, flips, include, include_code)
    return GateOptions(spec, files, annotations)


def gate_plan(
    gate: GateOptions,
    prepared: Sequence[PreparedTask],
    spec: RunSpec,
    model: Model,
    progress: Progress,
    *,
    judge: bool,
) -> tuple[list[PreparedTask], list[dict[str, Any]]]:
    """For a dry run: the tasks with all samples that may be asked, and the number of samples at each look. Raises UserError for what
    a run would refuse."""
    from lsm_eval.runner.gated import plan_gate
    from lsm_eval.runner.looks import part

    gated = plan_gate(gate.spec, prepared, spec, model, model.fingerprint(), progress, judge=judge)
    plan = gated.watch.plan
    looks = [
        {
            "task": task.name,
            "samples_at_most": task.planned,
            "looks": 1 if task.once is not None else plan.looks,
            "before_the_first": len(task.slices[0]),
        }
        for task in plan.tasks
    ]
    by_name = {task.name: task for task in prepared}
    planned = [
        part(by_name[task.name], sorted(at for own in task.slices for at in own)) for task in plan.tasks
    ]
    return planned, looks


def show_looks(looks: Sequence[dict[str, Any]]) -> None:
    """Print the looks of `gate_plan` as a table."""
    from lsm_eval.cli.table import print_table

    rows = [[row["task"], *(f"{value:,}" for value in list(row.values())[1:])] for row in looks]
    print_table(["task", "samples at most", "looks", "before the first"], rows, right=(1, 2, 3))
    click.echo("")


def _policy(name: str) -> Policy:
    from lsm_eval.gating.policy import Policy, read_policy

    for kind in KINDS:
        if name == kind and not Path(name).exists():
            return Policy(policy=kind, kind=kind)
    return read_policy(Path(name))
