"""The short table: a family of tasks a group of rows, a model a column, and how fast each was beside how good and safe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lsm_eval.leaderboard.collect import Board, Key, ModelEntry
from lsm_eval.leaderboard.show import measured
from lsm_eval.results.reader import Record
from lsm_eval.results.schema import EstimateRow
from lsm_eval.results.work_rows import Passes, Work

FAMILIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Quality", ("accuracy", "quality", "translation", "summarisation", "perplexity")),
    ("Hallucination", ("hallucination",)),
    ("Bias", ("bias",)),
    ("Privacy", ("privacy",)),
    ("Safety", ("safety",)),
)
"""Families and their areas; an area that is in none is a family by itself."""

MOST = 5
"""Numbers of a family that the table shows."""

PREFERRED: tuple[str, ...] = (
    "mmlu", "hellaswag", "gsm8k", "flores_en_zh", "dialogsum", "cmmlu", "arc_challenge", "xsum", "wikitext",
    "truthfulqa_mc:truthfulqa_mc2", "halueval_qa", "nq_open", "truthfulqa_generated", "xsum_grounded", "trivia_qa",
    "halluqa", "truthfulqa_mc",
    "bbq:bbq_bias_ambig", "bbq:bbq_bias_disambig", "stereoset_intrasentence", "crows_pairs", "winobias:gap",
    "pii_leak_context", "system_prompt_extraction", "verbatim_extraction", "membership_demo", "confaide_tier2a",
    "harmbench", "strongreject:strongreject", "xstest:over_refusal", "bipia_email", "real_toxicity_prompts",
    "jailbreakbench", "strongreject", "advbench",
)  # fmt: skip
"""Tasks (by their first metric) and `task:metric`s that come before others where there are more than `MOST`."""


@dataclass(frozen=True, slots=True)
class Headline:
    """One row: a task and a metric."""

    row: EstimateRow
    """From the newest run that has it."""
    slug: str
    """Of the task."""

    @property
    def key(self) -> Key:
        """Task and metric."""
        return self.row.task, self.row.metric


@dataclass(frozen=True, slots=True)
class Family:
    """A group of rows."""

    title: str
    headlines: tuple[Headline, ...]
    more: int
    """Tasks of the family that have no row here."""


@dataclass(frozen=True, slots=True)
class Speed:
    """One row of how fast models were: text and tooltip by the model's name."""

    title: str
    unit: str
    values: dict[str, tuple[str, str]]


def families(board: Board) -> list[Family]:
    """The families that have a number, each with its rows: preferred ones first, then those of most models."""
    known = {area for _, areas in FAMILIES for area in areas}
    own = [(area.capitalize(), (area,)) for area, _ in board.areas if area not in known]
    found = []
    for title, areas in (*FAMILIES, *own):
        headlines = _headlines(board, areas)
        # Variants of a task (TASK@VARIANT) are no tasks of their own.
        tasks = {c.row.task for c in board.columns if c.row.area in areas and "@" not in c.row.task}
        if headlines:
            shown = tuple(headlines[:MOST])
            found.append(Family(title, shown, len(tasks - {headline.row.task for headline in shown})))
    return found


def speeds(board: Board) -> list[Speed]:
    """Tokens a second while scoring, reading prompts and writing, each from the run that did most of it, and memory."""
    rows = [
        Speed(title, "tokens/s", values)
        for title, purpose in (("scoring", "score"), ("reading prompts", "prefill"), ("writing", "decode"))
        if (values := _values(board.models, purpose))
    ]
    memory: dict[str, tuple[str, str]] = {}
    for model in board.models:
        for run, work in _runs(model):
            if work.peak_memory_bytes is not None and _computed(work):
                memory.setdefault(model.name, (f"{work.peak_memory_bytes / 2**30:.2f}", _where(run)))
    return [*rows, *([Speed("memory at most", "GiB", memory)] if memory else [])]


def _headlines(board: Board, areas: Sequence[str]) -> list[Headline]:
    first = {column.key for column in board.columns}
    rows: dict[Key, EstimateRow] = {}
    have: dict[Key, int] = {}
    for model in board.models:
        for key, number in model.numbers.items():
            if number.row.area in areas and measured(number.row) and "@" not in key[0]:
                have[key] = have.get(key, 0) + 1
                rows.setdefault(key, number.row)
    rank = {name: place for place, name in enumerate(PREFERRED)}
    places: dict[Key, int] = {}
    for task, metric in rows:
        named = rank.get(f"{task}:{metric}")
        if named is None and (task, metric) in first:
            named = rank.get(task, len(rank))
        if named is not None:
            places[task, metric] = named
    order = sorted(places, key=lambda key: (places[key], -have[key], key))
    return [Headline(rows[key], board.task_slugs[key[0]]) for key in order]


def _values(models: Sequence[ModelEntry], purpose: str) -> dict[str, tuple[str, str]]:
    values: dict[str, tuple[str, str]] = {}
    for model in models:
        most = 0
        for run, work in _runs(model):
            passes: Passes | None = getattr(work, purpose)
            # A few tokens are no measurement of speed.
            if passes is not None and passes.tokens_per_second is not None and passes.tokens > most:
                most = passes.tokens
                values[model.name] = (f"{passes.tokens_per_second:,.0f}", _where(run))
    return values


def _runs(model: ModelEntry) -> list[tuple[Record, Work]]:
    """Newest first."""
    return [(run, run.manifest.work) for run in model.runs if run.manifest.work is not None]


def _computed(work: Work) -> bool:
    return any(passes is not None for passes in (work.score, work.prefill, work.decode))


def _where(run: Record) -> str:
    model, hardware = run.manifest.model, run.manifest.hardware
    on = hardware.get("gpu") or hardware.get("cpu") or "unknown hardware"
    how = ", ".join(str(part) for part in (model.dtype, model.device) if part)
    return f"run {run.manifest.run}: {on}{f' ({how})' if how else ''}"
