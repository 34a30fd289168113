"""The front page: the table, then how to read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.leaderboard import show
from lsm_eval.leaderboard.board import Board, ModelEntry, Number
from lsm_eval.leaderboard.frame.page import Frame, NavEntry
from lsm_eval.leaderboard.site import Site
from lsm_eval.leaderboard.table.cell import TableColumn, shown, task_cells
from lsm_eval.leaderboard.table.data import column_data, row_data, share
from lsm_eval.leaderboard.table.means import area_columns, suite_columns
from lsm_eval.leaderboard.table.rows import short_names, table_rows
from lsm_eval.leaderboard.table.safety import BANDS, EXCELLENT, safety_columns
from lsm_eval.leaderboard.table.suites import known_suites
from lsm_eval.leaderboard.table.tasks import cost_columns, task_columns
from lsm_eval.leaderboard.tradeoff.costs import SPEED

MOST_CELLS = 3_000
"""The most cells of tasks that the page itself contains; on larger boards the page loads tasks one column at a time."""

PIECES = "pieces/board"


def nav(board: Board) -> NavEntry:
    """The entry of the front page, which always exists."""
    return NavEntry("index.html", "Board")


def write(board: Board, frame: Frame, site: Site) -> None:
    """Write `index.html`, and a piece of data for each task."""
    cells = task_cells(board)
    areas = area_columns(board, cells)
    means = [*areas, *suite_columns(board, cells, known_suites(site.options.include))]
    reference = reference_row(board, site.options.reference)
    if reference is not None:
        name = board.models[reference].name
        means += safety_columns(areas, reference, name, grades=site.options.grades)
    cost, tasks = cost_columns(board), task_columns(board, cells)
    every = [column for column in tasks if column.first]
    # Columns of profiles, one per condition, are shown only if the reader selects them.
    firsts = [column for column in every if column.group != SPEED] or every
    columns = [
        *means,
        *(firsts if len(firsts) * len(board.models) <= MOST_CELLS or not means else firsts[:8]),
    ]
    if len(cost) * len(board.models) <= MOST_CELLS:
        columns += cost
    _pieces(board, [*tasks, *cost], columns, site)
    at_first = [column for column in columns if not column.id.startswith("cost:")]
    path = "index.html"
    page = frame.page("front").render(
        path,
        say=_texts([*means, *cost, *tasks]),
        varied={column.id for column in at_first if len({cell.n for cell in column.cells.values()}) > 1},
        held=[column_data(column, len(board.models), board.ranks) for column in columns],
        at_first=[column.id for column in at_first],
        columns=at_first,
        catalogue=_catalogue([*means, *cost, *tasks]),
        groups=_groups(at_first),
        rows=row_data(board.models, (rows := table_rows(board.models))),
        table_rows=rows,
        reasons=_Reasons(board),
        order=_order(board, at_first),
        sorted_by=at_first[0].id if at_first else "",
        ranks=board.ranks.get(at_first[0].id) if at_first else None,
        task_count=len(
            {name for run in board.records for name, task in run.tasks.items() if task.area != SPEED}
        ),
        left_out=site.left_out,
        checked=site.checked,
        few=None if site.sampled is None else len(site.sampled),
        marks=any(cell.mark for column in [*tasks] for cell in column.cells.values()),
        reference=None if reference is None else board.models[reference].name,
        divided=any(column.id.startswith("ratio:") for column in means),
        shown=shown,
        share=share,
    )
    site.put(path, page)


def reference_row(board: Board, named: str | None) -> int | None:
    """The position of the row that `--reference` names by a run, the row's name or its page. Raises `UserError` if there is none, or
    more than one."""
    if named is None:
        return None

    def by_run(model: ModelEntry) -> bool:
        return any(named in (run.manifest.run, str(run.folder), run.folder.name) for run in model.runs)

    names = [model.name for model in board.models]
    short = dict(zip(names, short_names(names), strict=True))

    def by_name(model: ModelEntry) -> bool:
        return named in (model.name, model.slug, short[model.name])

    for fits in (by_run, by_name):
        found = [place for place, model in enumerate(board.models) if fits(model)]
        if len(found) == 1:
            return found[0]
        if found:
            raise UserError(
                f"--reference {named}: {len(found)} rows have this name: name a run, such as MODEL/RUN."
            )
    raise UserError(f"--reference {named}: the board has no row of such a run or model.")


class _Reasons:
    """Explains why a cell has no number."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._first = {column.row.task: column.key for column in board.columns}

    def __call__(self, place: int, column: TableColumn) -> str:
        if not column.id.startswith("task:"):
            return ""
        model = self._board.models[place]
        number: Number | None = model.numbers.get((column.label, column.sub))
        if number is not None:
            return show.missing_reason(number.row, number.task.failures)
        if column.label in model.tables:
            return f"the run did not measure {column.sub}"
        why = model.not_run.get(column.label)
        return f"not run: {why}" if why else "not run"


def _pieces(board: Board, columns: Sequence[TableColumn], held: Sequence[TableColumn], site: Site) -> None:
    """Write a piece for each task with the metrics that the page does not contain, and one piece for the costs."""
    inside = {column.id for column in held}
    pieces: dict[str, list[TableColumn]] = {}
    for column in columns:
        if column.id not in inside:
            pieces.setdefault(_piece_of(column), []).append(column)
    for path, own in pieces.items():
        site.piece(path, [column_data(column, len(board.models), board.ranks) for column in own])


def _piece_of(column: TableColumn) -> str:
    return f"{PIECES}.cost.js" if column.id.startswith("cost:") else f"{PIECES}/{column.anchor or 'cost'}.js"


def _catalogue(columns: Sequence[TableColumn]) -> list[list[Any]]:
    """What the column chooser needs of each column: id, group, label, sub, piece, and whether it is a task's first metric."""
    return [
        [column.id, column.group, column.label, column.sub, _piece_of(column), int(column.first)]
        for column in columns
    ]


def _texts(columns: Sequence[TableColumn]) -> list[str]:
    """Interface texts in headings and grades."""
    own = [text for column in columns if not column.id.startswith("task:") for text in _said(column)]
    return [*own, *(column.group for column in columns), EXCELLENT, *(name for _, name in BANDS)]


def _said(column: TableColumn) -> tuple[str, ...]:
    return (*(() if column.id.startswith("suite:") else (column.label,)), column.sub, *column.about)


def _groups(columns: Sequence[TableColumn]) -> list[tuple[str, int]]:
    """Names and widths of the headings above the columns."""
    found: list[tuple[str, int]] = []
    for column in columns:
        if found and found[-1][0] == column.group:
            found[-1] = (column.group, found[-1][1] + 1)
        else:
            found.append((column.group, 1))
    return found


def _order(board: Board, columns: Sequence[TableColumn]) -> list[int]:
    """Positions of the rows: best first by the first column, rows without a number last, rows without a model after all others."""
    cells: Mapping[int, Any] = columns[0].cells if columns else {}
    sign = -1 if not columns or columns[0].higher is not False else 1

    def key(place: int) -> tuple[bool, bool, bool, float, str, str]:
        model, cell = board.models[place], cells.get(place)
        value = 0.0 if cell is None else sign * float(shown(cell.interval.value, columns[0].unit))
        return (
            model.no_model, cell is None, cell is not None and not cell.ranked, value, model.name.casefold(), model.name,
        )  # fmt: skip

    return sorted(range(len(board.models)), key=key)
