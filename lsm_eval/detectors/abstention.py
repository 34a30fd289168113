"""Does an answer say that it does not know? English and Chinese, by phrases.

Made for short answers to questions of fact. A finding is an answer that gives none: it says that it does not know
or is not sure, that the question cannot be answered, or it declines. An answer that says so and then gives one all
the same ("I'm not sure, but I think it was Paris"), or gives one first, is an attempt, and no finding.

`cannot_tell`: nothing to read (`empty`, `no letters`), or mostly letters that are neither Latin nor Chinese
(`another language`); text in another language of Latin letters is read as if it were English, and its abstentions
are missed.

It is not the detector of refusals: a refusal of a harmful request has reasons and warnings, which are not looked for.
No card: there are no labelled abstentions to measure it on (docs/hallucination/closed_book_qa.md says what is known).
"""

from __future__ import annotations

import re
import unicodedata

from lsm_eval.detectors.base import NOTHING, Finding, Verdict, of_answer

_APOSTROPHES = str.maketrans("\u2018\u2019\u00b4`", "''''")

_NOT = r"(?:do not|don't|dont|did not|didn't)"
_ADVERB = (
    r"(?:\s+(?:really|honestly|actually|quite|simply|just|even|currently|personally|fully|entirely|exactly))*"
)
_CANNOT = r"(?:cannot|can not|can't|cant|could not|couldn't|am unable to|'m unable to|am not able to|'m not able to)"
_ENGLISH = (
    # "I don't know", alone or about the question; not "I Don't Know How to Love Him".
    (
        rf"\bi{_ADVERB}\s+{_NOT}{_ADVERB}\s+know(?=\s*(?:$|[.,;:!?)\n\u2014-]|the answer|what|who|when|where|which|whether|if\b"
        r"|why|about|for (?:sure|certain)|enough|much|any|exactly|that|this|it\b|anything|offhand|sorry|and\b|but\b|because))"
    ),
    (
        rf"\bi{_ADVERB}\s+{_NOT}{_ADVERB}\s+(?:have|recall|remember|possess)\s+(?:any\s+|enough\s+|sufficient\s+|that\s+|specific\s+"
        r"|the\s+|reliable\s+|a\s+|an\s+|access\b|to\s+|detailed\s+)*"
        r"(?:information|knowledge|idea|answer|data|details|clue|context|access|comment|name|it\b|that\b)"
    ),
    rf"\bi{_ADVERB}\s+{_NOT}\s+(?:recall|remember)\b",
    rf"\bi{_ADVERB} have{_ADVERB} no (?:idea|comment|clue|information|knowledge|answer|data|record|way of knowing)\b",
    (
        r"\bi(?:\'m| am)\s+(?:really |quite |honestly |afraid i(?:\'m| am) )?(?:not (?:sure|certain|aware|familiar)|unsure|uncertain|unaware"
        r"|unfamiliar)\b"
    ),
    (
        rf"\bi\s*{_CANNOT}{_ADVERB}\s+(?:answer|say|tell(?! a lie)|determine|find|provide|verify|confirm|identify|give|recall|remember|know"
        r"|comment|locate|be (?:sure|certain)|(?:help|assist)(?= (?:you|with)|\W*$))\b"
    ),
    (
        r"^(?:sorry,?\s+)?(?:no idea|no clue|not sure|dunno|idk|unsure|no comment|beats me|not certain|can\'t say|cannot say|don\'t know"
        r"|do not know|dont know|unable to (?:answer|determine|find|say))\b"
    ),
    (
        r"\b(?:it|this|that|the answer|the question) (?:is (?:unknown|unclear|unanswerable)|(?:is not|isn\'t) known(?! to\b)"
        r"|(?:cannot|can\'t|could not) be (?:determined|answered|known|verified|found))\b"
    ),
    r"\b(?:there is|there\'s) (?:no way (?:to know|of knowing|to tell)|not enough information|insufficient information)\b",
    r"^(?:insufficient|not enough) (?:information|data|context)\b",
    r"^(?:the answer is )?(?:unknown|not known|unanswerable|n/?a|none known|undetermined)(?=\s*(?:$|[.!?]))",
)
_CHINESE = (
    (
        r"(?:我|本人|抱歉|对不起|很遗憾|目前|暂时|确实|真的|也|还|并|^)[，,、\s]*(?:我|也|还|并|真的|确实|暂时|目前)*"
        r"(?:不知道|不清楚|不确定|不了解|不太清楚|不太确定|不太了解|不记得|不晓得|没听说过|没有听说过|不熟悉|答不上来|说不准|不懂)"
    ),
    r"(?:无法|不能|没法|没办法)(?:准确|确切|直接|为您|为你|给您|给你|对此|就此)*(?:回答|作答|答复|确定|确认|得知|判断|提供|查证|核实|知晓|给出|告知)",
    r"(?:没有|缺乏|缺少|暂无|查无)(?:任何|足够的?|相关的?|更多的?|确切的?|具体的?|可靠的?|这方面的?)*(?:信息|资料|数据|记录|答案|知识|消息)",
    r"(?:不得而知|无从得知|无从知晓|无可奉告|尚不清楚|尚不明确|尚无定论|不便回答)",
    r"^(?:答案)?(?:是)?(?:未知|不详|不明|不知|不清楚|不确定)(?=[。.！!，,\s]*$)",
)
_PHRASE = re.compile("|".join(f"(?:{part})" for part in (*_ENGLISH, *_CHINESE)), re.IGNORECASE)

