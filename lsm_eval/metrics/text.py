"""Metrics that compare a completion with references, as a whole or word by word; the best reference counts."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import Measurement
from lsm_eval.metrics.common import MeanMetric, ProportionMetric, counted, generated, patterns, references
from lsm_eval.reading.normalise import KEPT, Kept, normalised, stands
from lsm_eval.requests import Answer
from lsm_eval.tasks.sample import Sample

_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_NO_DIGITS = str.maketrans("", "", string.digits)


class ExactMatch(ProportionMetric):
    """`exact_match`: the completion equals a reference after the requested normalisations.

    In this order: `extract` (the completion only), `strip`, `regexes_to_ignore` (each removed, one after the
    other), `ignore_case`, `ignore_punctuation` (ASCII), `ignore_numbers`; the last four are those of the
    `evaluate` library's `exact_match`. `extract` is a rule or a list of rules, of which the first that matches
    is used; a rule is a regular expression or a mapping of `regex`, `group` (by default the first group that is
    not empty, or the whole match) and `take` (`first` or `last` match). Without a match the completion is not right.
    A reference that the normalisations would empty (a sign, for `ignore_punctuation`) is compared without them;
    a blank text equals nothing.
    """

    default_name = "exact_match"
    grades = True

    def __init__(
        self,
        *,
        name: str | None = None,
        strip: bool = True,
        ignore_case: bool = False,
        ignore_punctuation: bool = False,
        ignore_numbers: bool = False,
        regexes_to_ignore: str | list[str] = [],  # noqa: B006 - read only
        extract: str | dict[str, Any] | list[str | dict[str, Any]] = [],  # noqa: B006 - read only
    ) -> None:
        super().__init__(name)
        self.strip = strip
        self.ignore_case = ignore_case
        self.ignore_punctuation = ignore_punctuation
        self.ignore_numbers = ignore_numbers
        self.ignored = patterns(self.name, "regexes_to_ignore", regexes_to_ignore)
        rules = [extract] if isinstance(extract, (str, dict)) else extract
        self.rules = [Rule(self.name, rule) for rule in rules]

    def options(self) -> dict[str, str]:
        return {
            "extract": "+".join(map(str, self.rules)) or "no",
            "strip": _yes(self.strip),
            "ignore": "+".join(repr(pattern.pattern) for pattern in self.ignored) or "no",
            "case": "lc" if self.ignore_case else "mixed",
            "punctuation": _yes(not self.ignore_punctuation),
            "numbers": _yes(not self.ignore_numbers),
        }

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        completion = self.extracted(generated(self.name, answer).text)
        wanted = references(self.name, sample)
        return counted(completion is not None and any(self.equal(completion, one) for one in wanted))

    def vote(self, sample: Sample, answer: Answer) -> str | None:
        """The completion as compared (`drawn.Voting`); None if no rule matches, or it is blank."""
        completion = self.extracted(generated(self.name, answer).text)
        if completion is None or not self.folded(completion).strip():
            return None
        compared = self.normalised(completion)
        return compared if compared.strip() else self.folded(completion)

    def equal(self, completion: str, reference: str) -> bool:
        """Whether the two are equal after as many of the normalisations as do not empty the reference."""
        wanted = self.normalised(reference)
        if wanted.strip():
            return self.normalised(completion) == wanted
        wanted = self.folded(reference)
        return bool(wanted.strip()) and self.folded(completion) == wanted

    def extracted(self, completion: str) -> str | None:
        """The part of the completion that is compared; None if no rule matches."""
        if not self.rules:
            return completion
        return next((found for rule in self.rules if (found := rule.find(completion)) is not None), None)

    def normalised(self, text: str) -> str:
        """The text as compared."""
        text = text.strip() if self.strip else text
        for pattern in self.ignored:
            text = pattern.sub("", text)
        text = text.lower() if self.ignore_case else text
        text = text.translate(_NO_PUNCTUATION) if self.ignore_punctuation else text
        return text.translate(_NO_DIGITS) if self.ignore_numbers else text

    def folded(self, text: str) -> str:
        """The text with nothing deleted except around it."""
        text = text.strip() if self.strip else text
        return text.lower() if self.ignore_case else text


class Rule:
    """One rule of `exact_match`'s option `extract`."""

    def __init__(self, metric: str, rule: str | Mapping[str, Any]) -> None:
        given: dict[str, Any] = {"regex": rule} if isinstance(rule, str) else dict(rule)
        self.take: Literal["first", "last"] = given.pop("take", "first")
        self.group: int | None = given.pop("group", None)
        regex = given.pop("regex", None)
        if not isinstance(regex, str) or given or self.take not in ("first", "last"):
            raise UserError(
                f"metric {metric!r}: a rule of `extract` is a regular expression, or a mapping with `regex`, "
                f"`group` and `take` (first or last); {rule!r} is not."
            )
        (self.regex,) = patterns(metric, "extract", regex)
        if self.group is not None and not 0 <= self.group <= self.regex.groups:
            raise UserError(
                f"metric {metric!r}: the rule {regex!r} of `extract` has {self.regex.groups} groups, "
                f"so that group {self.group} does not exist: correct `group`."
            )

    def find(self, text: str) -> str | None:
        """The part of a text that the rule extracts, without white space around it; None if nothing matches."""
        matches = list(self.regex.finditer(text))
        if not matches:
            return None
        match = matches[0 if self.take == "first" else -1]
        if self.group is not None:
            found: str | None = match.group(self.group)
        else:
            found = next(filter(None, match.groups()), None) if self.regex.groups else match.group()
        return None if found is None else found.strip()

    def __str__(self) -> str:
        group = "" if self.group is None else f"[{self.group}]"
        return f"{self.take}{group}({self.regex.pattern!r})"


