"""Runs of models that think: what is scored, what is missing, and what the record keeps of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
from command_line import GENERATE, Runner, write_task
from rendered import text_of
from tiny_models import CHAT, save_model

from lsm_eval.judging.rubric import load
from lsm_eval.leaderboard.build import build
from lsm_eval.models.base import Cost, ModelInfo
from lsm_eval.progress import Silent
from lsm_eval.requests import Generate, Generated, Request, Response
from lsm_eval.results.reader import Record, read_record
from lsm_eval.runner.judge import ask_judge
from lsm_eval.runner.run import RunResult
from lsm_eval.runner.run import run as run_spec
from lsm_eval.runner.spec import RunSpec

OPENED = "{}\n<think>\n"


class Writing:
    """A model that writes what is written here for a word of the prompt; its template may open thoughts."""

    def __init__(self, replies: Mapping[str, str], *, template: str = "{}") -> None:
        self.replies, self.template = replies, template
        self.asked: list[Request] = []

    @property
    def info(self) -> ModelInfo:
        return ModelInfo(name="own:writing", chat_template=True, context=None)

    def fingerprint(self) -> str:
        return "f" * 64

    def cost(self, requests: Sequence[Request]) -> list[Cost]:
        return []

    def render(self, request: Request) -> str:
        assert isinstance(request, Generate)
        return self.template.format(request.prompt) if request.chat else request.prompt

    def computed(self) -> Mapping[str, float]:
        return {}

    def load(self) -> None:
        """Nothing to load."""

    def answer(
        self, requests: Sequence[Request], known: Collection[int] = ()
    ) -> Iterator[dict[int, Response]]:
        for at, request in enumerate(requests):
            if at not in known:
                self.asked.append(request)
                yield {at: self._one(request)}

    def _one(self, request: Request) -> Response:
        assert isinstance(request, Generate)
        text = next(text for word, text in self.replies.items() if word in request.prompt)
        words = text.split(" ")
        finish: Literal["stop", "length"] = "stop" if len(words) <= request.max_tokens else "length"
        return Generated(" ".join(words[: request.max_tokens]), min(len(words), request.max_tokens), finish)


REPLIES = {
    "alpha": "<think>Not twelve, then. So</think>\n\nnine",
    "beta": "<think>It may be nine, or it may be twelve, who knows?",
    "gamma": "nine",
    "delta": "It is nine at first.\n</think>\n\ntwelve",
}
ROWS: list[dict[str, Any]] = [{"question": word, "answer": "nine"} for word in REPLIES]
TALK = {
    **GENERATE,
    "target": "{{ answer }}",
    "max_tokens": 8,
    "stop": [],
    "metrics": ["exact_match", "contains"],
}


def _run(
    tmp_path: Path, model: Writing, *, tasks: Path | None = None, **more: Any
) -> tuple[RunResult, Record]:
    folder = tasks or tmp_path / "tasks"
    if tasks is None:
        write_task(folder, "talk", ROWS, **TALK)
    spec = RunSpec(tasks=["talk"], model="own", include=[folder], out=tmp_path / "reports", **more)
    result = run_spec(spec, model, Silent())
    return result, read_record(result.record)


def _numbers(record: Record) -> dict[str, tuple[float | None, int | None, int]]:
    return {row.metric: (row.value, row.n, row.missing) for row in record.estimates}


def _part(record: Record) -> list[str]:
    (signature,) = {row.signature.partition(" metric:")[0] for row in record.estimates}
    return [part for part in signature.split() if part.startswith(("reasoning:", "max_tokens:"))]


def test_answers_are_scored_without_their_thoughts(tmp_path: Path) -> None:
    result, record = _run(tmp_path, Writing(REPLIES))
    for metric in ("exact_match", "contains"):
        value, n, missing = _numbers(record)[metric]
        assert value == pytest.approx(2 / 3)
        assert (n, missing) == (3, 1)
    (task,) = result.tasks
    assert task.failures == {"truncated": 1}
    (row,) = record.manifest.tasks
    assert (row.failures, row.thoughts) == ({"truncated": 1}, 3)
    table = record.samples("talk")
    assert table["completion"].to_pylist() == ["nine", None, "nine", "twelve"]
    assert table["thoughts"].to_pylist() == [
        "Not twelve, then. So",
        "It may be nine, or it may be",
        None,
        "It is nine at first.",
    ]
    assert table["failure"].to_pylist() == [None, "truncated", None, None]
    assert "8 new tokens" in table["failure_detail"][1].as_py()
    assert (table["finish"][1].as_py(), table["tokens"][1].as_py()) == ("length", [8])
    assert record.manifest.tokens["generated"] == sum(n for (n,) in table["tokens"].to_pylist())
    assert record.manifest.settings["reasoning"] == "auto"
    assert _part(record) == [], "a model without thoughts was asked and scored in the same way"


def test_thoughts_that_the_template_opened(tmp_path: Path) -> None:
    _, record = _run(tmp_path, Writing(REPLIES, template=OPENED))
    table = record.samples("talk")
    assert table["failure"].to_pylist() == [None, "truncated", "truncated", None]
    assert table["completion"].to_pylist() == ["nine", None, None, "twelve"]


def test_kept_thoughts_are_part_of_the_answer_and_nothing_is_asked_anew(tmp_path: Path) -> None:
    model = Writing(REPLIES)
    _run(tmp_path, model, store=tmp_path / "store")
    asked = len(model.asked)
    _, record = _run(tmp_path, model, store=tmp_path / "store", reasoning="keep")
    assert len(model.asked) == asked
    assert _numbers(record)["contains"] == (1.0, 4, 0)
    table = record.samples("talk")
    assert table["completion"].to_pylist()[0] == REPLIES["alpha"]
    assert "thoughts" not in table.column_names
    assert _part(record) == ["reasoning:keep/1"]


@pytest.mark.parametrize("mode", ["keep", "strip"])
def test_a_signature_says_only_what_made_a_difference(tmp_path: Path, mode: Any) -> None:
    _, record = _run(tmp_path, Writing(dict.fromkeys(REPLIES, "nine")), reasoning=mode)
    assert _part(record) == []
    assert "thoughts" not in record.samples("talk").column_names
    _, record = _run(
        tmp_path, Writing(dict.fromkeys(REPLIES, "In <think>it</think> is nine")), reasoning=mode
    )
    assert _part(record) == ([] if mode == "keep" else ["reasoning:strip/1"])


def test_more_tokens_let_thoughts_end(tmp_path: Path) -> None:
    replies = {**REPLIES, "beta": "<think>It may be nine, or it may be twelve.</think> nine"}
    _, record = _run(tmp_path, Writing(replies))
    assert _numbers(record)["exact_match"][2] == 1
    _, record = _run(tmp_path, Writing(replies), max_tokens=50)
    assert _numbers(record)["exact_match"] == (0.75, 4, 0)
    assert _part(record) == ["max_tokens:50"]
    _, record = _run(tmp_path, Writing(replies), max_tokens=8)
    assert _part(record) == [], "as the task has it"


def test_every_answer_of_a_sample_is_split(tmp_path: Path) -> None:
    folder = tmp_path / "tasks"
    draws = {"temperature": 1.0, "n": 3}
    write_task(folder, "talk", ROWS[:1], **{**TALK, "draws": draws, "metrics": ["semantic_entropy"]})
    _, record = _run(tmp_path, Writing(REPLIES), tasks=folder)
    further = record.samples("talk")["further"][0].as_py()
    assert further.count('"text": "nine"') == 3
    assert further.count("Not twelve") == 3


def test_withheld_records_hold_no_thoughts_and_pages_fold_them(tmp_path: Path) -> None:
    replies = {**REPLIES, "alpha": "<think>1 <b>2</b></think>nine"}
    _, record = _run(tmp_path, Writing(replies))
    site = build(tmp_path / "reports", tmp_path / "site").parent
    page = next((site / "samples").rglob("talk.html")).read_text()
    assert ">Thoughts, not scored</span></summary>" in page
    assert "1 &lt;b&gt;2&lt;/b&gt;" in page
    assert "failed: truncated" in page
    model_page = next((site / "models").glob("*.html")).read_text()
    assert "; 3 had thoughts, which are not scored" in text_of(model_page)
    assert "; 1 ran out of tokens, 1 of them inside thoughts" in text_of(model_page)
    _, record = _run(tmp_path, Writing(replies), redact="all")
    thoughts = record.samples("talk")["thoughts"].to_pylist()
    assert all(text is None or text.startswith("[withheld sha256:") for text in thoughts)


def test_a_judge_s_thoughts_are_not_its_verdict() -> None:
    questions = load("refusal").ask("how?", "so", {})
    verdicts = {
        "<think>No? Well.</think>\nYes": ("yes", None),
        "No\n</think>\n\nyes.": ("yes", None),
        "yes": ("yes", None),
    }
    for text, wanted in verdicts.items():
        asking = ask_judge(Writing({"": text}), questions, "text", None, Silent())
        ((judgement),) = asking.judgements.values()
        assert (judgement.answer, judgement.why) == wanted


def test_a_judge_that_thinks_has_room_for_it() -> None:
    questions = load("refusal").ask("how?", "so", {})
    model = Writing({"": f"<think>{'so ' * 40}</think> yes"})
    asking = ask_judge(model, questions, "text", None, Silent())
    (judgement,) = asking.judgements.values()
    assert judgement.answer == "yes"
    assert [request.max_tokens for request in model.asked if isinstance(request, Generate)] == [16, 2048]
    endless = Writing({"": "<think>" + "so " * 4000})
    (judgement,) = ask_judge(endless, questions, "text", None, Silent()).judgements.values()
    assert (judgement.answer, judgement.why) == (None, "truncated")


def test_the_command_says_why_and_what_to_do(run: Runner, tmp_path: Path) -> None:
    opens = CHAT + "{% if add_generation_prompt %}<think>\n{% endif %}"
    model = save_model(tmp_path / "thinker", chat=opens, context=128)
    done = run(tasks="say", model=model)
    assert done.code == 0, done.err
    assert "say: missing because 24 truncated. The thoughts of 24 took all of the 8 new tokens" in done.err
    assert "--max-tokens N" in done.err
    record = read_record(done.record)
    assert all((row.value, row.n, row.missing) == (None, 0, 24) for row in record.estimates)
    longer = run("--max-tokens", "20", "--limit", "2", tasks="say", model=model)
    assert longer.code == 0, longer.err
    assert "took all of the 20 new tokens" in longer.err
    kept = run("--reasoning", "keep", tasks="say", model=model)
    assert "missing because" not in kept.err


def test_choices_in_a_chat_are_scored_after_the_thoughts(run: Runner, tmp_path: Path) -> None:
    opens = CHAT + "{% if add_generation_prompt %}<think>\n{% endif %}"
    model = save_model(tmp_path / "thinker", chat=opens, context=128)
    done = run("--chat", "on", "--limit", "2", model=model)
    record = read_record(done.record)
    assert _part(record) == ["reasoning:closed"]
    assert record.samples("choose")["prompt"][0].as_py().endswith("<think>\n\n</think>\n\n")


@pytest.mark.slow
def test_a_checkpoint_that_thinks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the template that opens thoughts to the number: the stop string stands inside the thoughts, too."""
    import memorising_models
    from tiny_models import save_tokenizer

    opens = CHAT + "{% if add_generation_prompt %}<think>\n{% endif %}"
    monkeypatch.setattr(
        memorising_models, "save_tokenizer", lambda folder: save_tokenizer(folder, chat=opens)
    )
    texts = [
        "<|user|>what is the cat\n<|assistant|><think>\nthe dog\n\nand log\n</think>\n\nthe mat\n and",
        "<|user|>what is the dog\n<|assistant|><think>\nthe answer\n\nis nothing\n</think>\n\nyes\n no",
    ]
    model = memorising_models.train_on(tmp_path / "m", texts, steps=200)
    rows = [{"q": "what is the cat", "a": "the mat"}, {"q": "what is the dog", "a": "yes"}]
    fields = {**TALK, "prompt": "{{ q }}", "target": "{{ a }}", "chat_stop": ["\n"], "max_tokens": 60}
    write_task(tmp_path / "tasks", "talk", rows, **fields)
    runner = Runner(model, tmp_path / "tasks", tmp_path / "reports")
    for engine in ("auto", "plain"):
        done = runner("--engine", engine, tasks="talk")
        assert done.code == 0, done.err
        assert "talk: thoughts of 2 of 2 samples are not scored" in done.err
        table = read_record(done.record).samples("talk")
        assert table["completion"].to_pylist() == ["the mat", "yes"]
        assert table["thoughts"].to_pylist() == ["the dog\n\nand log", "the answer\n\nis nothing"]
        assert table["score.exact_match"].to_pylist() == [1.0, 1.0]


@pytest.mark.parametrize("thinking", [True, False])
def test_thoughts_that_a_template_opens_unseen(tmp_path: Path, thinking: bool) -> None:
    """As of a server that leaves them in the text, and whose template nobody knows."""
    replies = {
        "alpha": "It is not twelve.\n</think>\n\nnine",
        "beta": "It may be nine, or it may be twelve, who knows?",
        "gamma": "nine",
        "delta": "nine at first, then\n</think>\n\ntwelve",
    }
    if not thinking:
        replies |= {"alpha": "nine"}
    _, record = _run(tmp_path, Writing(replies))
    failures = record.samples("talk")["failure"].to_pylist()
    assert failures == [None, "truncated" if thinking else None, None, None]
