"""Masked language models against the plainest computation: one masked token, one text, all logits."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from command_line import Runner, write_tasks
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import CONTEXT, save_encoder_model

from lsm_eval.inference.families.masked import MaskedNetwork, MaskedRow, masked_windows
from lsm_eval.inference.runtime import Runtime
from lsm_eval.inference.scoring.plain import SequenceScore
from lsm_eval.models.base import ModelOptions
from lsm_eval.models.hf import HFModel
from lsm_eval.requests import Failure, Generate, Likelihood, Perplexity, Request, Response, Score, Scored

KINDS = ["bert", "roberta", "distilbert", "electra"]
VOCABULARY, MASK = 23, 4


@pytest.fixture(autouse=True)
def _quiet_machine(own_cache: Path, one_thread: None) -> None:
    """Own cache, one thread."""


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tiny checkpoint of each architecture."""
    root = tmp_path_factory.mktemp("checkpoints")
    return {kind: save_encoder_model(root / kind, kind) for kind in KINDS}


@cache
def _model(kind: str) -> Any:
    import torch
    import transformers

    torch.manual_seed(0)
    sizes: dict[str, Any] = {
        "vocab_size": VOCABULARY, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
        "num_attention_heads": 4, "pad_token_id": 1, "max_position_embeddings": 64, "initializer_range": 0.3,
    }  # fmt: skip
    if kind == "bert":
        return transformers.BertForMaskedLM(transformers.BertConfig(**sizes)).eval()
    if kind == "convbert":  # convolutions, which padding changes whatever its mask
        return transformers.ConvBertForMaskedLM(
            transformers.ConvBertConfig(**sizes, embedding_size=16)
        ).eval()
    return transformers.RobertaForMaskedLM(transformers.RobertaConfig(**sizes)).eval()


def _network(kind: str, budget: int | None = None) -> MaskedNetwork:
    model = _model(kind)
    runtime = Runtime(
        name="tiny",
        device="cpu",
        dtype="float32",
        engine="auto",
        pad=1,
        ends=(),
        decode=str,
        batch_tokens=budget,
    )
    return MaskedNetwork(model, model.config, runtime, MASK)


def _reference(model: Any, mask: int, row: MaskedRow) -> tuple[float, bool]:
    import torch

    total, greedy = 0.0, True
    for place in range(row.first, row.first + row.scored):
        ids = torch.tensor([row.tokens])
        ids[0, place] = mask
        with torch.no_grad():
            table = torch.log_softmax(model(input_ids=ids).logits[0, place].float(), dim=-1)
        total += float(table[row.tokens[place]])
        greedy &= int(table.argmax()) == row.tokens[place]
    return total, greedy


@st.composite
def requests(draw: st.DrawFn) -> dict[int, list[MaskedRow]]:
    """Requests of one context and several endings; masked, some are the same text. No padding tokens in them."""
    tokens = st.integers(2, 6)
    stems = draw(st.lists(st.lists(tokens, max_size=8), min_size=1, max_size=3))
    found = {}
    for number in range(draw(st.integers(1, 6))):
        stem = draw(st.sampled_from(stems))
        ends = draw(st.lists(st.lists(tokens, min_size=1, max_size=4), min_size=1, max_size=4))
        found[number] = [MaskedRow((2, *stem, *end, 3), 1 + len(stem), len(end)) for end in ends]
    return found


def _all(network: MaskedNetwork, rows: Any, known: Sequence[int] = ()) -> dict[int, list[SequenceScore]]:
    found: dict[int, list[SequenceScore]] = {}
    for batch in network.score(rows, known):
        assert not batch.keys() & found.keys()
        found.update(batch)
    return found


