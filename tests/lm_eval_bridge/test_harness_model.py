"""Our engine as the harness's model: what its hf backend answers, sample by sample."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from lm_eval_checks import same_samples

from lsm_eval.errors import UserError

SCORED = ["own_choice", "own_shots", "own_pairs", "own_last_word", "own_texts"]


@pytest.mark.parametrize("which", ["checkpoint", "plain_checkpoint"])
@pytest.mark.parametrize("name", [*SCORED, "own_sums"])
def test_the_same_answers_as_hf(
    name: str, which: str, evaluate: Any, request: pytest.FixtureRequest, one_thread: None
) -> None:
    folder = request.getfixturevalue(which)
    theirs, ours = evaluate("hf", folder, name), evaluate("lsm-eval", folder, name)
    same_samples(theirs, ours, name)


@pytest.mark.parametrize("name", ["own_shots", "own_pairs", "own_sums"])
@pytest.mark.parametrize("multiturn", [True, False])
def test_the_same_answers_in_chat(
    name: str, multiturn: bool, evaluate: Any, checkpoint: Path, one_thread: None
) -> None:
    options = {
        "apply_chat_template": True,
        "fewshot_as_multiturn": multiturn,
        "system_instruction": "the one",
    }
    theirs, ours = (evaluate(model, checkpoint, name, **options) for model in ("hf", "lsm-eval"))
    same_samples(theirs, ours, name)
    prompt = ours["samples"][name][0]["arguments"][0][0]
    assert prompt.startswith("<s><|system|>the one")


def test_contexts_that_are_too_long_lose_their_left_side(
    evaluate: Any, checkpoint: Path, one_thread: None
) -> None:
    """Few-shot prompts of more tokens than the model has places for, and prompts that leave no room for the text."""
    for name, shots in (("own_shots", 5), ("own_sums", None)):
        options: dict[str, Any] = {"num_fewshot": shots, "arguments": ",max_length=24"}
        theirs, ours = (evaluate(model, checkpoint, name, **options) for model in ("hf", "lsm-eval"))
        same_samples(theirs, ours, name)


def test_one_context_is_one_request(evaluate: Any, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several tasks in one call, and choices of one question, share their context."""
    from lsm_eval.models.hf import HFModel

    asked: list[Any] = []
    answer = HFModel.answer

    def spy(self: HFModel, requests: Any, known: Any = ()) -> Any:
        asked.extend(requests)
        return answer(self, requests, known)

    monkeypatch.setattr(HFModel, "answer", spy)
    evaluate("lsm-eval", checkpoint, "own_choice", "own_last_word")
    contexts = [request.context for request in asked]
    assert len(contexts) == len(set(contexts)) > 1


def test_repeated_draws_differ_and_come_again(evaluate: Any, checkpoint: Path, one_thread: None) -> None:
    first, again, other = (
        [s["resps"][0] for s in evaluate("lsm-eval", checkpoint, "own_draws", torch_random_seed=seed)["samples"]["own_draws"]]
        for seed in (7, 7, 8)
    )  # fmt: skip
    assert all(len(draws) == 3 for draws in first)
    assert any(len(set(draws)) > 1 for draws in first)
    assert first == again
    assert first != other


def test_the_harness_keeps_answers_in_its_cache(
    evaluate: Any, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"use_cache": str(tmp_path / "answers")}
    first = evaluate("lsm-eval", checkpoint, "own_choice", "own_sums", "own_texts", **options)
    with sqlite3.connect(tmp_path / "answers_rank0.db") as database:
        (kept,) = database.execute("select count(*) from unnamed").fetchone()
    assert kept >= 10
    from lsm_eval.models.hf import HFModel

    def refuse(self: HFModel, requests: Any, known: Any = ()) -> Any:
        raise AssertionError("nothing is left to ask")

    monkeypatch.setattr(HFModel, "answer", refuse)
    again = evaluate("lsm-eval", checkpoint, "own_choice", "own_sums", "own_texts", **options)
    assert again["results"] == first["results"]


def test_thinking_is_cut_off(evaluate: Any, checkpoint: Path, one_thread: None) -> None:
    plain = evaluate("lsm-eval", checkpoint, "own_sums")["samples"]["own_sums"]
    text = next(sample["resps"][0][0] for sample in plain if len(sample["resps"][0][0]) > 3)
    mark = text[1]
    arguments = f',think_end_token="{mark}"'
    theirs, ours = (
        evaluate(model, checkpoint, "own_sums", arguments=arguments) for model in ("hf", "lsm-eval")
    )
    same_samples(theirs, ours, "own_sums")
    assert any(a["resps"] != b["resps"] for a, b in zip(plain, ours["samples"]["own_sums"], strict=True))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (",dtyp=float32", "did you mean 'dtype'"),
        (",parallelize=True", "parallelize"),
        (",add_bos_token=True", "add_bos_token"),
        (",autogptq=True", "autogptq"),
        (",think_end_token=3", "think_end_token"),
        (",enable_thinking=True", "think_end_token"),
        (",engine=fast", "auto, tree or plain"),
    ],
)
def test_an_argument_that_cannot_be_honoured_is_refused(
    arguments: str, says: str, evaluate: Any, checkpoint: Path
) -> None:
    with pytest.raises(UserError, match=says):
        evaluate("lsm-eval", checkpoint, "own_choice", arguments=arguments)


def test_a_text_that_leaves_no_room_is_an_error(evaluate: Any, checkpoint: Path) -> None:
    with pytest.raises(UserError, match="does not fit the model"):
        evaluate("lsm-eval", checkpoint, "own_sums", gen_kwargs="max_gen_toks=500")


def test_the_checkpoint_own_dtype_as_in_hf(tmp_path: Path) -> None:
    from lm_eval.api.registry import get_model
    from tiny_models import edit_json, save_model

    from lsm_eval.lm_eval_bridge import register

    register()
    folder = save_model(tmp_path / "half")
    edit_json(folder / "config.json", dtype="bfloat16")
    assert (
        get_model("lsm-eval")(pretrained=str(folder), device="cuda:0").get_model_info()["model_dtype"]
        == "bfloat16"
    )
