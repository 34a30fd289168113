"""Tasks with given choices, asked to write the letter of one: prompts, reading, columns, records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command_line import QUESTIONS, SCORE, Outcome, Runner, call, write_task
from openai_server import Body, Server, completion, prompt_of, serving
from tiny_models import CHAT, save_model

from lsm_eval.errors import UserError
from lsm_eval.metrics.reading.chosen_option import chosen
from lsm_eval.models.base import Choosing, ModelOptions
from lsm_eval.models.held import as_scored, refused, written
from lsm_eval.models.hf import HFModel
from lsm_eval.recount.check import check_record
from lsm_eval.requests import Failure, Generate, Generated, Request, Score, Scored
from lsm_eval.results.reader import Record, read_record
from lsm_eval.runner.choosing.metrics import metrics_of_written
from lsm_eval.runner.choosing.read import bounds
from lsm_eval.runner.choosing.wording import listed
from lsm_eval.tasks.registry import Registry

pytestmark = pytest.mark.usefixtures("one_thread", "own_cache")

LETTERED = {
    **SCORE,
    "prompt": "{{ question }}?\nA. {{ choices[0] }}\nB. {{ choices[1] }}\nAnswer:",
    "choices": ["A", "B"],
    "metrics": ["acc", "acc_norm", "brier"],
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("model") / "chatting", chat=CHAT, context=512)


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tasks")
    write_task(folder, "choose", QUESTIONS, **{**SCORE, "metrics": ["acc", "acc_norm", "ece"]})
    write_task(folder, "normed", QUESTIONS, **{**SCORE, "metrics": ["acc_norm"], "metadata": {"x": "y"}})
    write_task(folder, "lettered", QUESTIONS, **LETTERED)
    write_task(folder, "twice", QUESTIONS, **{**LETTERED, "further": ["Again {{ question }}?\nA. x\nB. y\nAnswer:"],
               "metadata": {"hallucinated": "{{ [0, 1] }}"}, "metrics": ["halueval_acc"]})  # fmt: skip
    write_task(folder, "likely", QUESTIONS, **{**SCORE, "metrics": ["ece", "brier"]})
    write_task(folder, "lone", QUESTIONS, **{**SCORE, "choices": ["mat"], "target": 0})
    write_task(folder, "bare", QUESTIONS, **{**SCORE, "prompt": ""})
    return folder


@pytest.fixture
def near(model: Path, tasks: Path, tmp_path: Path) -> Runner:
    return Runner(model, tasks, tmp_path / "reports")


@pytest.fixture
def far(tasks: Path, tmp_path: Path) -> Callable[..., Outcome]:
    def run(server: Server, *more: str | Path, tasks_named: str = "choose") -> Outcome:
        return call(
            "run", "--tasks", tasks_named, "--include", tasks, "--out", tmp_path / "reports", "--seed", "0",
            "--model", "openai:small", "--base-url", server.url, *more,
        )  # fmt: skip

    return run


def _record(done: Outcome) -> Record:
    assert done.code == 0, done.err
    return read_record(done.record)


def _asked(server: Server) -> list[Body]:
    """The questions of tasks, without what tells whether the server can score."""
    return [body for body in server.bodies if "max_tokens" in body]


def _values(record: Record) -> dict[str, Any]:
    return {row.metric: row.value for row in record.estimates}


def test_choices_are_listed_under_letters_in_an_order_of_their_own() -> None:
    score = Score("Which one?", (" the mat", " a log", " yes"))
    found = [listed(score, " ", chat=True, draw=f"0/{at}/0") for at in range(60)]
    request, shown = found[0]
    lines = [f"{label}. {text}" for label, text in zip("ABC", shown.texts, strict=True)]
    assert request.prompt == (
        "Which one?\n\nThe text above goes on with one of these:\n"
        + "\n".join(lines)
        + "\n\nReply with the letter of the one that fits best, and nothing else."
    )
    assert (request.chat, request.choices, request.temperature) == (True, (), 0.0)
    assert [("the mat", "a log", "yes")[place] for place in shown.places] == list(shown.texts)
    first = sum(shown.places[0] == 0 for _, shown in found)
    assert 10 <= first <= 30, "the first choice, which may always be the right one, stands anywhere"
    assert listed(score, " ", chat=True, draw="0/0/0") == found[0]
    plain, _ = listed(score, " ", chat=False, draw="0/0/0")
    assert plain.prompt.endswith("C. " + shown.texts[2] + "\nThe letter of the one that fits best:")
    assert (plain.stop, plain.chat) == (("\n\n",), False)


def test_letters_of_the_tasks_own_stay() -> None:
    score = Score("Q?\nA. x\nB. y\nAnswer:", (" A", " B"))
    request, shown = listed(score, " ", chat=False, draw="0")
    assert request.prompt == score.context
    assert (shown.labels, shown.texts, shown.places, shown.own) == (("A", "B"), ("x", "y"), (0, 1), True)
    chat, _ = listed(score, " ", chat=True, draw="0")
    assert chat.prompt == f"{score.context}\n\nReply with A or B, and nothing else."
    assert listed(Score("问：A：甲 B：乙\n答：", ("A", "B")), "", chat=False, draw="0")[1].texts == ("A", "B")
    shots = Score("Q\nA. u\nB. v\nAnswer: A\n\nQ\nA. the mat\nB. a log\nAnswer:", (" A", " B"))
    own = listed(shots, " ", chat=False, draw="0")[1]
    said = {
        "B. a log": 1,
        " B": 1,
        "the mat": 0,
        "The answer is (A).": 0,
        "**B**\n": 1,
        "A or B": None,
        "": None,
        "u": None,
    }
    assert {text: chosen(text, own.texts, labels=own.labels) for text in said} == said
    assert listed(Score("A or B?", (" A", " B")), " ", chat=False, draw="0")[0].prompt.count("The text above")


def test_more_choices_than_letters_have_numbers_of_equal_length() -> None:
    _, shown = listed(Score("Q?", tuple(f" c{at}" for at in range(77))), " ", chat=True, draw="0")
    assert (shown.labels[0], shown.labels[-1]) == ("01", "77")
    assert sorted(shown.places) == list(range(77))


@pytest.mark.parametrize(
    ("score", "why"),
    [
        (Score("Q?", (" a",)), "one choice only"),
        (Score("", ("She is here", "He is here")), "whole texts"),
        (Score(" \n", (" a", " b")), "whole texts"),
    ],
)
def test_what_cannot_be_listed(score: Score, why: str) -> None:
    with pytest.raises(UserError, match=why):
        listed(score, " ", chat=True, draw="0")


@pytest.mark.parametrize(
    ("task", "why"),
    [
        ("lone", "lone cannot be asked to write a choice: a prompt has one choice only"),
        ("bare", "whole texts, with nothing before them"),
        ("likely", "none of its metrics has a meaning then (it reads likelihoods"),
    ],
)
def test_it_is_refused_by_name_before_anything_is_asked(
    task: str, why: str, near: Runner, far: Callable[..., Outcome]
) -> None:
    assert why in near("--choices", "generate", tasks=task).sentence()
    with serving() as server:
        sentence = far(server, tasks_named=task).sentence()
        assert why in sentence
        assert "openai:small tells no log-probabilities, and" in sentence
        assert _asked(server) == []
        done = far(server, tasks_named=f"{task},choose")
        assert (done.code, len(_asked(server))) == (2, 24)


def test_a_local_model_by_likelihoods_unless_asked(near: Runner) -> None:
    scored = _record(near())
    assert set(_values(scored)) == {"acc", "acc_norm", "ece"}
    assert scored.tasks["choose"].choices is None
    assert "choices" not in scored.tasks["choose"].model_dump()
    assert all("choices:" not in row.signature for row in scored.estimates)
    done = near("--choices", "generate")
    record = _record(done)
    assert "--choices: choose is asked to write the label of a choice, held to its labels" in done.err
    assert "Left out for want of likelihoods: acc_norm, ece." in done.err
    assert set(_values(record)) == {"acc(generated)"}
    assert {row.metric: row.why for row in record.manifest.absent} == {
        "acc_norm": "a written choice has no likelihood to divide by a length",
        "ece": "it reads likelihoods, and a written choice has none",
    }
    (row,) = record.estimates
    assert " choices:generated/constrained/v2 " in row.signature
    assert " seed:0 " in row.signature
    how = record.tasks["choose"]
    assert (how.choices, how.request, how.chat) == ("generated/constrained", "generate", True)
    table = record.samples("choose")
    assert set(table["completion"].to_pylist()) <= set("ABCD")
    assert table["choices"].to_pylist()[1] == QUESTIONS[1]["choices"]
    assert table["logprobs"].to_pylist() == [None] * 24
    parsed = _record(near("--choices", "parsed"))
    assert parsed.tasks["choose"].choices == "generated/parsed"
    assert " choices:generated/parsed/v2/reader2 " in parsed.estimates[0].signature


def test_what_a_written_letter_is_worth(near: Runner) -> None:
    """Held to the letters of the task's own prompt, the model writes what the likelihoods say."""
    scored, held = (
        _record(near(tasks="lettered")),
        _record(near("--choices", "generate", "--chat", "off", tasks="lettered")),
    )
    assert _values(held)["acc(generated)"] == _values(scored)["acc"]
    logprobs = scored.samples("lettered")["logprobs"].to_pylist()
    letters = held.samples("lettered")["completion"].to_pylist()
    assert letters == [" A" if first >= second else " B" for first, second in logprobs]
    assert held.samples("lettered")["prompt"].to_pylist() == scored.samples("lettered")["prompt"].to_pylist()


