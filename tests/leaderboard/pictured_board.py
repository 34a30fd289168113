"""A made-up board with something on every kind of page, and where a page of each kind is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from made_boards import made_board
from playwright.sync_api import Page

from lsm_eval.leaderboard.build import build
from lsm_eval.leaderboard.options import Options
from lsm_eval.profiling.record import ProfileContents, write_profile
from lsm_eval.results.model_rows import ModelRow
from lsm_eval.results.profile_rows import CellRow, MeasuredRow, ProfileRow, WorkloadRow

SAMPLES = 30
EARLIER = {"org/alpha-7b": 0.75, "beta": 0.5}
"""What two of the models scored in a run before, for the history."""


@dataclass(frozen=True, slots=True)
class Place:
    """A page of one kind."""

    path: str
    """In the site's folder; `single/…` is in the one file."""
    state: str = ""
    """What follows in the address."""
    ready: str = "main h1"
    """A selector of what stands there when the page is whole."""
    within: str = "body"
    """What a picture of a part of it shows."""

    def open(self, page: Page, site: Path) -> None:
        """Go there, and wait until all is drawn."""
        page.goto(f"{(site / self.path).as_uri()}{self.state}")
        page.wait_for_selector(self.ready)
        page.evaluate("document.fonts.ready.then(() => new Promise(requestAnimationFrame))")


_TWO = "#a=org-alpha-7b&b=gamma"
PAGES = {
    "front": Place("site/index.html", ready=".tools"),
    "compare": Place("site/compare.html", f"{_TWO}&t=qa:accuracy", "#samples article"),
    "cost": Place("site/cost.html", ready="figure.cost circle"),
    "model": Place("site/models/org-alpha-7b.html"),
    "task": Place("site/tasks/arc.html"),
    "history": Place("site/history/beta.html"),
    "samples": Place("site/samples/beta/arc.html", ready="#filter"),
    "folded": Place("site/samples/beta/adv.html", ready="#filter"),
    "single": Place("single/index.html", "#models/beta.html", "section.on h1, section:target h1"),
}
CHARTS = {
    "cost-chart": ("cost", "figure.cost .scroll > svg"),
    "curve": ("model", "main svg.chart"),
    "line": ("history", "main svg.chart"),
}
"""Drawings: the page, and the first such element of it."""


def pictured_board(root: Path) -> Path:
    """Sites in `root`: `site`, a folder of pages, and `single`, one file."""
    made_board(root / "reports" / "now", samples=SAMPLES)
    made_board(root / "reports" / "before", samples=SAMPLES, models=EARLIER)
    for manifest in (root / "reports" / "before").rglob("manifest.json"):
        content = json.loads(manifest.read_text(encoding="utf-8"))
        earlier = {"created": content["created"].replace("2025", "2024"), "versions": {"python": "3.11.2"}}
        manifest.write_text(json.dumps({**content, **earlier, "run": "before"}), encoding="utf-8")
    for record in sorted((root / "reports" / "now").iterdir())[1:]:
        about = json.loads((record / "manifest.json").read_text(encoding="utf-8"))["model"]
        _profile(root / "reports" / "speed", ModelRow.model_validate(about), 2e11 / about["parameters"])
    build(root / "reports", root / "site")
    build(root / "reports", root / "single", options=Options(single_file=True))
    return root


def _profile(out: Path, about: ModelRow, rate: float) -> None:
    cells = []
    for size, share in ((1, 1.0), (4, 3.0), (16, 7.0)):
        metrics = [
            _measured("output_tokens_per_second", "tokens/s", True, rate * share, 0.04),
            _measured("ttft_p50", "s", False, 2.0 / rate * (1 + size / 4), 0.1),
        ]
        conditions = {"loop": "closed", "concurrency": size, "prompt_tokens": 128}
        cells.append(
            CellRow(
                name=f"c{size}",
                title=f"Serving, {size} at once",
                conditions=conditions,
                metrics=metrics,
                n=40,
            )
        )
    workload = WorkloadRow(name="random tokens", sha256="ab" * 32)
    profile = ProfileRow(
        kind="serving", version=1, formulas="vllm", workload=workload, asked={"concurrency": [1, 4, 16]}, cache="cold",
        machine="a CPU", cells=cells,
    )  # fmt: skip
    profiled = ProfileContents(
        profile=profile, model=about, created=datetime(2025, 2, 1, tzinfo=UTC),
        command=["lsm-eval", "profile", "--model", about.name], versions={"lsm-eval": "0"}, phases={"measure": 20.0}, seconds=21.5,
    )  # fmt: skip
    write_profile(out, profiled)


def _measured(metric: str, unit: str, higher: bool, value: float, spread: float) -> MeasuredRow:
    return MeasuredRow(
        metric=metric, unit=unit, higher_is_better=higher, value=value, low=value * (1 - spread), high=value * (1 + spread),
        method="t(repeats)", n=40,
    )  # fmt: skip
