"""Models of the user's own: what they are asked, what becomes of their answers, and what is refused."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from command_line import GENERATE, QUESTIONS, call, write_task, write_tasks
from own_models import Echo, Lengths, Says

import lsm_eval
from lsm_eval import Prompt
from lsm_eval.models.base import ModelOptions
from lsm_eval.models.create import create


@pytest.fixture(scope="session")
def small_tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the tasks `choose`, `say` and `read`, and `talk`, which needs a chat."""
    folder = write_tasks(tmp_path_factory.mktemp("tasks"))
    write_task(folder, "talk", QUESTIONS[:4], **{**GENERATE, "chat": "on", "system": "Be brief."})
    return folder


@pytest.fixture(autouse=True)
def _own_place(own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_it_is_asked_with_all_that_a_task_says(small_tasks: Path) -> None:
    model = Echo()
    record = lsm_eval.run("say", model, include=small_tasks, limit=3, seed=1)
    prompts = [prompt for batch in model.asked for prompt in batch]
    samples = record.samples("say")
    assert [prompt.text for prompt in prompts] == samples["prompt"].tolist()
    first = prompts[0]
    assert (first.stop, first.max_tokens, first.temperature, first.chat, first.system) == (
        ("\n", "cat"),
        8,
        0.0,
        False,
        None,
    )
    assert first.messages == [{"role": "user", "content": first.text}]
    assert samples["completion"].tolist() == [
        f" {prompt.text[-5:]}".partition("cat")[0] for prompt in prompts
    ]
    assert samples["tokens"].isna().all()
    assert set(samples["finish"]) == {"stop"}
    assert "generated" not in record.manifest.tokens
    model_row = record.manifest.model
    assert model_row.name == "echo"
    assert model_row.spec == model_row.details["python"].join(["python:", ""]) == "python:own_models.Echo"
    assert record.path.parent.name == f"echo--{model_row.fingerprint[:8]}"


def test_its_command_is_a_call(small_tasks: Path, tmp_path: Path) -> None:
    record = lsm_eval.run(["say"], Echo(), include=small_tasks, limit=3, redact="all")
    (word,) = record.manifest.command
    assert (
        word
        == f"lsm_eval.run(tasks=['say'], model=<Echo echo>, limit=3, redact='all', include=['{small_tasks}'])"
    )
    done = call("leaderboard", "reports", "--out", tmp_path / "site")
    assert done.code == 0, done.err
    pages = [path.read_text() for path in (tmp_path / "site").rglob("*.html")]
    assert any(
        "Called from Python, with an object as the model:" in page and "model=&lt;Echo echo&gt;" in page
        for page in pages
    )
    assert call("record", "check", record.path).code == 0


def test_choices_are_scored_where_it_tells_likelihoods(small_tasks: Path) -> None:
    model = Lengths()
    record = lsm_eval.run("choose", model, include=small_tasks, limit=6)
    samples = record.samples("choose").to_dict("records")
    assert not model.asked
    assert {(context, text) for batch in model.pairs for context, text in batch} == {
        (row["prompt"], text) for row in samples for text in row["continuations"]
    }
    for row in samples:
        lengths = [len(text) for text in row["continuations"]]
        assert list(row["logprobs"]) == pytest.approx([-math.log(2) * length for length in lengths])
        assert list(row["tokens"]) == []
    assert "asked" not in record.manifest.tokens
    assert call("record", "check", record.path).code == 0


def test_choices_are_written_where_it_tells_none(small_tasks: Path) -> None:
    record = lsm_eval.run("choose", Says("A"), include=small_tasks, limit=6)
    assert record.tasks["choose"].choices == "generated/parsed"
    assert record.estimates["metric"].tolist() == ["acc(generated)"]
    assert record.samples("choose")["completion"].tolist() == ["A"] * 6


def test_chats_only_where_it_wants_them(small_tasks: Path) -> None:
    with pytest.raises(lsm_eval.UserError, match="task 'talk' needs a chat template, and the model has none"):
        lsm_eval.run("talk", Echo(), include=small_tasks)

    class Chats(Echo):
        chat = True

    model = Chats()
    record = lsm_eval.run("talk", model, include=small_tasks)
    assert record.tasks["talk"].chat is True
    first = model.asked[0][0]
    assert first.chat
    assert first.messages == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": first.user},
    ]
    assert first.text == f"Be brief.\n\n{first.user}"


def test_batches_have_a_most(small_tasks: Path) -> None:
    class Few(Lengths):
        batch_size = 5

    model = Few()
    record = lsm_eval.run("choose,say", model, include=small_tasks)
    assert max(map(len, model.asked)) == 5
    assert max(map(len, model.pairs)) <= 5
    assert record.manifest.requests["failed"] == 0


def test_one_pair_at_a_time(small_tasks: Path) -> None:
    """Though each question has several choices."""

    class One(Lengths):
        batch_size = 1

    model = One()
    record = lsm_eval.run("choose", model, include=small_tasks, limit=3)
    assert {len(pairs) for pairs in model.pairs} == {1}
    at_once = lsm_eval.run("choose", Lengths(), include=small_tasks, limit=3, store=None)
    assert list(record.estimates["value"]) == list(at_once.estimates["value"])


def test_drawn_answers_have_seeds_of_their_own(small_tasks: Path) -> None:
    """A model that starts its random numbers anew with each prompt would tie all answers together."""
    seeds = []
    for seed in (1, 1, 2):
        model = Echo()
        lsm_eval.run("say", model, include=small_tasks, temperature=0.5, seed=seed, limit=8, from_start=True)
        seeds.append([prompt.seed for prompts in model.asked for prompt in prompts])
    assert seeds[0] == seeds[1]
    assert len({*seeds[0], *seeds[2]}) == 16