@pytest.mark.parametrize("kind", ["bert", "roberta"])
@given(rows=requests(), budget=st.sampled_from([None, 1, 30]))
@settings(max_examples=15, deadline=None)
def test_scores(kind: str, rows: dict[int, list[MaskedRow]], budget: int | None) -> None:
    network = _network(kind, budget)
    found = _all(network, rows)
    assert found.keys() == rows.keys()
    asked = set()
    for request, own in rows.items():
        for row, score in zip(own, found[request], strict=True):
            logprob, greedy = _reference(_model(kind), MASK, row)
            assert score.logprob == pytest.approx(logprob, abs=1e-4)
            assert score.greedy == greedy
            for place in range(row.first, row.first + row.scored):
                asked.add(((*row.tokens[:place], MASK, *row.tokens[place + 1 :]), place))
    work = network.ledger.score
    assert work.tokens == network.ledger.unique_tokens == sum(map(len, {text for text, _ in asked}))
    assert work.rows == network.ledger.rows_needed == len(asked)


def test_where_padding_changes_numbers_there_is_none() -> None:
    rows = {q: [MaskedRow((2, *range(5, 9 + q), c, 3), 2, 2) for c in (7, 8)] for q in range(5)}
    network = _network("convbert")
    found = _all(network, rows)
    assert network.ledger.score.padding == 0
    assert "only texts of one length together" in network.details["engine"]
    for request, own in rows.items():
        for row, score in zip(own, found[request], strict=True):
            assert score.logprob == pytest.approx(_reference(_model("convbert"), MASK, row)[0], abs=1e-4)
    other = _network("bert")
    _all(other, rows)
    assert other.ledger.score.padding > 0
    assert "only" not in other.details["engine"]


def test_choices_of_one_token_are_one_masked_text() -> None:
    network = _network("bert")
    rows = {0: [MaskedRow((2, 5, 6, token, 3), 3, 1) for token in range(6, 12)]}
    (scores,) = _all(network, rows).values()
    assert network.ledger.score.tokens == 5
    assert network.ledger.score.rows == 1
    assert len({score.logprob for score in scores}) == 6


def test_resuming_computes_the_same_to_the_last_bit() -> None:
    rows = {q: [MaskedRow((2, *range(5, 6 + q), c, 3), 2, q + 1) for c in (7, 8)] for q in range(9)}
    whole = _all(_network("roberta", 40), rows)
    rest = _all(_network("roberta", 40), rows, (0, 1, 5, 6))
    assert rest == {i: scores for i, scores in whole.items() if i not in (0, 1, 5, 6)}


@given(
    tokens=st.lists(st.integers(5, 20), max_size=60),
    size=st.integers(3, 70),
)
@settings(max_examples=100, deadline=None)
def test_windows_score_every_token_once(tokens: list[int], size: int) -> None:
    rows = masked_windows(tokens, (2,), (3,), size)
    scored: list[int] = []
    for at, row in enumerate(rows):
        assert len(row.tokens) <= size
        assert (row.tokens[0], row.tokens[-1]) == (2, 3)
        scored += row.tokens[row.first : row.first + row.scored]
        assert at == 0 or len(row.tokens) == size, "a later window is full"
    assert scored == tokens


def _ask(model: HFModel, asked: Sequence[Request]) -> list[Response]:
    found = {i: response for batch in model.answer(asked) for i, response in batch.items()}
    return [found[at] for at in range(len(asked))]


SCORES = [
    Score("what is the name of the cat?", (" yes", " no", " the other one")),
    Score("the mat ", ("and", "the dog")),
    Score("", ("the cat", " a")),
]


