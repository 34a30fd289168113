"""Checkpoints through transformers against the plainest possible computation: one sequence at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tiny_models import CHAT_WITH_BOS, CONTEXT, save_model

from lsm_eval.models.base import ModelOptions
from lsm_eval.models.hf import HFModel
from lsm_eval.requests import (
    Failure,
    Generate,
    Generated,
    Likelihood,
    Perplexity,
    Request,
    Response,
    Score,
    Scored,
)

KINDS = ["llama", "gpt2", "gemma2"]
CONTEXTS = [
    "what is the name of the cat?",
    "what is the name of the dog?",
    "what is the",
    "the mat ",
    "on th",
    "",
    " \n",
    "é 语 the question of nothing and anything at all, yes or no: 100 200",
]
CONTINUATIONS = [
    (" yes", " no"),
    ("e", "at", " log"),
    (" the other one, and", " a", "b"),
    ("1", "2", "3", "the cat"),
]
SCORES = [Score(context, own) for context in CONTEXTS for own in CONTINUATIONS]


@pytest.fixture(autouse=True)
def _quiet_machine(own_cache: Path, one_thread: None) -> None:
    """Own cache, one thread."""


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tiny checkpoint of each architecture."""
    root = tmp_path_factory.mktemp("checkpoints")
    changes: dict[str, dict[str, Any]] = {"gpt2": {"special_start": False}}
    return {kind: save_model(root / kind, kind, **changes.get(kind, {})) for kind in KINDS}


def _model(folder: Path, **options: Any) -> HFModel:
    return HFModel("tiny", ModelOptions(**options), folder=folder)


def _ask(model: HFModel, requests: Sequence[Request], known: Sequence[int] = ()) -> list[Response | None]:
    """The answers in order, None for the known ones; each index is answered once."""
    answers: dict[int, Response] = {}
    for batch in model.answer(requests, set(known)):
        assert not answers.keys() & batch.keys(), "answered twice"
        answers.update(batch)
    assert answers.keys() == set(range(len(requests))) - set(known)
    return [answers.get(at) for at in range(len(requests))]


class Reference:
    """One sequence at a time: all logits, log-softmax in float32."""

    def __init__(self, folder: Path) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self.model: Any = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()

    def logprobs(self, tokens: Sequence[int]) -> tuple[list[float], list[bool]]:
        """Of every token but the first, and whether it is the likeliest."""
        import torch

        with torch.no_grad():
            logits = self.model(torch.tensor([list(tokens)[:-1]])).logits[0].float()
        table = torch.log_softmax(logits, dim=-1)
        wanted = torch.tensor(list(tokens)[1:])
        values = table[torch.arange(len(wanted)), wanted].tolist()
        return values, (table.argmax(dim=-1) == wanted).tolist()

    def score(self, context: str, continuation: str) -> tuple[float, int, bool]:
        body = context.rstrip()
        with_bos = self.tokenizer("a")["input_ids"][0] == self.tokenizer.bos_token_id
        whole = self.tokenizer(context + continuation)["input_ids"]
        if body:
            scored = max(len(whole) - len(self.tokenizer(body)["input_ids"]), 1)
        else:
            if not with_bos:
                whole = [self.tokenizer.bos_token_id, *whole]
            scored = len(whole) - 1
        values, hits = self.logprobs(whole)
        return sum(values[-scored:]), scored, all(hits[-scored:])

    def continue_(self, prompt: str, max_tokens: int) -> list[int]:
        import torch

        ids = self.tokenizer(prompt)["input_ids"] or [self.tokenizer.bos_token_id]
        out = self.model.generate(
            torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long),
            do_sample=False, max_new_tokens=max_tokens, pad_token_id=0,
        )  # fmt: skip
        new: list[int] = out[0, len(ids) :].tolist()
        return new


