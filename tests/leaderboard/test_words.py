"""Every text of the interface has a translation, and no translation is of a text that is nowhere."""

from __future__ import annotations

import re
from pathlib import Path

import lsm_eval.leaderboard
from lsm_eval.leaderboard.frame.bundle import MOST_SCRIPT, lean
from lsm_eval.leaderboard.words import LANGUAGES, table

ROOT = Path(lsm_eval.leaderboard.__file__).parent
_TEXT = r"\"((?:[^\"\\]|\\.)*)\""
CALLS = (
    re.compile(rf"\b(?:t|tp|word|plain)\(\s*{_TEXT}"),
    re.compile(rf"\bta\(\s*\"[a-z-]+\",\s*{_TEXT}"),
    re.compile(rf"NavEntry\(\s*\"[^\"]+\",\s*{_TEXT}"),
)
PAIR = re.compile(rf"\btn\([^\"]*{_TEXT},\s*{_TEXT}", re.DOTALL)


def texts() -> dict[str, str]:
    """Every text in a template, script or module, and where."""
    found = {}
    for path in sorted(ROOT.rglob("*")):
        if path.suffix not in (".j2", ".js", ".py") or "words" in path.parts:
            continue
        content = path.read_text(encoding="utf-8")
        for call in (*CALLS, PAIR):
            for match in call.finditer(content):
                for text in match.groups():
                    found[text.replace('\\"', '"')] = path.name
    return found


def test_every_text_has_a_translation_with_the_same_parts() -> None:
    found = texts()
    assert len(found) > 5
    for language in LANGUAGES:
        if language == "en":
            continue
        words = table(language)
        assert [f"{text!r} ({place})" for text, place in found.items() if text not in words] == []
        assert sorted(words.keys() - found.keys()) == []
        for text, translated in words.items():
            assert set(re.findall(r"\{\w+\}", translated)) <= set(re.findall(r"\{\w+\}", text)), text
            assert translated.strip()


def test_scripts_of_all_pages_together_are_small() -> None:
    scripts = list((ROOT / "assets").glob("*.js"))
    assert len(scripts) >= 2
    texts = [path.read_text(encoding="utf-8") for path in scripts]
    assert all(line.count("`") % 2 == 0 for text in texts for line in text.splitlines())
    assert sum(len(lean(text).encode()) for text in texts) <= MOST_SCRIPT
