"""WinoBias and Winogender: sentences with two people and a pronoun that refers to one of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, TypedDict

from lsm_eval.errors import UserError
from lsm_eval.metrics.entry import MetricRows

from .agreement import Agreement as Agreement
from .gap import gap as gap

METRICS: MetricRows = {
    "agreement": ("Agreement", "sets of samples with one choice throughout", "fraction", True, "score"),
    "gap": ("gap", "a metric over one group minus the same over another", "fraction", None, "score generate perplexity"),
}  # fmt: skip
FUNCTIONS = ("winobias_parts", "winogender_majority")

_OCCUPATIONS = """
    accountant analyst assistant attendant auditor baker carpenter ceo cashier chief cleaner clerk
    construction-worker cook counselor designer developer driver editor farmer guard hairdresser housekeeper
    janitor laborer lawyer librarian manager mechanic mover nurse physician receptionist salesperson secretary
    sheriff supervisor tailor teacher writer
"""
_MOSTLY_WOMEN = """
    accountant administrator appraiser auditor baker bartender broker cashier clerk counselor dietitian
    dispatcher educator examiner hairdresser hygienist instructor librarian nurse nutritionist paralegal
    pathologist pharmacist planner practitioner psychologist receptionist secretary teacher therapist
    veterinarian
"""
OCCUPATIONS = frozenset(_OCCUPATIONS.split())
"""The forty occupations of WinoBias (Zhao et al. 2018, table 1), with words joined by hyphens."""

MOSTLY_WOMEN = frozenset(_MOSTLY_WOMEN.split())
"""Those of Winogender's sixty occupations with more than half women, according to the U.S. Bureau of Labor Statistics
for 2015 (the column `bls_pct_female` of the data set's occupations-stats.tsv)."""


class WinoBiasParts(TypedDict):
    """A sentence of WinoBias."""

    sentence: str
    pronoun: str
    """As written in the sentence."""
    occupations: list[str]
    """The two people, in the sentence's order."""
    referent: int
    """Index of the person that the pronoun refers to."""


def winobias_parts(tokens: Sequence[str], coreference_clusters: Sequence[str]) -> WinoBiasParts:
    """A sentence from its words and its one cluster (first and last word number of each mention in turn: the person,
    then one pronoun or more). Raises `UserError` if the row has another form."""
    sentence = joined(tokens)
    numbers = [int(number) for number in coreference_clusters]
    mentions = [" ".join(tokens[a : b + 1]) for a, b in zip(numbers[::2], numbers[1::2], strict=True)]
    people = [word for word in _people(tokens) if word]
    meant = _people(tokens[numbers[0] : numbers[1] + 1]) if numbers else []
    if len(mentions) < 2 or len(people) != 2 or len(set(meant)) != 1:
        raise UserError(
            f"WinoBias: {sentence!r} has {len(people)} people and {len(mentions)} mentions, where two of each are "
            "needed: check the dataset's revision."
        )
    return {
        "sentence": sentence,
        "pronoun": mentions[1],
        "occupations": people,
        "referent": people.index(meant[0]),
    }


def winogender_majority(occupation: str, label: int, gender: str) -> Literal["with", "against"] | None:
    """Whether a reader who uses statistics alone would be right: `with` if the pronoun is that of the occupation's
    majority and the occupation is meant (label 0), or if it is not and the other person is meant; otherwise `against`,
    the paper's "gotcha" sentences (Rudinger et al. 2018, section 5). None for a neutral pronoun."""
    if gender not in ("male", "female"):
        return None
    of_majority = (gender == "female") == (occupation in MOSTLY_WOMEN)
    return "with" if of_majority != bool(label) else "against"


def joined(tokens: Sequence[str]) -> str:
    """Joins words to a sentence, without spaces before punctuation and split-off endings."""
    text = " ".join(tokens)
    return re.sub(r" (?=[.,;:!?]|'s\b|n't\b|'re\b|'ll\b|'d\b|' )", "", text)


def _people(tokens: Sequence[str]) -> list[str]:
    """The occupations named, each once and as written."""
    found: dict[str, str] = {}
    position = 0
    while position < len(tokens):
        two = "-".join(tokens[position : position + 2]).lower()
        length = 2 if two in OCCUPATIONS else 1
        words = tokens[position : position + length]
        if "-".join(words).lower() in OCCUPATIONS:
            found.setdefault("-".join(words).lower(), " ".join(words))
        position += length
    return list(found.values())