@pytest.mark.parametrize(
    ("given", "made"),
    [
        (["acc_norm"], ["acc"]),
        (["acc_bytes", "acc_norm"], ["acc"]),
        (["truthfulqa_mc1", "truthfulqa_mc2"], ["acc"]),
        ([{"acc": {"name": "right", "by": "x"}}, "acc_norm"], ["right"]),
        (["prefers_first", "likelihood_difference"], ["prefers_first"]),
        (["macro_f1", "ece", "yes_auroc", "pronoun_prefers_she", "stereoset_icat"], ["macro_f1"]),
        (["stereoset_icat", "brier"], []),
        ([{"stereoset_icat": {"by": "x"}}, {"acc_norm": {"by": "x"}}], ["acc"]),
    ],
)
def test_metrics_of_a_written_choice(given: list[Any], made: list[str], tasks: Path) -> None:
    (loaded,) = Registry([tasks]).resolve(["normed"])
    loaded = replace(loaded, task=loaded.task.model_copy(update={"metrics": tuple(given)}))
    metrics, dropped = metrics_of_written(loaded, offline=True)
    assert [metric.name for metric in metrics] == [f"{name}(generated)" for name in made]
    assert set(dropped) >= {one for one in given if isinstance(one, str)} - {*made, "acc"}
    assert all(dropped.values())


