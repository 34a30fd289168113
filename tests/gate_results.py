"""Results of gates built by hand, over a small real record; and texts that models have been seen or may be made to say."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from lsm_eval.comparison.flips import Flip
from lsm_eval.gating.result import Finding, GateResult
from lsm_eval.results.reader import Record, read_records

REPO = Path(__file__).resolve().parents[1]

HOSTILE = (
    "",
    " ",
    "\x00",
    "\x1b[31mred\x1b]0;title\x07",
    "\x9b31m",
    "a\r\n::error::b\n\n# heading\n| cell |",
    "]]>",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</code></td></table></details><h1>x",
    "<!-- x --> -->",
    "<![CDATA[x]]><?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>&e;",
    "&lt;b&gt; &#64;octocat &colon;",
    "\ufffe\uffff\U0001fffe",
    "\ud800 and \udfff",
    "\u202eevil\u2066\u200b\u2028\u2029\ufeff",
    "x" * 200_000,
    "|" * 5_000,
    "a | b \\| c \\\\| d",
    "`code` ``` ~~~",
    "**b** _i_ ~~s~~ $x^2$ $$y$$",
    "[text](https://example.org) ![image](https://example.org/x.png)",
    "https://example.org www.example.org example.org //example.org ftp://example.org",
    "someone@example.org mailto:someone@example.org xmpp:someone@example.org",
    "@octocat and @all, @@x",
    "#1 org/repo#2 GH-3 !4 $5 &6 ~label %7 ^alert:8 *iteration:9 [vulnerability:10]",
    ":smile: :+1:",
    "[ ] box",
    "[^1] [^1]: note",
    "- item",
    "1. item",
    "---",
    "> quote",
    "##[error]x ##[set-output name=answer]pass ##vso[task.setvariable variable=x]y",
    "::error::x",
    "::stop-commands::x",
    "%0A%0D%25",
    "{0} {{1}}",
    "https://例え.jp 中文。\u3000日本語 العربية 한국어 😀 👩‍👩‍👧 é",
)


@lru_cache
def record(name: str = "builtin--smollm2-135m") -> Record:
    """A real record of the repository."""
    return read_records(REPO / "reports" / name)[-1]


def finding(**changes: Any) -> Finding:
    """A loss that is proven, or what `changes` make of it."""
    made = Finding(
        kind="loss",
        task="quickstart_accuracy_en",
        title="Quickstart, general knowledge (English)",
        metric="acc",
        unit="fraction",
        higher_is_better=True,
        answer="fail",
        why="2.5 of 100 answers that were right are wrong now.",
        baseline=0.5,
        candidate=0.475,
        loss=0.025,
        low=0.011,
        high=0.039,
        level=0.95,
        p=0.0004,
        margin=0.015,
        n=1_319,
        clusters=None,
        discordant=132,
        missing=2,
        smallest_loss=0.021,
        wanted_n=None,
        method="paired difference (Tango)",
        sensitive=False,
    )
    return replace(made, **changes)


def of_each_answer() -> list[Finding]:
    """All kinds and answers."""
    return [
        finding(answer="pass", metric="acc_norm", loss=-0.001, low=-0.009, high=0.007, p=0.6, why="Ruled out."),
        finding(
            answer="not enough data", task="quickstart_bias", metric="bias", p=0.2, low=-0.01, high=0.06,
            smallest_loss=0.05, wanted_n=4_000, clusters=40, why="40 clusters show losses of 5 points and more.",
        ),
        finding(),
        finding(
            kind="limit", task="quickstart_privacy", metric="leak_rate", higher_is_better=False, baseline=None,
            candidate=0.2, loss=None, low=0.08, high=0.41, margin=0.05, discordant=None, n=30, p=0.001,
            why="The rate is above 5 %.", sensitive=True,
        ),
        finding(
            kind="share", metric="missing", higher_is_better=False, candidate=0.3, baseline=0.0, loss=None, low=None,
            high=None, p=None, margin=0.05, discordant=None, why="30 % of the samples are missing.", method="none",
        ),
        finding(
            kind="speed", metric="output tokens per second", unit="tokens per second", baseline=1234.5,
            candidate=1230.0, loss=4.5, low=-20.0, high=30.0, margin=100.0, answer="pass", discordant=None,
            why="Slower by less than is allowed.", method="log-ratio of medians",
        ),
    ]  # fmt: skip


def flip(**changes: Any) -> Flip:
    """A sample that was right and is wrong."""
    made = Flip(
        0, "quickstart_accuracy_en", "acc", "17", 1.0, 0.0, "Paris", "London", "Paris", sensitive=False,
        asked="Of France the capital is",
    )  # fmt: skip
    return replace(made, **changes)


def result(**changes: Any) -> GateResult:
    """A pull request that fails."""
    made = GateResult(
        baseline=record("builtin--longest"),
        candidate=record(),
        policy="pull-request",
        policy_sha256="ab" * 32,
        false_alarm=0.01,
        false_pass=0.05,
        inconclusive="neutral",
        answer="fail",
        reasons=[],
        findings=of_each_answer(),
        notes=["Version of torch: 2.13.0 in the baseline, 2.12.1 in the candidate."],
        flips=[flip(), flip(sample="18", first=0.0, second=1.0)],
        created="2026-11-29T09:00:00.123456+00:00",
    )
    return replace(made, **changes)


def hostile() -> GateResult:
    """Every place that a text from elsewhere may reach, with every one of the hostile texts."""
    findings = [
        finding(title=text, metric=text, why=f"{text} says {text}", method=text, unit=text, answer=answer)
        for text in HOSTILE
        for answer in ("fail", "not enough data")
    ]
    flips = [
        flip(task="quickstart_accuracy_en", metric=text, sample=text, first_answer=text, second_answer=text, target=text, asked=text)
        for text in HOSTILE
    ]  # fmt: skip
    model = replace(
        record(), manifest=record().manifest.model_copy(update={"model": _named("<b>@octocat</b>\n# x | y")})
    )
    return result(
        findings=findings, flips=flips, notes=list(HOSTILE), reasons=list(HOSTILE), answer="not comparable",
        policy="p<b>\n@octocat | [x](https://example.org)", candidate=model,
    )  # fmt: skip


def _named(name: str) -> Any:
    return record().manifest.model.model_copy(update={"name": name})
