"""A column for every task and metric, and columns for the cost of running the models."""

from __future__ import annotations

from collections.abc import Sequence

from lsm_eval.leaderboard.board import Board, Key, ModelEntry, area_order
from lsm_eval.leaderboard.table.cell import Cell, Cells, TableColumn, task_cells
from lsm_eval.leaderboard.words import word
from lsm_eval.results.reader import Record
from lsm_eval.results.schema import EstimateRow
from lsm_eval.results.work_rows import Passes, Work
from lsm_eval.statistics.combined import Interval


def task_columns(board: Board, known: Cells | None = None) -> list[TableColumn]:
    """The columns by area and task, a task's first metric before its others."""
    known = task_cells(board) if known is None else known
    first = {column.key for column in board.columns}
    rows: dict[Key, EstimateRow] = {column.key: column.row for column in board.columns}
    cells: dict[Key, dict[int, Cell]] = {key: {} for key in rows}
    for model in board.models:
        for key, number in model.numbers.items():
            rows.setdefault(key, number.row)
    for (key, place), cell in known.items():
        cells.setdefault(key, {})[place] = cell
    order = {key: place for place, key in enumerate(rows)}

    def where(key: Key) -> tuple[tuple[int, str], str, bool, int]:
        return area_order(rows[key].area), key[0], key not in first, order[key]

    return [
        TableColumn(
            id=f"task:{task}:{metric}",
            group=rows[task, metric].area,
            label=task,
            sub=metric,
            unit=rows[task, metric].unit,
            higher=rows[task, metric].higher_is_better,
            about=(rows[task, metric].title,),
            cells=cells.get((task, metric), {}),
            first=(task, metric) in first,
            anchor=board.task_slugs[task],
        )
        for task, metric in sorted(rows, key=where)
    ]


def cost_columns(board: Board) -> list[TableColumn]:
    """Parameters, memory and tokens per second, each from the run with most of it; columns without a value are left out."""
    made = [
        TableColumn(
            id="cost:parameters", group="cost", label=word("parameters"), sub=word("millions"), unit="count",
            higher=None, cells=_parameters(board.models),
        ),
        TableColumn(
            id="cost:memory", group="cost", label=word("memory at most"), sub="GiB", unit="GiB", higher=False,
            cells=_memory(board.models),
        ),
    ]  # fmt: skip
    for name, label in (
        ("score", word("scoring")),
        ("prefill", word("reading prompts")),
        ("decode", word("writing")),
    ):
        made.append(
            TableColumn(
                id=f"cost:{name}", group="cost", label=label, sub="tokens/s", unit="tokens/s", higher=True,
                about=(word("On the machine that each model ran on: speeds compare only where that is the same."),),
                cells=_speeds(board.models, name),
            )
        )  # fmt: skip
    return [column for column in made if column.cells]


def _parameters(models: Sequence[ModelEntry]) -> dict[int, Cell]:
    counts = {place: model.runs[0].manifest.model.parameters for place, model in enumerate(models)}
    return {
        place: Cell(Interval(count / 1e6, None, None), None)
        for place, count in counts.items()
        if count is not None
    }


def _memory(models: Sequence[ModelEntry]) -> dict[int, Cell]:
    found: dict[int, Cell] = {}
    for place, model in enumerate(models):
        for run, work in _runs(model):
            # A run that took all answers from the store loaded no model.
            computed = any(passes is not None for passes in (work.score, work.prefill, work.decode))
            if work.peak_memory_bytes is not None and computed:
                interval = Interval(work.peak_memory_bytes / 2**30, None, None)
                found.setdefault(place, Cell(interval, None, notes=(machine(run),)))
    return found


def _speeds(models: Sequence[ModelEntry], purpose: str) -> dict[int, Cell]:
    found: dict[int, Cell] = {}
    for place, model in enumerate(models):
        most = 0
        for run, work in _runs(model):
            passes: Passes | None = getattr(work, purpose)
            # Too few tokens do not measure a speed.
            if passes is not None and passes.tokens_per_second is not None and passes.tokens > most:
                most = passes.tokens
                speed = Interval(passes.tokens_per_second, None, None)
                found[place] = Cell(speed, None, notes=(machine(run),), machine=computed_on(run))
    return found


def _runs(model: ModelEntry) -> list[tuple[Record, Work]]:
    """Newest first."""
    return [(run, run.manifest.work) for run in model.runs if run.manifest.work is not None]


def machine(run: Record) -> str:
    """The machine of a run, and the number format."""
    return _on(run, run.manifest.model.dtype, run.manifest.model.device)


def computed_on(run: Record) -> str:
    """The machine alone: the number format is a property of the model."""
    return _on(run, run.manifest.model.device)


def _on(run: Record, *parts: str | None) -> str:
    hardware = run.manifest.hardware
    on = str(hardware.get("gpu") or hardware.get("cpu") or "unknown hardware")
    how = ", ".join(str(part) for part in parts if part)
    return f"{on}{f' ({how})' if how else ''}"
