"""Templates and their surroundings: every page as text, everything escaped, nothing from outside."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from lsm_eval.leaderboard import show
from lsm_eval.leaderboard.collect import Board, ModelEntry, Number, area_order
from lsm_eval.leaderboard.families import families, speeds
from lsm_eval.leaderboard.founded import departures, extent, limited, part
from lsm_eval.leaderboard.samples import TEXT_LIMIT, sample_view
from lsm_eval.results.reader import Record
from lsm_eval.results.schema import Manifest
from lsm_eval.results.summary import work_summary

_NAMESAKES = 5


class Pages:
    """Renders the pages of one board.

    Styles and the one script stand inline, allowed by their hashes in the page's Content-Security-Policy;
    what 'self' means for file:// differs between browsers, and a hash means the same in all of them.
    """

    def __init__(self, board: Board, samples: int, left_out: Sequence[tuple[str, str]] = ()) -> None:
        """`samples`: how many a page shows. `left_out`: records that the front page says are missing, place
        and reason."""
        self._board = board
        self._left_out = left_out
        self._limit = samples
        css, script = _asset("site.css"), _asset("table.js")
        environment = Environment(
            loader=PackageLoader("lsm_eval.leaderboard"),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_finalize,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        environment.filters.update(
            breakable=show.breakable,
            compact=show.compact,
            direction=show.direction,
            moment=show.moment,
            unit_label=show.unit_label,
        )
        environment.globals.update(
            # Markup: the package's own files, and nothing that a record says.
            css=Markup(css),
            script=Markup(script),
            style_hash=_hash(css),
            script_hash=_hash(script),
            show=show,
            board=board,
            number_title=number_title,
            marks_of=_marks_of,
            extent=extent,
            departures=departures,
            work=_work,
        )
        self._index = environment.get_template("index.html.j2")
        self._model = environment.get_template("model.html.j2")
        self._samples = environment.get_template("samples.html.j2")

    def index(self) -> str:
        """The front page."""
        cells = {
            (model.name, column.key): model.numbers.get(column.key)
            for model in self._board.models
            for column in self._board.columns
        }
        reasons = {
            (model.name, column.key): _absence(model, column.row.task, column.row.metric, number)
            for model in self._board.models
            for column in self._board.columns
            if (number := cells[model.name, column.key]) is None or not show.measured(number.row)
        }
        marks = any(number.mark for model in self._board.models for number in model.numbers.values())
        return _render(
            self._index,
            root="",
            cells=cells,
            reasons=reasons,
            marks=marks,
            left_out=self._left_out,
            families=families(self._board),
            speeds=speeds(self._board),
            with_script=True,
        )

    def model(self, model: ModelEntry) -> str:
        """The page of one model."""
        tasks: dict[str, list[Number]] = {}
        for number in model.numbers.values():
            tasks.setdefault(number.row.task, []).append(number)
        # A task whose metrics all went missing from the estimates still has a section: it was run.
        areas: dict[str, list[str]] = {}
        for name in sorted(model.tables, key=lambda name: (area_order(_area(model, name)), name)):
            areas.setdefault(_area(model, name), []).append(name)
            tasks.setdefault(name, [])
        pages = model.pages()
        return _render(
            self._model,
            root="../",
            model=model,
            tasks=tasks,
            areas=areas,
            sources={task: [run for name, run, _ in pages if name == task] for task in model.tables},
            page_of=lambda task, record: next(
                f"{self._board.task_slugs[task]}{page}.html"
                for name, run, page in pages
                if name == task and run is record
            ),
            namesakes=self._namesakes(model),
            with_script=False,
        )

    def _namesakes(self, model: ModelEntry) -> list[ModelEntry]:
        """Rows of the same weights, run in the same way, under another name."""
        own = model.runs[0].manifest.model.fingerprint
        others = (other for other in self._board.models if other is not model)
        return [other for other in others if other.runs[0].manifest.model.fingerprint == own][:_NAMESAKES]

    def samples(self, model: ModelEntry, task: str, record: Record, path: str) -> str:
        """The page of one model's samples of one task; `path` is where readers find the whole table."""
        rows = record.sample_rows(task, self._limit)
        how = record.tasks[task]
        return _render(
            self._samples,
            root="../../",
            model=model,
            task=how,
            record=record,
            path=path,
            total=record.sample_count(task),
            rows=[sample_view(row) for row in rows],
            text_limit=TEXT_LIMIT,
            # Early records do not say which tasks are sensitive.
            folded=how.sensitive or how.area == "safety",
            with_script=False,
        )


def _marks_of(record: Record, task: str) -> list[str]:
    """What a reader must see beside a number: that it is of the first samples only, or of other settings."""
    how = record.tasks[task]
    return [*([part(how)] if limited(how) else []), *departures(record, task)]


def _work(manifest: Manifest) -> dict[str, str]:
    """What a run did; its phases stand by themselves."""
    return {name: text for name, text in work_summary(manifest).items() if name != "time"}


def _area(model: ModelEntry, task: str) -> str:
    return model.tables[task].tasks[task].area


def _absence(model: ModelEntry, task: str, metric: str, number: Number | None) -> str:
    if number is not None:
        return show.missing_reason(number.row, number.task.failures)
    if task in model.tables:
        return f"the run did not measure {metric}"
    why = model.not_run.get(task)
    return f"not run: {why}" if why else "not run"


def _render(template: Template, **values: Any) -> str:
    return template.render(**values)


def _finalize(thing: Any) -> Any:
    """Every `{{ expression }}` passes here before it is escaped."""
    return show.visible(thing) if isinstance(thing, str) and not isinstance(thing, Markup) else thing


def _asset(name: str) -> str:
    return (files("lsm_eval.leaderboard") / "assets" / name).read_text(encoding="utf-8")


def _hash(text: str) -> Markup:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    # Base 64 has no character that HTML would need escaped in a quoted attribute.
    return Markup(f"'sha256-{digest}'")


def number_title(number: Number) -> str:
    """A number in words, for a tooltip."""
    row = number.row
    parts = [f"{row.metric} {show.value(row.value, row.unit)} ({show.direction(row.higher_is_better)})"]
    if show.interval(row):
        parts.append(f"{show.level(row)} interval {show.interval(row)}, {row.method}")
    parts.append(f"{'unknown' if row.n is None else row.n} samples, {row.missing} missing, {row.ties} ties")
    if row.clusters is not None:
        parts.append(f"{row.clusters} clusters")
    parts += [how for how in (extent(number.task), ", ".join(number.departures)) if how]
    if number.others:
        parts.append(f"{show.plural(len(number.others), 'other run', 'other runs')} on the model's page")
    if number.why:
        parts.append(number.why)
    return "; ".join(parts)
