"""Where the letter of a choice is wanted, the examples before a question show letters, too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from command_line import QUESTIONS, SCORE, Runner, call, write_task
from openai_server import completion, serving
from tiny_models import CHAT, save_model

from lsm_eval.requests import Score
from lsm_eval.results.reader import Record, read_record
from lsm_eval.runner.written_choices.wording import example, listed

pytestmark = pytest.mark.usefixtures("one_thread", "own_cache")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("model") / "chatting", chat=CHAT, context=1024)


@pytest.fixture
def run(model: Path, tmp_path: Path) -> Runner:
    tasks = tmp_path / "tasks"
    write_task(tasks, "choose", QUESTIONS, **SCORE)
    write_task(tasks, "drawn", QUESTIONS, **SCORE, fewshot={"sampler": "random"})
    write_task(tasks, "told", QUESTIONS, **SCORE, fewshot={"answer": "because {{ choices[answer] }} it is"})
    write_task(tasks, "lettered", QUESTIONS, **{
        **SCORE, "prompt": "{{ question }}?\nA. {{ choices[0] }}\nB. {{ choices[1] }}\nAnswer:", "choices": ["A", "B"],
    })  # fmt: skip
    return Runner(model, tasks, tmp_path / "reports")


def prompts(run: Runner, task: str, *more: str) -> list[str]:
    done = run("--shots", "2", "--limit", "6", "--store", "none", *more, tasks=task)
    assert done.code == 0, done.err
    found: list[str] = read_record(done.record).samples(task)["prompt"].to_pylist()
    return found


PARTS = re.compile(
    r"(?P<question>what is \d and \d of the cat)\?\n\nThe text above goes on with one of these:\n(?P<list>(?:[A-D]\. .*\n)+)"
    r"The letter of the one that fits best:(?: (?P<letter>[A-D])$)?",
    re.MULTILINE,
)
RIGHT = {row["question"]: row["choices"][row["answer"]] for row in QUESTIONS}


@pytest.mark.parametrize("task", ["choose", "drawn", "told"])
def test_examples_show_the_letter_of_what_is_right(task: str, run: Runner) -> None:
    positions: set[str] = set()
    for prompt in prompts(run, task, "--choices", "generate", "--chat", "off"):
        *shown, last = PARTS.finditer(prompt)
        assert len(shown) == 2
        assert last["letter"] is None
        for one in shown:
            lines = dict(line.split(". ", 1) for line in one["list"].splitlines())
            assert lines[one["letter"]] == RIGHT[one["question"]]
            positions.add(one["letter"])
        assert "because" not in prompt
        assert "".join(part[0] for part in PARTS.finditer(prompt)).replace("\n", "") == prompt.replace(
            "\n", ""
        )
    assert task != "drawn" or len(positions) > 1


def test_in_a_chat_too(run: Runner) -> None:
    for prompt in prompts(run, "choose", "--choices", "generate", "--chat", "on"):
        assert len(re.findall(r"^The letter of the one that fits best: [A-D]$", prompt, re.MULTILINE)) == 2
        assert "\nReply with the letter of the one that fits best, and nothing else." in prompt


def test_letters_of_the_task_s_own_and_scored_choices_stay_as_they_are(run: Runner) -> None:
    scored = prompts(run, "choose")
    assert all(re.search(r"of the cat\? (the mat|log \d|yes)\n\n", prompt) for prompt in scored)
    own = prompts(run, "lettered", "--choices", "generate", "--chat", "off")
    assert own == prompts(run, "lettered")
    assert own[0].count("\nAnswer: ") == 2


def test_variants_draw_as_the_task_does(run: Runner) -> None:
    more = ("--choices", "generate", "--chat", "off", "--perturb", "upper", "--shots", "2", "--limit", "6")
    done = run(*more, tasks="drawn")
    assert done.code == 0, done.err
    record = read_record(done.record)
    plain, upper = (record.samples(name)["prompt"].to_pylist() for name in ("drawn", "drawn@upper"))
    for one, other in zip(plain, upper, strict=True):
        own, others = [*PARTS.finditer(one)], [*PARTS.finditer(other)]
        assert [part[0] for part in own[:2]] == [part[0] for part in others[:2]]
        assert one != other


def test_the_signature_names_the_wording_and_a_server_is_sent_it(run: Runner, tmp_path: Path) -> None:
    with serving(answer=lambda body: completion(body, "B")) as server:
        done = call(
            "run", "--tasks", "choose", "--include", run.tasks, "--out", run.out, "--shots", "3", "--limit", "4",
            "--model", "openai:small", "--base-url", server.url,
        )  # fmt: skip
        sent = [body["messages"][-1]["content"] for body in server.bodies if "messages" in body]
    assert done.code == 0, done.err
    record: Record = read_record(done.record)
    assert " choices:generated/parsed/v2/" in record.estimates[0].signature
    assert [text.count("The letter of the one that fits best: ") for text in sent] == [3] * 4
    assert record.tasks["choose"].failures == {}


def test_what_could_be_taken_for_a_label_keeps_the_task_s_words() -> None:
    assert example("Q?", ("A", "B"), 0, 3, draw="0") is None
    assert example("Q?\nA. x\nB. y\n", ("A", "B"), 0, 3, draw="0") is None
    assert example("", ("yes", "no"), 0, 3, draw="0") is None
    assert example("Q?", ("yes",), 0, 3, draw="0") is None
    found = {example("Q?", ("yes", "no", "maybe"), 1, at, draw="0") for at in range(40)}
    assert len(found) == 6
    many = example("Q?", tuple(f"c{at}" for at in range(40)), 7, 0, draw="0")
    assert many is not None
    number = many.rpartition(" ")[2]
    assert f"\n{number}. c7\n" in many
    assert many.count("The number of the one that fits best: ") == 1
    # Examples in letters make no list of a question that has none.
    shown = example("How many?", ("1", "2", "3"), 1, 0, draw="0")
    assert not listed(Score(f"{shown}\n\nHow many?", (" 1", " 2", " 3")), " ", chat=False, draw="0")[1].own
