"""Texts that the licence of a task's data does not let others be shown: hashes on every page, though the record holds them."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from records import Json, estimate, generated, sample, task, write_record

from lsm_eval.leaderboard.build import build
from lsm_eval.leaderboard.options import Options
from lsm_eval.results.redaction import withheld

N = 150
"""Samples: more than a page holds inline, so that some are in pieces."""
SECRET = "copyrighted"
WHY = {
    "en": "The licence of the data does not let others be shown its texts",
    "zh": "数据的许可不允许展示其文本",
}


def rows_of(name: str, right: int, secret: str) -> list[Json]:
    """Samples of a scored task (`news`) or of a generated one (`digest`), with the text wherever a text may stand."""
    rows = []
    for at in range(N):
        said = f"{secret} {name} {at}"
        score = float(at % right > 0)
        more: Json = {
            "cluster": f"{secret} {name} {at // 2} cluster",
            "metadata": json.dumps({"title": f"{said} metadata", "deep": {"list": [f"{said} deep"]}}),
            "asked": f"{name}{at}",
            "score.accuracy": score,
            "stats.accuracy": [score, 1.0],
        }
        if name == "digest":
            further = [
                {
                    "request": "generate",
                    "prompt": f"{said} further",
                    "completion": f"{said} more",
                    "finish": "stop",
                }
            ]
            more |= {"thoughts": f"{said} thoughts", "further": json.dumps(further)}
            if at % 29 == 3:
                more |= {
                    "failure": "too_long",
                    "failure_detail": f"{said} detail",
                    "score.accuracy": None,
                    "stats.accuracy": None,
                }
            rows.append(
                generated(name, at, f"{said} prompt", f"{said} answer {score}", [f"{said} target"], **more)
            )
        else:
            choices = [f"{said} right", f"{said} wrong"]
            logprobs = [-0.5, -2.0] if score else [-2.0, -0.5]
            rows.append(
                sample(name, at, prompt=f"{said} prompt", choices=choices, continuations=choices, logprobs=logprobs, **more)
            )  # fmt: skip
    return rows


def record(root: Path, place: int, *, closed: bool, secret: str = SECRET) -> None:
    """Of a model that answered both, with the flag on each or on none."""
    estimates, tasks, samples = [], [], []
    for name in ("news", "digest"):
        own = rows_of(name, place + 2, secret)
        known = [row["score.accuracy"] for row in own if row["score.accuracy"] is not None]
        lost = N - len(known)
        value = sum(known) / len(known)
        estimates.append(
            estimate(name, value=value, low=value - 0.05, high=value + 0.05, n=len(known), missing=lost, clusters=N // 2)
        )  # fmt: skip
        request = "generate" if name == "digest" else "score"
        tasks.append(
            task(name, request=request, redistributable=not closed, failures={"too_long": lost} if lost else {})
        )  # fmt: skip
        samples += own
    write_record(
        root / f"m{place}", f"model {place}", estimates, tasks=tasks, samples=samples, model_fields={"fingerprint": f"{place:064x}"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("unshown")
    for place in range(2):
        record(root / "reports", place, closed=True)
    return root / "reports"


def texts(site: Path) -> dict[str, str]:
    """All of the site's files, with what HTML and JSON write otherwise written plainly."""
    return {
        path.relative_to(site).as_posix(): html.unescape(path.read_text(encoding="utf-8"))
        for path in sorted(site.rglob("*"))
        if path.is_file()
    }


def written(page: str) -> str:
    """What a page shows: without its scripts, and without tags."""
    return re.sub(r"<[^>]*>", "", re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL))


@pytest.mark.parametrize(("language", "single"), [("en", False), ("zh", True)])
def test_no_page_shows_them_and_hashes_stand_there(
    reports: Path, tmp_path: Path, language: str, single: bool
) -> None:
    table = pq.read_table(reports / "m0" / "samples" / "digest.parquet")
    assert table["prompt"][0].as_py() == f"{SECRET} digest 0 prompt", "the record holds them"
    options = Options(samples=N, language=language, single_file=single)
    site = texts(build(reports, tmp_path / "site", options=options).parent)
    assert [path for path, text in site.items() if SECRET in text] == []
    whole = "\n".join(site.values())
    if not single:
        assert any(path.startswith("pieces/answers/digest/") for path in site), "the page of two has answers"
        assert any(re.search(r"samples/.*\.p\d+\.js$", path) for path in site), "some samples are in pieces"
    for name, at in (("digest", 0), ("digest", N - 1), ("news", 0), ("news", N - 1)):
        assert withheld(f"{SECRET} {name} {at} prompt") in whole
    assert withheld(f"{SECRET} digest 0 answer 0.0") in whole
    assert withheld(f"{SECRET} news 0 right") in whole
    for name in ("news", "digest"):
        page = site["index.html"] if single else site[f"samples/model-0/{name}.html"]
        assert WHY[language] in written(page)
        other = WHY["zh" if language == "en" else "en"]
        assert other in page or json.dumps(other)[1:-1] in page, "a switch of the language has the words"
        assert "The record withholds" not in written(page)


def test_the_pages_say_that_the_record_withholds_them_where_it_does(reports: Path, tmp_path: Path) -> None:
    for place in range(2):
        record(tmp_path / "reports", place, closed=False)
    site = texts(build(tmp_path / "reports", tmp_path / "open", options=Options(samples=N)).parent)
    shown = {path for path, text in site.items() if SECRET in text}
    for kind in ("samples/model-0/news.html", "samples/model-1/digest.html", "pieces/answers/news.js"):
        assert kind in shown, "without the flag they are shown: what is above is no accident"
    assert not any(words in written(site["samples/model-0/news.html"]) for words in WHY.values())


def test_an_early_record_that_does_not_say_so_shows_them_neither(tmp_path: Path) -> None:
    record(tmp_path / "reports", 0, closed=True)
    record(tmp_path / "reports", 1, closed=False)
    site = texts(build(tmp_path / "reports", tmp_path / "site", options=Options(samples=N)).parent)
    assert [path for path, text in site.items() if SECRET in text] == []
    assert WHY["en"] in written(site["samples/model-1/news.html"])