class Contains(ProportionMetric):
    """`contains`: a reference occurs in the completion as it is (an empty one never does), and not inside a longer
    word or number: 5 does not occur in 2015. `ignore_case` (on by default) compares case-folded texts; `words: false`
    also finds it inside words. The article "a" is not the answer A (see `lsm_eval.reading.normalise.stands`)."""

    default_name = "contains"
    grades = True

    def __init__(self, *, name: str | None = None, ignore_case: bool = True, words: bool = True) -> None:
        super().__init__(name)
        self.ignore_case = ignore_case
        self.words = words

    def options(self) -> dict[str, str]:
        return {"case": "lc" if self.ignore_case else "mixed", "words": _yes(self.words)}

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        completion = generated(self.name, answer).text
        return counted(any(self.found(completion, wanted) for wanted in references(self.name, sample)))

    def found(self, completion: str, reference: str) -> bool:
        """Whether the reference occurs in the completion."""
        if self.words:
            return stands(completion, reference, ignore_case=self.ignore_case)
        wanted = self._folded(reference).strip()
        return bool(wanted) and wanted in self._folded(completion)

    def _folded(self, text: str) -> str:
        return text.casefold() if self.ignore_case else text


class TokenF1(MeanMetric):
    """`f1`: harmonic mean of precision and recall of tokens, the best over the references (Rajpurkar et al. 2016,
    section 6.1), ignoring case, punctuation and the articles a, an, the. `tokenize: char` makes every letter or digit
    outside ASCII a token, for text without spaces between words. A reference of articles or signs alone is compared
    with these kept; a blank one always gives 0."""

    default_name = "f1"
    grades = True

    def __init__(self, *, name: str | None = None, tokenize: Literal["words", "char"] = "words") -> None:
        super().__init__(name)
        self.tokenize = tokenize

    def options(self) -> dict[str, str]:
        return {"tok": self.tokenize}

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        completion = generated(self.name, answer).text
        return counted(max(self.compare(completion, ref) for ref in references(self.name, sample)))

    def compare(self, completion: str, reference: str) -> float:
        """F1 with one reference, over the first kind of tokens that it has any of."""
        for kept in KEPT:
            if wanted := self.tokens(reference, kept):
                return token_f1(self.tokens(completion, kept), wanted)
        return 0.0

    def tokens(self, text: str, kept: Kept = "words") -> list[str]:
        """Normalised tokens of a text."""
        if self.tokenize == "char":
            return characters(text) if kept == "words" else re.findall(r"\S", text)
        return normalised(text, "squad", kept).split()


def characters(text: str) -> list[str]:
    """Lower-case runs of ASCII letters and digits, and every other letter or digit by itself; the rest is dropped."""
    return re.findall(r"[a-z0-9]+|[^\W_]", text.lower())


def token_f1(found: Sequence[str], wanted: Sequence[str]) -> float:
    """F1 of two bags of tokens; 0 if either is empty."""
    if not found or not wanted:
        return 0.0
    common = sum((Counter(found) & Counter(wanted)).values())
    return 2 * common / (len(found) + len(wanted))


def _yes(value: bool) -> str:
    return "yes" if value else "no"
