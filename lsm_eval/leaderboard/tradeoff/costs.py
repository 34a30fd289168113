"""Columns of what it takes to run a model: those of the table, money and reasoning tokens, and what profiles measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from lsm_eval.leaderboard.board import Board
from lsm_eval.leaderboard.model_view.curves import THROUGHPUT
from lsm_eval.leaderboard.table.cell import Cell, TableColumn
from lsm_eval.leaderboard.table.tasks import computed_on, cost_columns, machine
from lsm_eval.leaderboard.words import word
from lsm_eval.results.reader import Record
from lsm_eval.statistics.combined import Interval

SPEED = "speed"
"""The area of profiles' numbers."""
_OF_THE_ENGINE = frozenset({"flops_per_second", "flops_share", "bytes_per_second", "bandwidth_share"})
"""How well an engine uses its machine, which is not a cost of a model."""
OTHER_MACHINE = word("measured on another machine than most of the column")
OTHER_TASKS = word("over other tasks than most of the column")


def cost_axes(board: Board, tasks: Sequence[TableColumn]) -> list[TableColumn]:
    """The costs of runs, and those columns of `tasks` that profiles measured: columns with at least two models and a better direction."""
    own = [
        replace(column, higher=False) if column.id == "cost:parameters" else column
        for column in cost_columns(board)
    ]
    found = [
        *(_on_one_machine(board, column) for column in own),
        _column(board, "dollars", word("dollars a thousand samples"), "$", "dollars", _dollars),
        _column(board, "reasoning", word("reasoning tokens a sample"), word("tokens"), "tokens", _reasoning),
        *_latencies(board),
        *_profiled([one for one in tasks if one.group == SPEED and one.higher is not None]),
    ]
    return [column for column in found if len(column.cells) > 1]


def _profiled(columns: Sequence[TableColumn]) -> Iterator[TableColumn]:
    """Columns that profiles measured. All models were sent the same requests, so the throughputs of one condition are proportional: only the
    first of them is kept."""
    metrics: dict[str, list[str]] = {}
    for column in columns:
        condition, _, metric = column.id.rpartition(":")
        metrics.setdefault(condition, []).append(metric)
    for column in columns:
        condition, _, metric = column.id.rpartition(":")
        first = next((name for name in THROUGHPUT if name in metrics[condition]), metric)
        if metric not in _OF_THE_ENGINE and (metric not in THROUGHPUT or metric == first):
            yield column


def _on_one_machine(board: Board, column: TableColumn) -> TableColumn:
    """Marks speeds that were measured on another machine, since they are not comparable."""
    if column.unit != "tokens/s":
        return column
    return _of_the_usual(board, column, _machines(column), OTHER_MACHINE)


def _machines(column: TableColumn) -> dict[int, tuple[str]]:
    return {place: (cell.machine,) for place, cell in column.cells.items()}


def _of_the_usual(
    board: Board, column: TableColumn, rests_on: Mapping[int, Sequence[str]], why: str
) -> TableColumn:
    """Marks cells whose `rests_on` (by position) differs from that of most models; all cells if two values are equally frequent."""
    found = Counter(tuple(own) for place, own in rests_on.items() if not board.models[place].no_model)
    first = [own for own, count in found.items() if count == max(found.values())]
    usual = first[0] if len(first) == 1 else None
    cells = {
        place: cell if cell.mark or usual == tuple(rests_on[place]) else replace(cell, mark="†", why=why)
        for place, cell in column.cells.items()
    }
    return replace(column, cells=cells)


def _tasks(run: Record, request: str | None = None) -> tuple[str, ...]:
    """What a run's costs cover: its tasks, and the samples of each."""
    return tuple(
        sorted(
            f"{task.task} {task.samples}"
            for task in run.manifest.tasks
            if request is None or task.request == request
        )
    )


def _column(
    board: Board, name: str, label: str, sub: str, unit: str, of: Callable[[Record], float | None]
) -> TableColumn:
    cells, tasks = {}, {}
    for place, model in enumerate(board.models):
        # The newest run that has the value.
        found = next(((value, run) for run in model.runs if (value := of(run)) is not None), None)
        if found is not None:
            cells[place] = Cell(Interval(found[0], None, None), None)
            tasks[place] = _tasks(found[1])
    column = TableColumn(f"cost:{name}", "cost", label, sub, unit, False, cells=cells)
    return _of_the_usual(board, column, tasks, OTHER_TASKS)


def _latencies(board: Board) -> Iterator[TableColumn]:
    """Median seconds from a run's own timing, by kind of request: to an answer, and to the first token."""
    for request, what, label in (
        ("generate", "request", word("seconds to a written answer")),
        ("generate", "first_token", word("seconds to the first token")),
        ("score", "request", word("seconds to a scored answer")),
    ):
        cells, tasks = {}, {}
        for place, model in enumerate(board.models):
            found = next(
                ((cell, run) for run in model.runs if (cell := _median(run, request, what)) is not None), None
            )
            if found is not None:
                cells[place], tasks[place] = found[0], _tasks(found[1], request)
        name = f"cost:{request}-{what}"
        column = TableColumn(name, "cost", label, word("median, s"), "s", False, cells=cells)
        on_one = _of_the_usual(board, column, _machines(column), OTHER_MACHINE)
        yield _of_the_usual(board, on_one, tasks, OTHER_TASKS)


def _median(run: Record, request: str, what: str) -> Cell | None:
    for row in run.manifest.latency or ():
        for timed in row.times:
            middle = next((one for one in timed.quantiles if one.share == 0.5), None)
            if (row.request, timed.what) == (request, what) and middle is not None:
                seconds = Interval(middle.seconds, middle.low, middle.high)
                return Cell(seconds, timed.n, notes=(machine(run),), machine=computed_on(run))
    return None


def _samples(run: Record) -> int:
    return sum(task.samples or 0 for task in run.manifest.tasks)


def _dollars(run: Record) -> float | None:
    """The cost of the model without that of a judge. None if answers came from the store, which were paid for before."""
    cost, samples = run.manifest.cost, _samples(run)
    if cost is None or not samples or run.manifest.requests.get("from_store"):
        return None
    own = next((row for row in cost.models if row.role == "model"), None)
    return None if own is None or own.dollars is None else 1000 * float(own.dollars) / samples


def _reasoning(run: Record) -> float | None:
    tokens, samples = run.manifest.tokens.get("reasoning"), _samples(run)
    return tokens / samples if tokens is not None and samples else None
