"""What a comparison shows of records, which may come from anywhere: names, versions and reasons do no harm."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import call
from gate_results import HOSTILE, flip, record
from rendered import RENDERERS, references, rendered

from lsm_eval.comparison.result import Comparison, Row
from lsm_eval.comparison.shown import text, words
from lsm_eval.comparison.shown.as_json import to_json
from lsm_eval.comparison.shown.markdown import to_markdown
from lsm_eval.comparison.signature import Part
from lsm_eval.results.reader import Record
from lsm_eval.results.redaction import withheld

ROW = Row(
    task="t",
    title="T",
    metric="acc",
    unit="fraction",
    higher_is_better=True,
    candidate=0,
    baseline_value=0.5,
    candidate_value=0.4,
    difference=-0.1,
    low=-0.2,
    high=0.0,
    level=0.95,
    p=0.04,
    p_adjusted=0.04,
    method="tango",
    n=100,
    clusters=None,
    discordant=20,
    missing=0,
    only_baseline=0,
    only_candidate=0,
    other_prompt=0,
    verdict="worse",
    why=None,
    no_interval=None,
    differing=(),
)


def comparison(*rows: Row, **changes: object) -> Comparison:
    made = Comparison(record(), [record("builtin--longest")], rows or (ROW,), 1, [], [], [])
    return replace(made, **changes)  # type: ignore[arg-type]


def hostile() -> Comparison:
    rows = [replace(ROW, metric=one, unit=one) for one in HOSTILE]
    rows += [replace(ROW, verdict="not compared", why=one, metric="m") for one in HOSTILE]
    flips = [
        flip(metric=one, sample=one, first_answer=one, second_answer=one, target=one, asked=one)
        for one in HOSTILE
    ]
    return comparison(*rows, alone=HOSTILE, notes=HOSTILE, flips=flips)


def test_the_terminal_gets_lines_that_are_no_commands() -> None:
    made = hostile()
    lines = [cell for row in made.rows for cell in text.cells(row)]
    lines += [*words.footing(made), *text.flip_lines(made.flips, ["x"], reveal=True)]
    assert all(sign.isprintable() or sign == "\u3000" for line in lines for sign in line)
    assert not [line for line in lines if "##[" in line or "##vso[" in line]
    answers = [line for line in text.flip_lines(made.flips, ["x"], reveal=True) if line.startswith(" ")]
    assert not [line for line in answers if line.strip().startswith("::")]


@pytest.mark.parametrize("renderer", RENDERERS)
def test_markdown_has_nothing_of_theirs(renderer: str) -> None:
    page = rendered(to_markdown(hostile()), renderer)
    ours = {
        "h3",
        "p",
        "code",
        "span",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "ul",
        "li",
        "details",
        "summary",
    }
    assert set(page.tags) <= ours
    assert page.attributes <= {"style", "align"}
    assert {len(row) for row in page.rows()} == {10, 8}
    assert references(page) == []


def test_markdown_says_of_which_candidate_a_flip_is() -> None:
    two = comparison(candidates=[record("builtin--longest"), record("builtin--says_no")])
    page = rendered(to_markdown(replace(two, flips=[flip(), flip(candidate=1)])), "markdown-it")
    assert [row[0] for row in page.rows()[-3:]] == ["of", "builtin:longest", "builtin:says_no"]


def test_a_model_with_an_adapter_is_called_by_both() -> None:
    made = comparison(candidates=[adapted(record(), "adapters/polite"), adapted(record(), "adapters/short")])
    names = [f"builtin:smollm2-135m{more}" for more in ("", " + polite", " + short")]
    assert words.names(made) == (names[0], names[1:])
    assert [one["model"] for one in json.loads(to_json(made))["candidates"]] == names[1:]


def adapted(found: Record, adapter: str) -> Record:
    model = found.manifest.model.model_copy(
        update={"details": {**found.manifest.model.details, "adapter": adapter}}
    )
    return replace(found, manifest=found.manifest.model_copy(update={"model": model}))


def test_json_is_valid_whatever_records_say() -> None:
    found = json.loads(to_json(hostile()), parse_constant=pytest.fail)
    assert len(found["rows"]) == 2 * len(HOSTILE)


def test_what_is_no_number_is_a_dash() -> None:
    row = replace(ROW, baseline_value=math.nan, difference=math.nan, p=math.nan, low=None)
    shown = text.cells(row)
    assert [shown[at] for at in (2, 4, 5, 6)] == ["-"] * 4


def test_parts_that_differ_by_intention_are_said() -> None:
    differing = (Part("model", "a", "b"), Part("n", "1", "2"), Part("chat", "off", "on"))
    made = comparison(replace(ROW, differing=differing))
    (said,) = [line for line in words.footing(made) if "--across" in line]
    assert said.endswith("as --across asks: chat (off against on).")
    refused = replace(ROW, differing=differing, verdict="not compared", why="x")
    assert not [line for line in words.footing(comparison(refused)) if "--across" in line]


def test_what_is_withheld_already_is_not_hashed_again() -> None:
    hidden = flip(first_answer=withheld("x"), second_answer="x", target=f"{withheld('x')} ").hidden()
    assert hidden.first_answer == hidden.second_answer == withheld("x")
    assert hidden.target == withheld(f"{withheld('x')} ")


def test_json_is_json_where_the_console_is_not_utf_8() -> None:
    from lsm_eval.json_text import printed

    name = "模型 é 😀"
    made = comparison(notes=[name])
    received = printed(to_json(made), "ascii").encode("ascii", "backslashreplace").decode()
    assert json.loads(received)["notes"] == [name]


def test_to_reveal_in_json_or_markdown_is_a_mistake(tmp_path: Path) -> None:
    for form in ("--json", "--markdown"):
        assert (
            "--reveal is for the terminal" in call("compare", tmp_path, tmp_path, form, "--reveal").sentence()
        )
