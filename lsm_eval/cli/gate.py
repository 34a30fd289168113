"""`lsm-eval gate`: a candidate held to a policy against a baseline, for people and pipelines."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from lsm_eval.cli.folder import Folder

if TYPE_CHECKING:
    from lsm_eval.gating.result import GateResult

POLICY = "lsm-eval-gate.yaml"
"""Where `gate init` writes the policy."""

_INCLUDE = click.option("--include", multiple=True, type=Folder(), metavar="DIR",
                        help="Folder with the task files of the records, where they are no packaged ones.")  # fmt: skip
_POLICY = click.option("--policy", type=Folder(), metavar="FILE",
                       help="What to ask (`lsm-eval gate init` writes one); a pull request's by default.")  # fmt: skip


@click.group("gate", invoke_without_command=True)
@click.option("--baseline", metavar="REC", help="The record to hold it against.")
@click.option("--candidate", metavar="REC", help="The record that is to pass.")
@_POLICY
@click.option("--inconclusive", type=click.Choice(["neutral", "warn", "fail"]),
              help="Not enough data: exit code 3, 0 or 1, in place of what the policy says.")  # fmt: skip
@click.option("--across", multiple=True, metavar="PART",
              help="A part of the signature that is to differ beside the model, such as chat, shots or lsm-eval.")  # fmt: skip
@_INCLUDE
@click.option("--calibration", type=Folder(), metavar="FILE",
              help="What runs of one model differ by (`lsm-eval gate calibrate`), to be added to every difference.")  # fmt: skip
@click.option("--flips", type=click.IntRange(0, 1000), default=5, show_default=True, metavar="N",
              help="Changed samples of each metric that does not pass, for the files.")  # fmt: skip
@click.option("--json", "json_file", type=Folder(), metavar="FILE", help="Write gate.json.")
@click.option("--junit", type=Folder(), metavar="FILE", help="Write JUnit XML.")
@click.option("--markdown", type=Folder(), metavar="FILE", help="Write Markdown, for a step summary.")
@click.option("--comment", type=Folder(), metavar="FILE", help="Write Markdown that fits into one comment.")
@click.option("--sarif", type=Folder(), metavar="FILE", help="Write SARIF, of safety findings.")
@click.option("--annotations", type=click.Choice(["github"]), help="Print annotations too.")
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
    calibration: Path | None,
    flips: int,
    annotations: str | None,
    **files: Path | None,
) -> None:
    """May the candidate take the baseline's place? Pass, fail, or not enough data, with stated error rates.

    REC is the folder of a record; a folder above records of one model, of which the newest is taken; or git:REVISION:PATH.

    Exit codes: 0 pass, 1 regression, 2 a mistake in what was asked, 3 not enough data, 4 not comparable.
    """
    if context.invoked_subcommand is not None:
        return
    if candidate is None:
        raise click.UsageError("Name the record that is to pass with --candidate.", context)
    _check_places(files)
    from lsm_eval.comparison.find import find
    from lsm_eval.gating.calibration import read_calibration
    from lsm_eval.gating.decide import gate as decide
    from lsm_eval.gating.policy import read_policy
    from lsm_eval.gating.written.text import lines

    told = read_policy(policy)
    result = decide(
        None if baseline is None else find(baseline),
        find(candidate),
        told,
        across=across,
        inconclusive=inconclusive,
        include=include,
        most_flips=flips,
        calibration=None if calibration is None else read_calibration(calibration),
    )
    for name, path in files.items():
        if path is not None:
            _write(path, _written(name)(result))
    for line in lines(result):
        click.echo(line)
    if annotations:
        from lsm_eval.gating.written.annotations import to_annotations

        for line in to_annotations(result):
            click.echo(line)
    sys.exit(result.exit_code)


@gate.command("init")
@click.argument("file", type=Folder(), default=Path(POLICY))
def init(file: Path) -> None:
    """Write a policy with comments to FILE (lsm-eval-gate.yaml by default): the defaults, each with what it means."""
    from lsm_eval.errors import UserError
    from lsm_eval.gating.template import TEMPLATE

    if file.exists():
        raise UserError(f"{file} is there already: remove it, or name another file.")
    _write(file, TEMPLATE)
    click.echo(f"policy: {file}")


@gate.command("plan")
@click.option(
    "--baseline", required=True, metavar="REC", help="The record that candidates will be held against."
)
@click.option(
    "--n", type=click.IntRange(min=1), metavar="N", help="Samples of each task that the gate will have."
)
@click.option("--margin", type=click.FloatRange(0, 1, min_open=True, max_open=True), metavar="M",
              help="The loss that is allowed, as a share: 0.02 is 2 points of an accuracy or of BLEU, 2 % of a perplexity.")  # fmt: skip
@click.option("--discordance", type=click.FloatRange(0, 1), metavar="D",
              help="Share of the samples in which baseline and candidate differ (`lsm-eval compare` shows it); without it, as "
              "many as for two models that have nothing in common.")  # fmt: skip
@_POLICY
def plan(
    baseline: str, n: int | None, margin: float | None, discordance: float | None, policy: Path | None
) -> None:
    """How many samples a margin needs, or which margin so many samples can rule out, before money is spent.

    Ends with code 2 where a gate under the policy, with so many samples, could not decide.
    """
    if n is not None and margin is not None:
        raise click.UsageError("--n and --margin answer opposite questions: give one of them.")
    from lsm_eval.cli.table import print_table
    from lsm_eval.comparison.find import find
    from lsm_eval.comparison.shown.escape import visible
    from lsm_eval.errors import UserError
    from lsm_eval.gating import plan as planning
    from lsm_eval.gating.policy import read_policy

    found = planning.plan(find(baseline), read_policy(policy), n=n, margin=margin, discordance=discordance)
    print_table(planning.HEADER, [planning.cells(one) for one in found.rows], right=planning.RIGHT)
    for line in found.notes:
        click.echo(visible(line, 1_000))
    if found.undecidable:
        raise UserError(found.undecidable)


@gate.command("calibrate")
@click.argument("records", metavar="RECORD...", nargs=-1, required=True)
@click.option("--out", required=True, type=Folder(), metavar="FILE", help="Where to write what was found.")
def calibrate(records: tuple[str, ...], out: Path) -> None:
    """By how much do runs of one and the same model differ? Flips and noise of every metric, for `lsm-eval gate --calibration`.

    Each RECORD is a run of its own, three or more of one model on one machine, made with --store none.
    """
    from lsm_eval.cli.table import print_table
    from lsm_eval.comparison.find import find
    from lsm_eval.comparison.shown.escape import visible
    from lsm_eval.gating import calibrate as calibrating

    _check_places({"out": out})
    found = calibrating.calibrate([find(one) for one in records])
    _write(out, found.model_dump_json(indent=1) + "\n")
    print_table(
        calibrating.HEADER, [calibrating.cells(one) for one in found.metrics], right=calibrating.RIGHT
    )
    for one in found.left_out:
        click.echo(visible(f"not calibrated: {one.task}, {one.metric}: {one.why}.", 500))
    click.echo(f"calibration: {out}")


def _check_places(files: dict[str, Path | None]) -> None:
    """UserError for a file that cannot be written, or is named twice, before anything is computed."""
    from lsm_eval.errors import UserError

    named: set[str] = set()
    for path in (path for path in files.values() if path is not None):
        if not path.parent.is_dir():
            raise UserError(f"{path} cannot be written: {path.parent} is no folder; make it first.")
        real = os.path.realpath(path)
        if real in named and not path.is_char_device():
            raise UserError(f"{path} is named for two files, of which one would be lost: name another.")
        named.add(real)


def _write(path: Path, text: str) -> None:
    from lsm_eval.errors import UserError

    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UserError(
            f"{path} cannot be written ({error.strerror}): name another place, or check its rights."
        ) from error


def _written(name: str) -> Callable[[GateResult], str]:
    """The writer of a kind of file."""
    from lsm_eval.gating.written import as_json, junit, markdown, sarif

    writers: dict[str, Any] = {
        "json_file": as_json.to_json,
        "junit": junit.to_junit,
        "markdown": lambda result: markdown.to_markdown(result, markdown.SUMMARY),
        "comment": lambda result: markdown.to_markdown(result, markdown.COMMENT),
        "sarif": sarif.to_sarif,
    }
    found: Callable[[GateResult], str] = writers[name]
    return found