def test_samples_of_several_requests(near: Runner) -> None:
    record = _record(near("--choices", "generate", "--chat", "off", tasks="twice"))
    scored = _record(near(tasks="twice"))
    assert _values(record)["halueval_acc(generated)"] == _values(scored)["halueval_acc"]


def _says(right: Callable[[int], str]) -> Callable[[Body], Any]:
    numbers: dict[str, int] = {}

    def answer(body: Body) -> Any:
        at = numbers.setdefault(prompt_of(body), len(numbers))
        return completion(body, right(at))

    return answer


def test_an_answer_that_names_no_choice_is_missing_and_not_wrong(far: Callable[..., Outcome]) -> None:
    said = ["A", "The answer is B.", "I cannot tell.", "A or B, who knows", "**B**", "b"]
    with serving(answer=_says(lambda at: said[at % 6])) as server:
        done = far(server, "--max-concurrency", "1")
        record = _record(done)
        assert _asked(server)[0]["max_tokens"] == 256
        assert not {"response_format", "structured_outputs"} & set(_asked(server)[0])
    (row,) = record.estimates
    assert (row.metric, row.n, row.missing) == ("acc(generated)", 16, 8)
    table = record.samples("choose")
    assert table["failure"].to_pylist()[2] == "unread"
    assert table["completion"].to_pylist()[2] == "I cannot tell.", "what was said is kept"
    assert table["failure_detail"].to_pylist()[3] == "it names none of its choices, or several"
    assert record.tasks["choose"].failures == {"unread": 8}
    right = round((row.value or 0) * 16)
    assert (
        f"choose: acc(generated) is of the 16 answers that name a choice; with the 8 missing ones all wrong it is "
        f"{right / 24:.2%}, with all right {(right + 8) / 24:.2%}."
    ) in done.err
    assert "openai:small tells no log-probabilities: choose is asked to write the label" in done.err
    assert "read from what it writes" in done.err
    assert "The thoughts of" not in done.err


