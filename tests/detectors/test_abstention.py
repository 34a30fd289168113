"""The abstention detector: three states, and what it must not take for an abstention."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from lsm_eval.detectors.abstention import Abstention
from lsm_eval.detectors.base import Detector

DETECTOR = Abstention()


@pytest.mark.parametrize(
    "text",
    [
        "I don't know.",
        "I don\u2019t know who wrote it.",
        "I honestly don't know",
        "IDK",
        "No idea",
        "I really have no idea.",
        "I have no comment.",
        "I'm not sure. I'll have to look it up.",
        "Unknown",
        "The answer is unknown.",
        "n/a",
        "I'm sorry, but I can't help with that.",
        "Sorry, I cannot answer this question.",
        "That's a good question. I'm not sure.",
        "It is not known.",
        "There is no way to know.",
        "I do not have enough information to answer.",
        "I don't have access to real-time data",
        "I am unable to determine the answer",
        "I can't recall",
        "不知道",
        "我不知道。",
        "我也不知道",
        "抱歉，我无法回答这个问题。",
        "不清楚",
        "未知。",
        "目前没有相关信息。",
        "对不起，我不太清楚",
        "尚不清楚",
        "Hard to say.",
        "It's impossible to tell.",
        "Who knows?",
        "Nobody knows for sure.",
        "Your guess is as good as mine.",
        "I haven't the faintest idea.",
        "I wouldn't know.",
        "I'd have to look it up.",
        "I need more context to answer.",
        "I don't know why.",
        "I don't know the answer, but you can look it up.",
        "很难说。",
        "没有人知道",
        "我不確定。",
        "無法回答",
        "No lo sé.",
        "Je ne sais pas.",
        "Keine Ahnung.",
    ],
)
def test_abstentions(text: str) -> None:
    verdict = DETECTOR.detect(text)
    assert verdict.state == "finding"
    (finding,) = verdict.findings
    assert finding.kind == "abstention"
    assert 0 <= finding.start < finding.end <= len(text)
    assert text[finding.start : finding.end].strip()


@pytest.mark.parametrize(
    "text",
    [
        "Paris",
        "42",
        "No",
        "The Unknown Soldier",
        "I'm not sure, but I think it was Paris.",
        "I don't know, maybe 1945?",
        "Paris. I'm not sure if that is right.",
        "I Don't Know How to Love Him",
        "I Can't Help Falling in Love",
        "I Don't Want to Miss a Thing",
        "Sorry Seems to Be the Hardest Word",
        'George Washington said "I cannot tell a lie"',
        "He did not know the answer",
        "I don't know why people say that it is far, but the answer is 8.",
        "I'm not sure why you ask, but the capital is Bern.",
        "I have no idea why anyone would doubt it: Vienna.",
        "I can't remember a better film than Vertigo.",
        "Nobody knows him, but it was Otto Hahn.",
        "Rio de Janeiro",
        "La Traviata",
        "It is not known to cause harm",
        "北京",
        "我觉得是北京",
        "我不确定，但可能是北京。",
        "《不知道》",
        "没有共产党就没有新中国",
    ],
)
def test_attempts(text: str) -> None:
    assert DETECTOR.detect(text).state == "none"


@pytest.mark.parametrize(
    ("text", "why"),
    [("", "empty"), (" \n", "empty"), ("...", "no letters"), ("Не знаю", "another language"), ("知らない", "another language"),
     ("Não sei.", "another language"), ("Non lo so.", "another language"), ("Nie wiem, przykro mi.", "another language"),
     ("No lo sé, pero creo que es Bogotá.", "another language")],
)  # fmt: skip
def test_what_it_cannot_tell(text: str, why: str) -> None:
    verdict = DETECTOR.detect(text)
    assert (verdict.state, verdict.why, verdict.findings) == ("cannot_tell", why, ())


def test_it_is_a_detector_by_that_name() -> None:
    from lsm_eval.detectors import registry

    assert isinstance(DETECTOR, Detector)
    assert registry.load("abstention").name == "abstention"


@pytest.mark.slow
def test_right_answers_are_attempts(hub_mirror: Path) -> None:
    """Gold answers of three sets are attempts by construction; the figures stand in docs/closed_book_qa.md."""

    def found(path: str, column: str) -> tuple[int, int]:
        rows = pq.read_table(hub_mirror / path, columns=[column]).to_pylist()
        texts = [
            text
            for row in rows
            for text in (
                row[column]["aliases"]
                if isinstance(row[column], dict)
                else [row[column]]
                if isinstance(row[column], str)
                else row[column]
            )
        ]
        return sum(DETECTOR.detect(text).state == "finding" for text in texts), len(texts)

    assert found("google-research-datasets/nq_open/nq_open/validation.parquet", "answer") == (2, 6490)
    assert found("OpenStellarTeam/Chinese-SimpleQA/default/train.parquet", "answer") == (0, 3000)
    hits, texts = found("mandarjoshi/trivia_qa/rc.wikipedia.nocontext/validation.parquet", "answer")
    assert hits == 0
    assert texts > 100_000
