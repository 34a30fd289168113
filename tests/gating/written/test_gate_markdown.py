"""Markdown of a gate, rendered: the verdict first, within its limit, and nothing of a model's in it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from gate_results import HOSTILE, finding, flip, hostile, of_each_answer, result
from rendered import RENDERERS, Page, references, rendered

from lsm_eval.gating.result import GateResult
from lsm_eval.gating.written.markdown import COMMENT, LEAST, MARKER, SUMMARY, to_markdown

OURS = {
    "h2",
    "p",
    "strong",
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


def lines(made: GateResult) -> list[str]:
    return to_markdown(made).splitlines()


def test_the_verdict_comes_first() -> None:
    found = lines(result())
    assert found[0] == MARKER == "<!-- lsm-eval gate -->"
    assert found[1] == "## ❌ Gate: fail"
    verdict = (
        "**A loss beyond its margin is proven, a limit is broken and too many samples are lost: "
        "of 6 findings 3 fail, 1 lacks data, 2 pass.**"
    )
    assert found[3] == verdict
    assert found[5].startswith(
        "<code>builtin:smollm2-135m</code> against <code>builtin:longest</code>, under"
    )


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("pass", "Any loss beyond its margin is ruled out, and every limit is kept."),
        ("fail", "The policy is not met."),
        ("not enough data", "Neither a loss beyond its margin nor the absence of one is shown."),
        ("not comparable", "The runs cannot be compared."),
    ],
)
@pytest.mark.parametrize("renderer", RENDERERS)
def test_each_answer_in_words(answer: str, said: str, renderer: str) -> None:
    made = result(answer=answer, findings=[], reasons=["Other hardware."], notes=[], flips=[], baseline=None)
    page = rendered(to_markdown(made), renderer)
    assert page.text("h2")[0].endswith(f"Gate: {answer}")
    assert page.text("strong") == [said]
    assert "Other hardware." in page.text("li")
    assert "table" not in page.tags


def test_what_becomes_of_not_enough_data_is_said() -> None:
    lacking = [finding(answer="not enough data")]
    for inconclusive, word in (("neutral", "neutral"), ("warn", "a warning"), ("fail", "a failure")):
        made = result(findings=lacking, answer="not enough data", inconclusive=inconclusive)
        assert f"- Not enough data is {word} under this policy." in lines(made)
    assert "under this policy." not in to_markdown(result(findings=[finding()])).split("Loss:")[1]


@pytest.mark.parametrize("renderer", RENDERERS)
def test_the_findings_are_a_table_the_worst_first(renderer: str) -> None:
    page = rendered(to_markdown(result()), renderer)
    rows = page.rows()[1:7]
    assert [row[0].split(" ", 1)[1] for row in rows] == ["fail"] * 3 + ["not enough data"] + ["pass"] * 2
    loss = next(row for row in rows if row[2] == "acc")
    assert loss[3:9] == ["50.0 %", "47.5 %", "+2.5 pp", "[+1.1, +3.9]", "1.5 pp", "1,319"]
    limit = next(row for row in rows if row[2] == "leak_rate")
    assert limit[3:9] == ["-", "20.0 %", "-", "[8.0 %, 41.0 %]", "at most 5.0 %", "30"]


def test_what_does_not_pass_has_its_sentence_above_the_table() -> None:
    """A table with a column of sentences is wider than a comment, and its last columns are cut off."""
    found = lines(result(reasons=["Other hardware."]))
    top = found[: next(at for at, line in enumerate(found) if line.startswith("| answer"))]
    assert "* ❌ <code>quickstart_privacy</code>, <code>leak_rate</code>: The rate is above 5 %." in top
    assert sum(line.startswith("* ") for line in top) == 1 + 4
    many = lines(result(findings=[finding(metric=f"f{at}") for at in range(23)]))
    assert sum(line.startswith("* ❌") for line in many) == 20
    assert "* 3 more do not pass; gate.json says why." in many


def test_the_level_of_the_interval_is_said() -> None:
    assert "with its 90 % interval; negative" in to_markdown(result(findings=[finding(level=0.9)]))
    unlike = [finding(level=0.9), finding(level=0.95)]
    assert "that both have; negative" in to_markdown(result(findings=unlike))


def test_error_rates_are_said() -> None:
    assert any("an unchanged model fails in at most 1 % of runs" in line for line in lines(result()))
    assert any("passes in at most 5 %, for each metric by itself" in line for line in lines(result()))


def test_runs_of_one_model_are_told_apart() -> None:
    same = result(baseline=result().candidate)
    assert same.candidate.manifest.run in lines(same)[5]


@pytest.mark.parametrize("renderer", RENDERERS)
def test_flips_are_folded(renderer: str) -> None:
    page = rendered(to_markdown(result()), renderer)
    assert page.text("summary") == ["quickstart_accuracy_en, acc: samples that changed"]
    assert page.rows()[-2:] == [
        ["17", "1 → 0", "Of France the capital is", "Paris", "Paris", "London"],
        ["18", "0 → 1", "Of France the capital is", "Paris", "Paris", "London"],
    ]


def test_harmful_texts_are_hashes() -> None:
    text = to_markdown(
        result(flips=[flip(first_answer="SECRET", target="SECRET", asked="SECRET", sensitive=True)])
    )
    assert "SECRET" not in text
    assert "withheld sha256" in text


@pytest.mark.parametrize("renderer", RENDERERS)
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_text_makes_nothing(text: str, renderer: str) -> None:
    made = result(
        findings=[finding(metric=text, why=text)],
        flips=[
            flip(metric=text, sample=text, first_answer=text, second_answer=text, target=text, asked=text)
        ],
        policy=text,
        notes=[text],
        reasons=[text],
        answer="not comparable",
    )
    page = rendered(to_markdown(made), renderer)
    check(page)
    harmless = replace(
        made, policy="p", notes=["n"], reasons=["r"], findings=[finding(why="w")], flips=[flip()]
    )
    assert shape(page) == shape(rendered(to_markdown(harmless), renderer))
    assert [len(row) for row in page.rows()] == [9, 9, 6, 6]


def shape(page: Page) -> list[str]:
    return [tag for tag in page.tags if tag not in ("code", "span")]


def check(page: Page) -> None:
    assert set(page.tags) <= OURS
    assert page.attributes <= {"style", "align"}
    assert not page.comments - {MARKER.removeprefix("<!--").removesuffix("-->")}
    assert references(page) == []


@pytest.mark.parametrize("renderer", RENDERERS)
@pytest.mark.parametrize("limit", [LEAST, 20_000, COMMENT, SUMMARY])
def test_it_keeps_its_limit(limit: int, renderer: str) -> None:
    made = hostile()
    many = replace(made, findings=[*made.findings, *of_each_answer() * 30], flips=list(made.flips) * 3)
    text = to_markdown(many, limit)
    assert len(text.encode()) <= limit
    check(rendered(text, renderer))
    if limit < SUMMARY:
        assert "are left out here for want of room; gate.json has them all." in text


def test_what_is_left_out_is_the_least_bad_and_is_counted() -> None:
    passing = [finding(metric=f"p{at}", answer="pass") for at in range(800)]
    failing = [finding(metric=f"f{at}") for at in range(20)]
    text = to_markdown(result(findings=[*passing, *failing]))
    rows = [line for line in text.splitlines() if re.match(r"\| [❌✅]", line)]
    assert sum("❌" in row for row in rows) == 20
    assert f"\n\n{820 - len(rows):,} more findings, none of them worse, are left out here" in text
    assert 60_000 < len(text.encode()) <= COMMENT
    assert (
        text.splitlines()[-1]
        == "Samples that changed are left out here for want of room; gate.json has them all."
    )


def test_a_part_of_the_flips_is_shown_where_not_all_fit() -> None:
    text = to_markdown(result(flips=[flip(sample=str(at), first_answer="|" * 150) for at in range(200)]))
    shown = sum(line.startswith("| <code>") for line in text.splitlines())
    assert 20 < shown < 200
    assert f"{200 - shown} more samples are left out here" in text
    assert text.endswith("</details>\n")
    assert len(text.encode()) <= COMMENT


def test_a_limit_without_room_for_the_verdict_is_refused() -> None:
    with pytest.raises(ValueError, match="needs 16,384 bytes"):
        to_markdown(result(), LEAST - 1)