@pytest.mark.parametrize("budget", [None, 40])
@pytest.mark.parametrize("engine", ["auto", "plain"])
@pytest.mark.parametrize("kind", KINDS)
def test_scores(checkpoints: dict[str, Path], kind: str, engine: str, budget: int | None) -> None:
    reference = Reference(checkpoints[kind])
    answers = _ask(_model(checkpoints[kind], engine=engine, batch_tokens=budget), SCORES)
    for request, answer in zip(SCORES, answers, strict=True):
        assert isinstance(answer, Scored)
        for at, continuation in enumerate(request.continuations):
            logprob, tokens, likeliest = reference.score(request.context, continuation)
            assert answer.tokens[at] == tokens, (request, continuation)
            assert answer.logprobs[at] == pytest.approx(logprob, abs=1e-4), (request, continuation)
            assert answer.greedy[at] == likeliest


@pytest.mark.parametrize("kind", KINDS)
def test_single_token_choices(checkpoints: dict[str, Path], kind: str) -> None:
    """What MMLU asks: one forward pass, several next tokens."""
    model, reference = _model(checkpoints[kind]), Reference(checkpoints[kind])
    (answer,) = _ask(model, [Score("the question?\nA. yes\nB. no\nAnswer:", ("A", "B", "1", "2"))])
    assert isinstance(answer, Scored)
    assert set(answer.tokens) == {1}
    for at, letter in enumerate("AB12"):
        expected, _, _ = reference.score("the question?\nA. yes\nB. no\nAnswer:", letter)
        assert answer.logprobs[at] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_what_it_would_say_is_greedy(checkpoints: dict[str, Path], kind: str) -> None:
    model, reference = _model(checkpoints[kind]), Reference(checkpoints[kind])
    tokenizer = reference.tokenizer
    seen = 0
    for word in ("the", "cat", "yes", "mat", "log", "what", "a", "1", "story", "name"):
        new = reference.continue_(word, 2)
        text = tokenizer.decode(new)
        if tokenizer(word + text)["input_ids"] != [*tokenizer(word)["input_ids"], *new] or not text.strip():
            continue  # its tokens, written out, are read as others
        seen += 1
        (answer,) = _ask(model, [Score(word, (text, text[:1] + "zz"))])
        assert isinstance(answer, Scored)
        assert answer.greedy == (True, False)
    assert seen


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("length", [0, 1, 30, 400])
def test_perplexity_scores_every_token_once(checkpoints: dict[str, Path], kind: str, length: int) -> None:
    text = ("the cat sat on the mat and the dog sat on the log, 1 2 3. " * 10)[:length]
    model, reference = _model(checkpoints[kind]), Reference(checkpoints[kind])
    (answer,) = _ask(model, [Perplexity(text)])
    tokens = reference.tokenizer(text, add_special_tokens=False)["input_ids"]
    assert isinstance(answer, Likelihood)
    assert answer.tokens == len(tokens)
    whole = [reference.tokenizer.bos_token_id, *tokens]
    expected, done = 0.0, 0
    while done < len(tokens):
        new = min(CONTEXT, len(tokens) - done)
        end = done + new
        # The last window reaches back so far that it is full.
        first = max(end - CONTEXT, 0)
        expected += sum(reference.logprobs(whole[first : end + 1])[0][-new:])
        done = end
    assert answer.logprob == pytest.approx(expected, abs=1e-4 * max(len(tokens), 1))


PROMPTS = [
    "the cat",
    "what is the name of the other one, and what is",
    "",
    "1 2 3 10",
    "the dog sat on é",
    "yes",
]


@pytest.mark.parametrize("kind", KINDS)
def test_generation(checkpoints: dict[str, Path], kind: str) -> None:
    """In one batch, each with a limit of its own, as one prompt at a time."""
    model, reference = _model(checkpoints[kind]), Reference(checkpoints[kind])
    requests = [Generate(prompt, max_tokens=3 + 4 * (at % 4)) for at, prompt in enumerate(PROMPTS)]
    answers = _ask(model, requests)
    for request, answer in zip(requests, answers, strict=True):
        assert isinstance(answer, Generated)
        prompt = request.prompt if kind != "gpt2" or request.prompt else ""
        new = reference.continue_(prompt, request.max_tokens)
        ended = reference.tokenizer.eos_token_id in new
        if ended:
            new = new[: new.index(reference.tokenizer.eos_token_id)]
        assert answer.text == reference.tokenizer.decode(new, skip_special_tokens=True)
        assert answer.tokens == len(new) <= request.max_tokens
        assert answer.finish == ("stop" if ended else "length")