def test_answers_are_kept_by_name_and_fingerprint(small_tasks: Path) -> None:
    lsm_eval.run("choose,say", Lengths(), include=small_tasks)
    again = Lengths()
    record = lsm_eval.run("choose,say", again, include=small_tasks)
    assert not again.asked
    assert not again.pairs
    assert record.manifest.requests["computed"] == 0

    class Named(Lengths):
        name = "another"

    class Changed(Lengths):
        fingerprint = "v2"

    for other in (Named(), Changed()):
        lsm_eval.run("choose,say", other, include=small_tasks)
        assert other.asked
        assert other.pairs


def test_without_a_fingerprint_nothing_is_kept(small_tasks: Path, own_cache: Path) -> None:
    for _ in range(2):
        model = Echo()
        record = lsm_eval.run("say", model, include=small_tasks, limit=2)
        assert model.asked
    assert not (own_cache / "responses").exists()
    assert record.manifest.model.details["fingerprint"] == "of the name alone: the model has none of its own"
    with pytest.raises(
        lsm_eval.UserError, match="store='kept' keeps answers by the model's fingerprint, and echo has none"
    ):
        lsm_eval.run("say", Echo(), include=small_tasks, store="kept")


def test_a_killed_run_goes_on(small_tasks: Path) -> None:
    class Fails(Lengths):
        batch_size = 4

        def generate(self, prompts: Sequence[Prompt]) -> Any:
            if len(self.asked) == 2:
                raise sqlite3.OperationalError("the disk went away")
            return super().generate(prompts)

    broken = Fails()
    with pytest.raises(sqlite3.OperationalError, match="the disk went away") as caught:
        lsm_eval.run("say", broken, include=small_tasks)
    assert caught.value.__notes__ == [
        "lsm-eval had called Fails.generate() with 4 prompts; what was answered before is kept."
    ]
    assert not list(Path("reports").rglob("manifest.json"))
    mended = Lengths()
    record = lsm_eval.run("say", mended, include=small_tasks)
    assert record.manifest.requests["from_store"] == 8
    assert sum(map(len, mended.asked)) == record.manifest.requests["unique"] - 8


def test_ctrl_c_is_a_keyboard_interrupt(small_tasks: Path) -> None:
    class Stopped(Echo):
        def generate(self, prompts: Sequence[Prompt]) -> Any:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lsm_eval.run("say", Stopped(), include=small_tasks)


def test_what_it_cannot_answer_is_refused_before_anything_is_asked(small_tasks: Path) -> None:
    refused: list[tuple[str, dict[str, Any], str]] = [
        ("read", {}, "can give answers and the probabilities of choices, but not the likelihood"),
        ("choose", {"choices": "likelihood"}, r"has no loglikelihood\(\), and this task needs"),
        ("say", {"reasoning_tokens": 5}, "knows no --reasoning-tokens"),
    ]
    for tasks, keywords, why in refused:
        model = Echo()
        with pytest.raises(lsm_eval.UserError, match=f"echo {why}"):
            lsm_eval.run(tasks, model, include=small_tasks, **keywords)
        assert not model.asked


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (Echo, "the model is the class Echo: give one of its objects, such as Echo()."),
        (5, "the model is a int, which has no method generate(): name a model by a text, or give an object that is asked as docs/python.md says."),
    ],
)  # fmt: skip
def test_what_is_no_model(model: Any, said: str, small_tasks: Path) -> None:
    with pytest.raises(lsm_eval.UserError) as caught:
        lsm_eval.run("say", model, include=small_tasks)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": None}, "the model, a Echo, has no name: give it an attribute `name`, a text."),
        ({"name": "builtin:first"}, "Echo.name 'builtin:first' would pass for a model that lsm-eval brings: choose one without builtin:."),
        ({"name": "a\nb"}, "Echo.name holds a line break or another character that cannot be seen (U+000A): leave it out."),
        ({"name": 5}, "Echo.name is 5: make it a text that is not empty."),
        ({"fingerprint": lambda: "x"}, "Echo.fingerprint is a method: make it a text that is not empty."),
        ({"chat": "yes"}, "Echo.chat is 'yes': make it True or False."),
        ({"batch_size": 0}, "Echo.batch_size is 0: make it a whole number, 1 or more."),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_model_is_one_sentence(
    changes: dict[str, Any], said: str, small_tasks: Path
) -> None:
    model = Echo()
    for name, value in changes.items():
        setattr(model, name, value)
    with pytest.raises(lsm_eval.UserError) as caught:
        lsm_eval.run("say", model, include=small_tasks)
    assert str(caught.value) == said


def test_options_of_a_named_model_are_refused(small_tasks: Path) -> None:
    with pytest.raises(
        lsm_eval.UserError, match=r"^device='cuda' says how a model is run that is named by a text"
    ):
        lsm_eval.run("say", Echo(), include=small_tasks, device="cuda")


def test_one_of_the_houses_models_is_taken_too(small_tasks: Path) -> None:
    model = create("builtin:longest", ModelOptions())
    record = lsm_eval.run("choose", model, include=small_tasks)
    named = lsm_eval.run("choose", "builtin:longest", include=small_tasks)
    assert record.estimates["value"].tolist() == named.estimates["value"].tolist()
    assert record.manifest.model.fingerprint == named.manifest.model.fingerprint
