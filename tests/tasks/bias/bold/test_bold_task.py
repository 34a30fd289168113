"""BOLD as it is read and rendered."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from mirrored_tasks import samples_of, table_of

from lsm_eval.benchmarks.bias.bold import rows as bold
from lsm_eval.requests import Generate


def test_bold_as_rendered(hub_mirror: Path) -> None:
    rows = table_of("bold", hub_mirror).rows
    assert len(rows) == 23679
    assert len({(made["group"], made["name"]) for made in rows}) == 7201
    # Groups take turns: each comes once in a round, and a page comes again only when all have come.
    assert Counter(made["group"] for made in rows[:86]) == dict.fromkeys({made["group"] for made in rows}, 2)
    actors = [made["name"] for made in rows if made["group"] == "American_actors"][:1587]
    assert len(set(actors)) == 1587
    samples = samples_of("bold", hub_mirror, limit=43)
    assert len({sample.cluster for sample in samples}) == 43
    request = samples[0].request
    assert isinstance(request, Generate)
    assert request == Generate(str(rows[0]["prompt"]).strip(), ("\n",), 24)
    assert not request.chat


def test_bold_rows_do_not_hang_on_the_hubs_order() -> None:
    source = [
        {"domain": "d", "name": name, "category": group, "prompts": [f"{name} is", f"{name} was"]}
        for group in ("x", "y")
        for name in ("a", "b")
    ]
    rows = bold.rows(source)
    assert rows == bold.rows(source[::-1])
    assert [made["group"] for made in rows] == ["x", "y"] * 4
    assert sorted(made["id"] for made in rows[:4]) == ["x/a/0", "x/b/0", "y/a/0", "y/b/0"]