@pytest.mark.parametrize("field", ["structured_outputs", "guided_choice", "response_format"])
@pytest.mark.parametrize("chat", ["on", "off"])
def test_answers_are_held_where_the_server_was_seen_to_hold_them(
    field: str, chat: str, far: Callable[..., Outcome]
) -> None:
    from dialects import Dialect

    dialect = Dialect(obeys=(field,))
    with serving(answer=dialect, probe=dialect) as server:
        record = _record(far(server, "--chat", chat))
        assert all(field in body for body in _asked(server))
        assert all("stop" not in body for body in _asked(server))
    assert record.tasks["choose"].choices == "generated/constrained"
    (row,) = record.estimates
    assert (row.n, row.missing) == (24, 0)
    before = "" if chat == "on" else " "
    assert set(record.samples("choose")["completion"].to_pylist()) <= {f"{before}{one}" for one in "ABCD"}


def test_a_server_that_breaks_its_word(far: Callable[..., Outcome]) -> None:
    from dialects import Dialect

    dialect = Dialect(obeys=("response_format",))
    with serving(answer=lambda body: completion(body, '{"answer": "perhaps"}'), probe=dialect) as server:
        record = _record(far(server))
    assert record.tasks["choose"].failures == {"unread": 24}
    (detail,) = set(record.samples("choose")["failure_detail"].to_pylist())
    assert detail == "it names none of its choices, or several, although it was held to them"
    assert record.estimates[0].value is None


def test_choices_that_ran_out_of_tokens_are_counted(far: Callable[..., Outcome], tmp_path: Path) -> None:
    """Some before a choice was named, some after, some inside thoughts: neither is taken for the other."""
    said = [("B", "stop"), ("Well, let me see", "length"), ("B, since", "length"), ("<think>\nhm", "length")]
    numbers: dict[str, int] = {}

    def answer(body: Body) -> Any:
        text, finish = said[numbers.setdefault(prompt_of(body), len(numbers)) % 4]
        return completion(body, text, finish=finish)

    with serving(answer=answer) as server:
        done = far(server, "--max-concurrency", "1")
        site = call("leaderboard", tmp_path / "reports", "--out", tmp_path / "site")
        plain = far(server, "--max-concurrency", "1", "--chat", "off")
    record = _record(done)
    row = record.tasks["choose"].cut_off
    assert row is not None
    assert (row.samples, row.in_thoughts) == (18, 6)
    assert record.tasks["choose"].failures == {"truncated": 6, "unread": 6}
    (bound,) = row.bounds
    assert bound.metric == "acc(generated)"
    assert (
        "choose: warning: 18 of 24 answers ran out of tokens (75.0 %, 6 of them inside thoughts)" in done.err
    )
    assert _record(plain).tasks["choose"].cut_off is None, "a base model goes on, whatever it said"
    for folder in (done.record, plain.record):
        assert check_record(folder).problems == ()
    assert site.code == 0, site.err
    (page,) = (tmp_path / "site" / "models").glob("*.html")
    assert "18 of 24 answers ran out of tokens, 6 of them inside thoughts; " in page.read_text()


def test_thoughts_are_no_part_of_a_choice(far: Callable[..., Outcome]) -> None:
    with serving(answer=lambda body: completion(body, "<think>\nA? No, D.\n</think>\nB")) as server:
        record = _record(far(server))
    assert record.tasks["choose"].thoughts == 24
    assert record.estimates[0].missing == 0


