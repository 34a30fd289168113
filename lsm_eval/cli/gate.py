"""`lsm-eval gate`: checks a candidate against a baseline by a policy, for people and pipelines."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

import click

from lsm_eval.cli.folder import Folder
from lsm_eval.cli.gate_outputs import check_places, output_options, show, write_file
from lsm_eval.cli.options import CODE_OPTION

POLICY = "lsm-eval-gate.yaml"
"""Where `gate init` writes the policy."""

_INCLUDE = click.option("--include", multiple=True, type=Folder(), metavar="DIR",
                        help="Folder with the task files of the records, if they are not packaged ones.")  # fmt: skip
_POLICY = click.option("--policy", type=Folder(), metavar="FILE",
                       help="What to ask (`lsm-eval gate init` writes one); a pull request's by default.")  # fmt: skip


@click.group("gate", invoke_without_command=True)
@click.option("--baseline", metavar="REC", help="The record to hold it against.")
@click.option("--candidate", metavar="REC", help="The record that is to pass.")
@_POLICY
@click.option("--inconclusive", type=click.Choice(["neutral", "warn", "fail"]),
              help="Not enough data: exit code 3, 0 or 1, instead of what the policy says.")  # fmt: skip
@click.option("--across", multiple=True, metavar="PART",
              help="A part of the signature that may differ beside the model, such as chat, shots or lsm-eval.")  # fmt: skip
@_INCLUDE
@CODE_OPTION
@click.option("--calibration", type=Folder(), metavar="FILE",
              help="What runs of one model differ by (`lsm-eval gate calibrate`), to be added to every difference.")  # fmt: skip
@output_options()
@click.pass_context
def gate(
    context: click.Context,
    /,
    baseline: str | None,
    candidate: str | None,
    policy: Path | None,
    inconclusive: Literal["neutral", "warn", "fail"] | None,
    across: tuple[str, ...],
    include: tuple[Path, ...],
    include_code: bool,
    calibration: Path | None,
    flips: int,
    annotations: str | None,
    **files: Path | None,
) -> None:
    """Decide whether the candidate may replace the baseline: pass, fail, or not enough data, with stated error rates.

    REC is the folder of a record; a folder above records of one model, of which the newest is taken; or git:REVISION:PATH.

    Exit codes: 0 pass, 1 regression, 2 a mistake in what was asked, 3 not enough data, 4 not comparable.
    """
    if context.invoked_subcommand is not None:
        return
    if candidate is None:
        raise click.UsageError("Name the record that is to pass with --candidate.", context)
    check_places(files)
    from lsm_eval.comparison.find import find
    from lsm_eval.gating.calibration import read_calibration
    from lsm_eval.gating.decide import gate as decide
    from lsm_eval.gating.policy import read_policy

    rules = read_policy(policy)
    result = decide(
        None if baseline is None else find(baseline),
        find(candidate),
        rules,
        across=across,
        inconclusive=inconclusive,
        include=include,
        include_code=include_code,
        most_flips=flips,
        calibration=None if calibration is None else read_calibration(calibration),
    )
    show(result, annotations, files)
    sys.exit(result.exit_code)


@gate.command("init")
@click.argument("file", type=Folder(), default=Path(POLICY))
def init(file: Path) -> None:
    """Write a policy to FILE (lsm-eval-gate.yaml by default): the defaults, with comments on what each means."""
    from lsm_eval.errors import UserError
    from lsm_eval.gating.template import TEMPLATE

    if file.exists():
        raise UserError(f"{file} exists already: remove it, or name another file.")
    write_file(file, TEMPLATE)
    click.echo(f"policy: {file}")


@gate.command("plan")
@click.option(
    "--baseline", required=True, metavar="REC", help="The record that candidates will be compared with."
)
@click.option(
    "--n", type=click.IntRange(min=1), metavar="N", help="Samples of each task that the gate will have."
)
@click.option("--margin", type=click.FloatRange(0, 1, min_open=True, max_open=True), metavar="M",
              help="The loss that is allowed, as a share: 0.02 is 2 points of an accuracy or of BLEU, 2 % of a perplexity.")  # fmt: skip
@click.option("--discordance", type=click.FloatRange(0, 1), metavar="D",
              help="Share of the samples in which baseline and candidate differ (`lsm-eval compare` shows it); without it, as "
              "many as for two models that have nothing in common, and beside it what a few shares would need.")  # fmt: skip
@click.option("--calibration", type=Folder(), metavar="FILE",
              help="What runs of one model differ by (`lsm-eval gate calibrate`): what an unchanged model needs.")  # fmt: skip
@_POLICY
@_INCLUDE
@CODE_OPTION
def plan(
    baseline: str,
    n: int | None,
    margin: float | None,
    discordance: float | None,
    calibration: Path | None,
    policy: Path | None,
    include: tuple[Path, ...],
    include_code: bool,
) -> None:
    """How many samples a margin needs, or which margin so many samples can rule out, before money is spent.

    Exits with code 2 if a gate with this policy could not decide with so many samples.
    """
    if n is not None and margin is not None:
        raise click.UsageError("--n and --margin answer opposite questions: give one of them.")
    from lsm_eval.cli.table import print_table
    from lsm_eval.comparison.find import find
    from lsm_eval.comparison.shown.escape import visible
    from lsm_eval.errors import UserError
    from lsm_eval.gating import plan as planning
    from lsm_eval.gating.calibration import read_calibration
    from lsm_eval.gating.policy import read_policy

    found = planning.plan(
        find(baseline),
        read_policy(policy),
        n=n,
        margin=margin,
        discordance=discordance,
        calibration=None if calibration is None else read_calibration(calibration),
        include=include,
        include_code=include_code,
    )
    print_table(planning.HEADER, [planning.cells(one) for one in found.rows], right=planning.RIGHT)
    if by_share := [planning.share_cells(one) for one in found.rows if one.by_share is not None]:
        click.echo("\nn needed, by the share of the pairs that differ:\n")
        # The last column needs a calibration.
        kept = len(planning.BY_SHARE) - (calibration is None)
        shown = [cells[:kept] for cells in by_share]
        print_table(planning.BY_SHARE[:kept], shown, right=planning.BY_SHARE_RIGHT)
    click.echo()
    for line in found.notes:
        click.echo(visible(line, 1_000))
    if found.undecidable:
        raise UserError(found.undecidable)


@gate.command("calibrate")
@click.argument("records", metavar="RECORD...", nargs=-1, required=True)
@click.option("--out", required=True, type=Folder(), metavar="FILE", help="Where to write the result.")
@_INCLUDE
@CODE_OPTION
def calibrate(records: tuple[str, ...], out: Path, include: tuple[Path, ...], include_code: bool) -> None:
    """Measure how much runs of the same model differ: flips and noise of every metric, for `lsm-eval gate --calibration`.

    Each RECORD is a separate run; give three or more of one model on one machine, made with --store none.
    """
    from lsm_eval.cli.table import print_table
    from lsm_eval.comparison.find import find
    from lsm_eval.comparison.shown.escape import visible
    from lsm_eval.gating import calibrate as calibrating

    check_places({"out": out})
    found = calibrating.calibrate([find(one) for one in records], include, include_code=include_code)
    write_file(out, found.model_dump_json(indent=1) + "\n")
    print_table(
        calibrating.HEADER, [calibrating.cells(one) for one in found.metrics], right=calibrating.RIGHT
    )
    for one in found.left_out:
        click.echo(visible(f"not calibrated: {one.task}, {one.metric}: {one.why}.", 500))
    click.echo(f"calibration: {out}")