@pytest.mark.parametrize("kind", KINDS)
def test_neighbours_do_not_matter(checkpoints: dict[str, Path], kind: str) -> None:
    model = _model(checkpoints[kind])
    free = _ask(model, [Generate(prompt, max_tokens=12) for prompt in PROMPTS])
    # A stop string from the middle of what each says, so that each stops at another step.
    requests: list[Request] = []
    for prompt, answer in zip(PROMPTS, free, strict=True):
        assert isinstance(answer, Generated)
        middle = answer.text[len(answer.text) // 2 :][:2]
        requests.append(Generate(prompt, (middle,) if middle else (), max_tokens=12))
    together = _ask(model, requests)
    alone = [_ask(_model(checkpoints[kind]), [request])[0] for request in requests]
    assert together == alone, "text, number of tokens and why it ended"
    stopped = 0
    for request, answer, whole in zip(requests, together, free, strict=True):
        assert isinstance(request, Generate)
        assert isinstance(answer, Generated)
        assert isinstance(whole, Generated)
        if request.stop:
            (stop,) = request.stop
            assert answer.text == whole.text[: whole.text.index(stop)], "cut before the first one"
            assert answer.finish == "stop"
            assert (answer.tokens or 0) <= (whole.tokens or 0)
            stopped += 1
    assert stopped


def test_the_first_of_several_stop_strings_counts(checkpoints: dict[str, Path]) -> None:
    model = _model(checkpoints["llama"])
    (free,) = _ask(model, [Generate("the cat", max_tokens=20)])
    assert isinstance(free, Generated)
    late, early = free.text[12:14], free.text[4:6]
    (answer,) = _ask(model, [Generate("the cat", (late, "never", early), max_tokens=20)])
    assert isinstance(answer, Generated)
    assert answer.text == free.text[: min(free.text.index(early), free.text.index(late))]


@pytest.mark.parametrize("known", [(), (0,), (3, 4, 5), tuple(range(1, len(SCORES)))])
def test_what_is_known_is_not_answered_and_changes_nothing(
    checkpoints: dict[str, Path], known: tuple[int, ...]
) -> None:
    """To the last bit: a resumed run computes what an uninterrupted one would."""
    requests: list[Request] = [*SCORES, *(Perplexity(text) for text in CONTEXTS), *map(Generate, PROMPTS[:3])]
    for engine in ("auto", "plain"):
        whole = _ask(_model(checkpoints["llama"], engine=engine, batch_tokens=48), requests)
        rest = _ask(_model(checkpoints["llama"], engine=engine, batch_tokens=48), requests, known)
        for at, answer in enumerate(rest):
            assert answer is None if at in known else answer == whole[at]


def test_chat_prompts_have_one_bos(tmp_path: Path) -> None:
    model = _model(save_model(tmp_path / "chat", chat=CHAT_WITH_BOS))
    requests: list[Request] = [
        Generate("what?", chat=True),
        Score("what?", (" yes",), chat=True),
        Generate("what?"),
        Perplexity("a"),
    ]
    assert [cost.bos for cost in model.cost(requests)] == [1, 1, 1, 1]
    assert model.render(requests[0]) == "<s><|user|>what?\n<|assistant|>"


def test_too_long(checkpoints: dict[str, Path]) -> None:
    long = "the cat " * 60
    requests: list[Request] = [
        Score(long, (" yes",)),
        Generate(long, max_tokens=8),
        Score("the", (" cat " * 80,)),
    ]
    (score, generate, _) = _model(checkpoints["llama"]).cost(requests)
    assert score.truncated > 0
    assert generate.truncated > 0
    skipped = _ask(_model(checkpoints["llama"], overflow="skip"), requests)
    assert [answer.reason for answer in skipped if isinstance(answer, Failure)] == ["too_long"] * 3

    cut = _ask(_model(checkpoints["llama"], overflow="truncate"), requests)
    assert isinstance(cut[2], Failure), "a continuation is never cut"
    reference = Reference(checkpoints["llama"])
    tokens = reference.tokenizer(long.rstrip() + "  yes")["input_ids"]
    assert isinstance(cut[0], Scored)
    assert cut[0].truncated == len(tokens) - 1 - CONTEXT
    kept = [tokens[0], *tokens[-CONTEXT:]]
    assert kept[0] == reference.tokenizer.bos_token_id
    assert cut[0].logprobs[0] == pytest.approx(
        sum(reference.logprobs(kept)[0][-cut[0].tokens[0] :]), abs=1e-4
    )
    assert isinstance(cut[1], Generated)
    assert cut[1].truncated > 0
    assert cut[1].tokens is not None
    assert cut[1].tokens <= 8


def test_fingerprint_follows_what_decides_answers(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    one = _model(checkpoints["llama"]).fingerprint()
    assert one == _model(checkpoints["llama"]).fingerprint()
    assert one != _model(checkpoints["llama"], dtype="bfloat16").fingerprint()
    assert one != _model(save_model(tmp_path / "other", seed=1)).fingerprint()
    changed = save_model(tmp_path / "same")
    assert one == _model(changed).fingerprint(), "the folder's name does not count"
    (changed / "chat_template.jinja").write_text(CHAT_WITH_BOS)
    assert one != _model(changed).fingerprint()


@pytest.mark.parametrize("engine", ["auto", "plain"])
def test_goes_on_where_memory_runs_out(checkpoints: dict[str, Path], engine: str) -> None:
    """A forward pass of more than 24 tokens (and a step of more than two sequences) fails, as on a full GPU."""
    import torch

    requests: list[Request] = [*SCORES[:12], *map(Perplexity, CONTEXTS[:3])]
    prompts = [Generate(prompt, max_tokens=6) for prompt in PROMPTS]
    whole = _ask(_model(checkpoints["llama"], engine=engine), [*requests, *prompts])
    model = _model(checkpoints["llama"], engine=engine)
    model.load()
    network: Any = model._network
    forward = network._model.forward
    failed = 0

    def small(*args: Any, **kwargs: Any) -> Any:
        nonlocal failed
        ids = kwargs["input_ids"]
        if ids.numel() > 24 and not (ids.shape[0] == 1 and ids.shape[1] <= CONTEXT and engine == "plain"):
            failed += 1
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(*args, **kwargs)

    network._model.forward = small
    answers = _ask(model, [*requests, *prompts])
    assert failed
    for one, other in zip(whole, answers, strict=True):
        if isinstance(one, Scored):
            assert isinstance(other, Scored)
            assert other.logprobs == pytest.approx(one.logprobs, abs=1e-4)
        elif isinstance(one, Likelihood):
            assert isinstance(other, Likelihood)
            assert other.logprob == pytest.approx(one.logprob, abs=1e-3)
        else:
            assert one == other


def test_an_end_token_without_an_embedding_pads_nothing(tmp_path: Path) -> None:
    """Texts of one batch differ in length, so that the shorter ones are padded."""
    import json

    asked = [Score(c, (" yes", " the other one")) for c in CONTEXTS[:3]]
    whole, odd = (save_model(tmp_path / name) for name in ("whole", "odd"))
    settings = odd / "tokenizer_config.json"
    content = json.loads(settings.read_text())
    settings.write_text(json.dumps({**content, "eos_token": "<never seen>", "pad_token": None}))
    found = []
    for folder in (whole, odd):
        model = HFModel("tiny", ModelOptions(device="cpu", dtype="float32"), folder=folder)
        answers = {place: r for batch in model.answer(asked) for place, r in batch.items()}
        found.append([answer.logprobs for _, answer in sorted(answers.items()) if isinstance(answer, Scored)])
    assert found[0] == found[1]
    assert len(found[0]) == len(asked)
