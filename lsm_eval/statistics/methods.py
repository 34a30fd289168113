"""The table of methods: how intervals are computed, the source of each method, and when it is used.

An estimate's `method` begins with a row's name; the brackets after it say how the method was applied (`wilson(effective,
clusters)`). Raise a row's `version` whenever the method would give another number: this changes the signature of every number.
A new method is a new row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

BEGIN, END = "<!-- methods: begin -->", "<!-- methods: end -->"


@dataclass(frozen=True, slots=True)
class Method:
    """A method for intervals."""

    name: str
    """What an estimate's `method` begins with."""
    version: int
    source: str
    used: str
    """When it is used."""


METHODS = (
    Method(
        "wilson",
        2,
        "Wilson 1927, no end inside the exact interval of 93.5 %: Clopper & Pearson 1934",
        "0 or 1, samples that stand alone, 5 or more",
    ),
    Method("clopper-pearson", 1, "Clopper & Pearson 1934", "0 or 1, samples that stand alone, fewer than 5"),
    Method(
        "wilson(effective",
        5,
        "Wilson 1927 on effective trials: Korn & Graubard 1998, CR2 of Bell & McCaffrey 2002",
        "means of values that keep to a range (0 to 1, 0 to 100, -1 to 1), and anything from 0 to 1 in clusters",
    ),
    Method(
        "t",
        3,
        "Student's t with CR2 and Satterthwaite's degrees of freedom, Bell & McCaffrey 2002; skewness outwards, Hall 1992",
        "other means, of ten samples or more",
    ),
    Method(
        "wilson(effective, ratio",
        4,
        "Wilson 1927 on effective trials of a linearised ratio, Korn & Graubard 1998; samples that stand alone: no end inside "
        "the exact interval of 93.5 %",
        "ratios of two sums from 0 to 1",
    ),
    Method(
        "wilson(effective, macro",
        1,
        "Wilson 1927 on effective trials of a linearised macro-F1, Takahashi et al. 2022; CR2 of Bell & McCaffrey 2002",
        "macro-F1, and the F1 of one class",
    ),
    Method(
        "t(ratio",
        4,
        "t with CR2 of the linearised ratio, Bell & McCaffrey 2002; skewness outwards, Hall 1992; the end at 0 on the logarithm",
        "rates that are no share",
    ),
    Method("t(log ratio", 3, "the same", "perplexities, bits and nats per something"),
    Method(
        "jackknife",
        4,
        "delete-a-group jackknife with t, Efron & Tibshirani 1993; on the logit where the score has a range; skewness "
        "outwards, Hall 1992",
        "corpus scores such as BLEU; the variance between questions, and the share of the draws in it",
    ),
    Method(
        "fisher(jackknife",
        2,
        "Fisher 1921; the larger variance of the jackknife's, Efron & Tibshirani 1993, and Fisher's 1 / (n - 3)",
        "correlations",
    ),
    Method(
        "wilson(effective, area",
        2,
        "Wilson 1927 on effective trials: Korn & Graubard 1998, CR2 of the area's influences; no end inside the exact interval "
        "of 93.5 %",
        "areas under the risk-coverage curve",
    ),
    Method(
        "newcombe",
        3,
        "Newcombe 1998, method 10, of the parts' own intervals; Zou & Donner 2008; no end inside that of a sum of rare events, "
        "Fay & Feuer 1997",
        "differences and sums of two means; changes between wordings and other differences of the same samples",
    ),
    Method(
        "delong",
        2,
        "Newcombe 2006, method 5; DeLong et al. 1988; the end nearer to 0 or 1 not inside the exact interval of 93.5 %",
        "AUROCs, samples that stand alone",
    ),
    Method(
        "obuchowski",
        2,
        "Newcombe 2006, method 5; Obuchowski 1997; the nearer end as for `delong`",
        "AUROCs, samples in clusters",
    ),
    Method(
        "mover",
        2,
        "Zou & Donner 2008; of two upper ends each misses half as often, Bonferroni",
        "what an AUROC gains over another",
    ),
    Method(
        "wilson and order statistics",
        1,
        "Wilson 1927; Hyndman & Fan 1996, definition 8",
        "what is found at few errors: true positives, extracted texts",
    ),
    Method(
        "calibrated null",
        1,
        "debiased after Kumar et al. 2019; outcomes drawn anew from the confidences",
        "expected calibration errors",
    ),
    Method("box", 1, "projection of the parts' intervals", "StereoSet's ICAT"),
    Method(
        "noise of the groups",
        2,
        "debiased by simulated noise; the lower end of the means that lead to such a range oftenest, Prékopa 1973",
        "spreads of several groups",
    ),
    Method(
        "rogan-gladen",
        2,
        "Rogan & Gladen 1978; predictive distribution over models, Higgins et al. 2009; projection, Hannig et al. 2016",
        "rates corrected by a detector's card of four models or more",
    ),
    Method(
        "projection(kappa",
        1,
        "Cohen 1960; Jeffreys' betas projected, Connor & Mosimann 1969",
        "a judge's kappa",
    ),
    Method("none", 1, "-", "no honest interval, or no value; the reason stands in brackets"),
)


def method_of(method: str, rows: Sequence[Method] | None = None) -> Method | None:
    """The row of an estimate's `method`: the longest name that it begins with; None if the table lacks it."""
    found = [
        row
        for row in (METHODS if rows is None else rows)
        if method.startswith(row.name) and method[len(row.name) :][:1] in ("", "(", ",", ")", " ")
    ]
    return max(found, key=lambda row: len(row.name), default=None)


def fingerprint() -> str:
    """Eight hexadecimal digits, a hash over all names and versions in any order: the part `intervals` of a signature."""
    rows = sorted(f"{row.name}@{row.version}" for row in METHODS)
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()[:8]


def table(rows: Sequence[Method] | None = None) -> str:
    """All rows as a Markdown table."""
    head = ("| method | version | source | used for |", "| --- | ---: | --- | --- |")
    shown = METHODS if rows is None else rows
    lines = (f"| `{_closed(row.name)}` | {row.version} | {row.source} | {row.used} |" for row in shown)
    return "\n".join([*head, *lines])


def _closed(name: str) -> str:
    return f"{name})" if "(" in name else name