def test_likelihoods_and_letters_never_meet(near: Runner, tasks: Path, tmp_path: Path) -> None:
    records = [_record(near()), _record(near("--choices", "generate")), _record(near("--choices", "parsed"))]
    folders = [record.folder for record in records]
    likely = call("compare", folders[0], folders[1])
    assert "The records have no number in common." in likely.out
    why = (
        "choose: choices differ: they were scored in the baseline and written (generated/constrained) in the candidate, which "
        "are other numbers: run both with the same --choices."
    )
    assert why in likely.out
    gated = call("gate", "--baseline", folders[0], "--candidate", folders[1], "--include", tasks)
    assert (gated.code, f"not comparable: {why}" in gated.out) == (4, True), gated.out
    on_the_way = near("--choices", "generate", "--gate", "pull-request", "--baseline", str(folders[0]))
    assert on_the_way.code == 4
    assert "choices (not there against generated/constrained/v2)" in on_the_way.err
    parsed = call("compare", folders[1], folders[2])
    assert (
        "not compared: choices (generated/constrained/v2 against generated/parsed/v2/reader2) differs"
        in parsed.out
    )
    assert (likely.code, parsed.code) == (4, 4)
    other = _record(near("--choices", "generate", "--seed", "3"))
    assert "have another prompt" in call("compare", folders[1], other.folder).out, "their order is another"
    table = other.folder / "samples" / "choose.parquet"
    content = pq.read_table(table)
    at = content.column_names.index("asked")
    pq.write_table(content.set_column(at, "asked", pa.array(map(str, range(24)))), table)
    drawn = call("compare", folders[1], other.folder)
    assert (
        "no sample of both runs has the same prompt, and seed (0 against 3) differs: --across seed"
        in drawn.out
    )
    assert call("compare", folders[1], other.folder, "--across", "seed").code == 0
    site = call("leaderboard", tmp_path / "reports", "--out", tmp_path / "site")
    assert site.code == 0, site.err
    page = (tmp_path / "site" / "index.html").read_text()
    assert "acc(generated)" in page
    assert 'id="task-choose-generated"' in page
    assert 'id="task-choose"' in page
    assert "says otherwise" not in site.err


def test_bounds_of_what_is_missing() -> None:
    from lsm_eval.metrics.base import Measurement

    own = [Measurement((1.0, 1.0)), Measurement((0.0, 1.0)), None, None]
    assert bounds(own, 2) == (0.25, 0.75)
    assert bounds([], 2) == (0.0, 1.0)
    assert bounds([], 0) is None
    assert bounds([Measurement((1.0, 2.0, 3.0))], 1) is None


def test_a_local_model_writes_the_likeliest_of_given_texts(model: Path) -> None:
    local = HFModel("hf:tiny", ModelOptions(), folder=model)
    assert isinstance(local, Choosing)
    assert (local.scores(), local.constrains(chat=True)) == (True, True)
    texts = ("the mat", "a log", "yes")
    held = Generate("where is the cat", choices=texts, chat=True)
    score = Score("where is the cat", texts, chat=True)
    requests: list[Request] = [
        held,
        score,
        Generate("x", choices=("a", "ab")),
        Generate("x", choices=("a", "b"), temperature=1.0),
    ]
    found: dict[int, Any] = {}
    for batch in local.answer(requests):
        found.update(batch)
    best = max(range(3), key=lambda at: found[1].logprobs[at])
    assert found[0] == Generated(texts[best], found[1].tokens[best], "stop")
    assert (found[2].reason, found[3].reason) == ("unsupported", "unsupported")
    assert "begins with another" in found[2].detail
    assert local.render(held) == local.render(score)
    assert local.cost([held]) == local.cost([score])
    assert {at for batch in local.answer(requests, known={2, 3}) for at in batch} == {0, 1}


def test_other_requests_stay_as_they_are() -> None:
    plain = Generate("x")
    assert as_scored(plain) is plain
    assert refused(plain) is None
    failure = Failure("nan", "no")
    assert written(Generate("x", choices=("a",)), failure) is failure
    scored = Scored((0.0,), (1,), (True,))
    assert written(Score("x", ("a",)), scored) is scored