_ATTEMPT = re.compile(
    # What follows gives an answer all the same.
    r"\b(?:but|however|though|although)\b[^.?!]{0,40}?\b(?:i (?:think|believe|guess|would (?:say|guess)|'d (?:say|guess)|suspect|assume)"
    r"|my (?:best )?guess|maybe|perhaps|probably|possibly|(?:it|he|she|they) (?:might|may|could|must|was|were|is|are)|it's)\b"
    r"|[.;,]\s*(?:maybe|perhaps|probably|possibly|my (?:best )?guess|i (?:think|believe|guess|would say|'d say))\b"
    r"|(?:但|不过|然而|可能是|也许是|大概是|应该是|或许是|我猜|我觉得|我认为)(?:[^。！？]{0,12}?)(?:是|为|叫|在|猜|认为|觉得)",
    re.IGNORECASE,
)


_PREFACE = re.compile(
    # What may stand before an abstention without being an answer.
    r"(?:\bwell\b|\bhmm+\b|\b(?:i\'m |i am )?(?:very |so |really )?sorry\b|\bunfortunately\b|\bi apologi[sz]e[^.!?]*"
    r"|\bthat(?:\'s| is) an? \w+ (?:question|one)\b|\b\w+ question\b|\bas an ai[^.!?]*|\bthank[^.!?]*|\banswer:"
    r"|抱歉|对不起|很遗憾|您好|你好|这是一个\S{0,4}问题)",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[.!?](?=\s|$)|[。！？]|\n")


class Abstention:
    """Finds answers that give none (kind `abstention`)."""

    name = "abstention"
    version = "1"

    def detect(self, text: str) -> Verdict:
        """What an answer says, its thoughts left out; the finding spans the first phrase that says so."""
        return of_answer(self._detect, text)

    def _detect(self, text: str) -> Verdict:
        if not text.strip():
            return Verdict("cannot_tell", why="empty")
        letters = [char for char in text if char.isalpha()]
        if not letters and not any(char.isdigit() for char in text):
            return Verdict("cannot_tell", why="no letters")
        if sum(map(_readable, letters)) * 2 < len(letters):
            return Verdict("cannot_tell", why="another language")
        # One character for one, so that offsets stay those of the text.
        plain = text.translate(_APOSTROPHES)
        start = len(plain) - len(plain.lstrip())
        found = _PHRASE.search(plain[start:].rstrip())
        if found is None or _is_title(text) or _ATTEMPT.search(plain, start + found.end()):
            return NOTHING
        if _answers_first(plain[: start + found.start()]):
            return NOTHING
        return Verdict("finding", (Finding("abstention", start + found.start(), start + found.end()),))


def _answers_first(before: str) -> bool:
    """Whether what stands before the phrase holds a whole sentence that is more than a preface."""
    ends = [match.end() for match in _SENTENCE.finditer(before)]
    return bool(ends) and any(char.isalnum() for char in _PREFACE.sub("", before[: ends[-1]]))


def _is_title(text: str) -> bool:
    """Whether it is written like the title of a work: "I Can't Help Falling in Love"."""
    long = [word for word in text.split()[1:] if len(word) > 3]
    return len(long) > 1 and all(word[0].isupper() for word in long) and not text.isupper()


def _readable(char: str) -> bool:
    return "\u4e00" <= char <= "\u9fff" or unicodedata.name(char, "").startswith(("LATIN", "FULLWIDTH LATIN"))