@pytest.mark.parametrize("kind", KINDS)
def test_checkpoints(checkpoints: dict[str, Path], kind: str) -> None:
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(checkpoints[kind])
    reference: Any = AutoModelForMaskedLM.from_pretrained(checkpoints[kind]).eval()
    model = HFModel("tiny", ModelOptions(), folder=checkpoints[kind])
    assert model.info.context == CONTEXT, "RoBERTa's positions that are never used do not count"
    assert model.info.likelihood == "pseudo"
    for request, answer in zip(SCORES, _ask(model, SCORES), strict=True):
        assert isinstance(answer, Scored)
        for at, continuation in enumerate(request.continuations):
            whole = tokenizer(request.context + continuation)["input_ids"]
            head = tokenizer(request.context.rstrip())["input_ids"]
            count = len(whole) - len(head)
            assert answer.tokens[at] == count > 0
            row = MaskedRow(tuple(whole), len(head) - 1, count)
            logprob, greedy = _reference(reference, tokenizer.mask_token_id, row)
            assert answer.logprobs[at] == pytest.approx(logprob, abs=1e-4)
            assert answer.greedy[at] == greedy
    text = "the cat sat on the mat and the dog sat on the log, " * 6
    (answer,) = _ask(model, [Perplexity(text)])
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    first, last = tokenizer("a")["input_ids"][:: len(tokenizer("a")["input_ids"]) - 1]
    assert len(ids) > CONTEXT, "in several windows, the longest the model takes"
    assert isinstance(answer, Likelihood)
    assert answer.tokens == len(ids)
    rows = masked_windows(ids, (first,), (last,), CONTEXT)
    expected = sum(_reference(reference, tokenizer.mask_token_id, row)[0] for row in rows)
    assert answer.logprob == pytest.approx(expected, abs=2e-3)


def test_what_cannot_be_answered(checkpoints: dict[str, Path]) -> None:
    model = HFModel("tiny", ModelOptions(overflow="skip"), folder=checkpoints["bert"])
    long = "the cat " * 60
    answers = _ask(
        model, [Generate("the"), Score("the cat", ("",)), Score(long, (" yes",)), Score("a", (long,))]
    )
    reasons = [answer.reason for answer in answers if isinstance(answer, Failure)]
    assert reasons == ["unsupported", "unsupported", "too_long", "too_long"]


def test_a_context_is_cut_behind_what_begins_a_text(checkpoints: dict[str, Path]) -> None:
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(checkpoints["bert"])
    reference: Any = AutoModelForMaskedLM.from_pretrained(checkpoints["bert"]).eval()
    model = HFModel("tiny", ModelOptions(overflow="truncate"), folder=checkpoints["bert"])
    long = "the cat and the dog " * 30
    (answer,) = _ask(model, [Score(long, ("yes",))])
    whole = tokenizer(long + "yes")["input_ids"]
    kept = (whole[0], *whole[1 - CONTEXT :])
    assert isinstance(answer, Scored)
    assert answer.truncated == len(whole) - CONTEXT
    count = answer.tokens[0]
    row = MaskedRow(kept, CONTEXT - 1 - count, count)
    assert answer.logprobs[0] == pytest.approx(
        _reference(reference, tokenizer.mask_token_id, row)[0], abs=1e-4
    )


def test_nan(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file
    from transformers import AutoTokenizer

    folder = save_encoder_model(tmp_path / "bert", "bert")
    (token,) = AutoTokenizer.from_pretrained(folder)("cat", add_special_tokens=False)["input_ids"]
    weights = load_file(folder / "model.safetensors")
    weights["bert.embeddings.word_embeddings.weight"] = weights[
        "bert.embeddings.word_embeddings.weight"
    ].clone()
    weights["bert.embeddings.word_embeddings.weight"][token] = math.nan
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    # The output layer is tied to the embedding, so that the NaN is in every row's normaliser.
    (answer,) = _ask(HFModel("tiny", ModelOptions(), folder=folder), [Score("the cat", (" sat",))])
    assert isinstance(answer, Failure)
    assert answer.reason == "nan"


def test_a_run(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    run = Runner(checkpoints["bert"], write_tasks(tmp_path / "tasks"), tmp_path / "reports")
    done = run("--overflow", "skip", tasks="choose,say,read")
    rows = json.loads((done.record / "estimates.json").read_text())
    counts = {row["task"]: (row["n"], row["missing"]) for row in rows}
    assert counts == {"choose": (24, 0), "say": (0, 24), "read": (24, 0)}, done.err
    told = {row["task"] for row in rows if " likelihood:pseudo model:" in row["signature"]}
    assert told == {"choose", "read"}
    manifest = json.loads((done.record / "manifest.json").read_text())
    assert manifest["model"]["details"]["likelihood"].startswith("pseudo-log-likelihood")
    assert manifest["requests"]["failed"] == 24
