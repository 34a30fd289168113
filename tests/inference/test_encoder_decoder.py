"""Encoder-decoder models against the plainest computation: one context, one continuation, all logits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from command_line import Runner, write_tasks
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import save_encoder_model

from lsm_eval.errors import UserError
from lsm_eval.inference.families.decoder_trie import DecoderTrie, node_count
from lsm_eval.inference.families.encoder_decoder import ConditionalRow, EncoderDecoderNetwork
from lsm_eval.inference.generating.prompts import Continuation, Prompt
from lsm_eval.inference.runtime import Runtime
from lsm_eval.models.base import ModelOptions
from lsm_eval.models.hf import HFModel
from lsm_eval.requests import Failure, Generate, Likelihood, Perplexity, Request, Response, Score, Scored

KINDS = ["t5", "bart"]
START, VOCABULARY, LONGEST = 2, 23, 64


@pytest.fixture(autouse=True)
def _quiet_machine(own_cache: Path, one_thread: None) -> None:
    """Own cache, one thread."""


@cache
def _model(kind: str) -> Any:
    import torch
    import transformers

    torch.manual_seed(0)
    tokens: dict[str, Any] = {
        "vocab_size": VOCABULARY,
        "pad_token_id": 1,
        "eos_token_id": 3,
        "decoder_start_token_id": START,
    }
    made: Any
    if kind == "t5":  # positions as buckets of distances; a decoder deeper than the encoder
        made = transformers.T5ForConditionalGeneration(
            transformers.T5Config(
                d_model=16, d_kv=4, d_ff=24, num_layers=2, num_decoder_layers=3, num_heads=4,
                relative_attention_num_buckets=8, relative_attention_max_distance=16, initializer_factor=1.5, **tokens,
            )
        )  # fmt: skip
    else:  # learned positions; a bias on the logits
        made = transformers.BartForConditionalGeneration(
            transformers.BartConfig(
                d_model=16, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4,
                encoder_ffn_dim=24, decoder_ffn_dim=24, max_position_embeddings=LONGEST, init_std=0.4,
                bos_token_id=0, forced_eos_token_id=None, **tokens,
            )
        )  # fmt: skip
        made.final_logits_bias += torch.randn(VOCABULARY)
    return made.eval()


def _network(kind: str, budget: int | None = None, ends: tuple[int, ...] = ()) -> EncoderDecoderNetwork:
    runtime = Runtime(
        name="tiny", device="cpu", dtype="float32", engine="auto", pad=1, ends=ends,
        decode=lambda tokens: "".join(chr(97 + token) for token in tokens), batch_tokens=budget,
    )  # fmt: skip
    model = _model(kind)
    return EncoderDecoderNetwork(model, model.config, runtime)


def _reference(kind: str, context: Sequence[int], continuation: Sequence[int]) -> tuple[float, bool]:
    import torch

    with torch.no_grad():
        logits = _model(kind)(
            input_ids=torch.tensor([list(context)]),
            decoder_input_ids=torch.tensor([[START, *continuation[:-1]]]),
            use_cache=False,
        ).logits[0]
    table = torch.log_softmax(logits.float(), dim=-1)
    wanted = torch.tensor(list(continuation))
    return float(table[range(len(wanted)), wanted].sum()), bool((table.argmax(-1) == wanted).all())


tails = st.lists(st.integers(0, 2), min_size=1, max_size=12).map(tuple)
contexts = st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=20).map(tuple)


@st.composite
def requests(draw: st.DrawFn) -> dict[int, list[ConditionalRow]]:
    """Requests of one context and several continuations; some contexts come twice."""
    some = draw(st.lists(contexts, min_size=1, max_size=5))
    return {
        number: [ConditionalRow(context, tail) for tail in draw(st.lists(tails, min_size=1, max_size=5))]
        for number, context in enumerate(draw(st.lists(st.sampled_from(some), min_size=1, max_size=7)))
    }


@given(
    continuations=st.lists(st.lists(tails, min_size=1, max_size=8, unique=True), min_size=1, max_size=5),
    width=st.integers(1, 30),
    tokens=st.integers(1, 60),
)
@settings(max_examples=100, deadline=None)
def test_the_walk_reads_every_decoder_input_once(
    continuations: list[list[tuple[int, ...]]], width: int, tokens: int
) -> None:
    trie = DecoderTrie(continuations, START)
    read: list[tuple[int, tuple[int, ...]]] = []
    scored: list[tuple[int, int, int]] = []

    def take(segment: Any, before: list[tuple[int, tuple[int, ...]]]) -> list[tuple[int, tuple[int, ...]]]:
        rows = []
        for sequence, parent in zip(segment.sequences, segment.parents, strict=True):
            context, path = before[parent]
            assert context == trie.contexts[sequence]
            assert len(path) >= segment.first, "what has ended is gone"
            own = trie.inputs[sequence][segment.first : segment.end]
            assert own
            read.extend((context, path[: segment.first] + own[: i + 1]) for i in range(len(own)))
            rows.append((context, path[: segment.first] + own))
        for point in trie.points:
            row = segment.row_of.get(point.sequence)
            for depth in range(segment.first, min(len(point.tokens), segment.end) if row is not None else 0):
                assert rows[row or 0][1][: depth + 1] == (START, *point.tokens[:depth])
                scored.append((point.context, point.number, depth))
        return rows

    root = take(trie.root(), [(context, ()) for context in range(len(continuations))])
    for group in trie.groups(width, 4 * tokens, tokens):
        rows = root
        for segment in trie.segments(group):
            rows = take(segment, rows)
    wanted = {
        (context, (START, *tail[:end]))
        for context, own in enumerate(continuations)
        for tail in own
        for end in range(len(tail))
    }
    assert len(read) == len(set(read))
    assert set(read) == wanted
    assert len(wanted) == sum(map(node_count, continuations))
    assert sorted(scored) == [
        (context, number, depth)
        for context, own in enumerate(continuations)
        for number, tail in enumerate(own)
        for depth in range(len(tail))
    ]


@pytest.mark.parametrize("kind", KINDS)
@given(rows=requests(), budget=st.sampled_from([None, 1, 12, 40]))
@settings(max_examples=12, deadline=None)
def test_scores(kind: str, rows: dict[int, list[ConditionalRow]], budget: int | None) -> None:
    network = _network(kind, budget)
    found = {i: scores for batch in network.score(rows, ()) for i, scores in batch.items()}
    assert found.keys() == rows.keys()
    for request, own in rows.items():
        for row, score in zip(own, found[request], strict=True):
            logprob, greedy = _reference(kind, row.context, row.continuation)
            assert score.logprob == pytest.approx(logprob, abs=2e-4)
            assert score.greedy == greedy
    nodes = {
        (row.context, row.continuation[:end])
        for own in rows.values()
        for row in own
        for end in range(row.scored)
    }
    read = {row.context for own in rows.values() for row in own}
    work = network.ledger.score
    assert work.tokens == network.ledger.unique_tokens == len(nodes) + sum(map(len, read))
    assert work.rows == network.ledger.rows_needed == len(nodes)


@pytest.mark.parametrize("kind", KINDS)
def test_resuming_computes_the_same_to_the_last_bit(kind: str) -> None:
    rows = {
        q: [ConditionalRow(tuple(range(q % 7, 20)), (q % 3, c, c, 1)[: 1 + c]) for c in range(4)]
        for q in range(12)
    }
    whole, rest = (
        {i: s for batch in _network(kind, 40).score(rows, known) for i, s in batch.items()}
        for known in ((), (0, 1, 2, 5, 7, 8, 9))
    )
    assert rest == {i: scores for i, scores in whole.items() if i in (3, 4, 6, 10, 11)}


def test_goes_on_where_memory_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    rows = {q: [ConditionalRow(tuple(range(q, 20)), (q, c, 1)) for c in range(3)] for q in range(8)}
    whole = {i: s for batch in _network("t5").score(rows, ()) for i, s in batch.items()}
    encoder = _model("t5").get_encoder()
    forward, sizes = encoder.forward, []

    def small(*args: Any, **kwargs: Any) -> Any:
        sizes.append(len(kwargs["input_ids"]))
        if sizes[-1] > 3:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(*args, **kwargs)

    monkeypatch.setattr(encoder, "forward", small)
    found = {i: s for batch in _network("t5").score(rows, ()) for i, s in batch.items()}
    assert max(sizes) > 3
    for request, scores in whole.items():
        assert [s.logprob for s in found[request]] == pytest.approx([s.logprob for s in scores], abs=1e-4)


def test_a_model_that_gives_other_numbers_so_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A decoder that forgets its cache: only a fault put in shows what the check at the start is for."""
    rows = {q: [ConditionalRow((5, 6, q), (q, c, 1, c)) for c in range(3)] for q in range(4)}
    network = _network("bart")
    model = _model("bart")
    forward = model.forward

    def forgetful(*args: Any, **kwargs: Any) -> Any:
        if "past_key_values" in kwargs and kwargs["past_key_values"].get_seq_length():
            kwargs["past_key_values"] = None
        return forward(*args, **kwargs)

    monkeypatch.setattr(model, "forward", forgetful)
    with pytest.raises(
        UserError, match=r"cannot be scored with its prefixes shared \(log-prob.*: name another"
    ):
        list(network.score(rows, ()))


# Writing

PROMPTS = [(5, 6, 7, 8), (9,), (5, 6, 7, 8), (10, 11, 4, 4, 4, 12, 13), (14, 15)]


def _write(
    kind: str, prompts: Sequence[Prompt], ends: tuple[int, ...] = (), **more: Any
) -> list[Continuation]:
    network = _network(kind, **more, ends=ends)
    found = {i: c for batch in network.generate(dict(enumerate(prompts)), ()) for i, c in batch.items()}
    return [found[at] for at in range(len(prompts))]


def _greedy(kind: str, tokens: Sequence[int], most: int) -> list[int]:
    import torch

    out: list[int] = [START]
    with torch.no_grad():
        for _ in range(most):
            logits = _model(kind)(
                input_ids=torch.tensor([list(tokens)]), decoder_input_ids=torch.tensor([out]), use_cache=False
            ).logits
            out.append(int(logits[0, -1].argmax()))
    return out[1:]


def _text(tokens: Sequence[int]) -> str:
    return "".join(chr(97 + token) for token in tokens)


@pytest.mark.parametrize("kind", KINDS)
def test_what_it_writes(kind: str) -> None:
    prompts = [Prompt(tokens, (), 2 + 3 * at) for at, tokens in enumerate(PROMPTS)]
    wanted = [_greedy(kind, prompt.tokens, prompt.max_tokens) for prompt in prompts]
    found = _write(kind, prompts)
    assert [c.text for c in found] == [_text(tokens) for tokens in wanted]
    assert [(c.tokens, c.stopped) for c in found] == [(len(tokens), False) for tokens in wanted]

    end = wanted[-1][4]
    ended = _write(kind, prompts, ends=(end,))
    stopped = _write(kind, [Prompt(p.tokens, (_text([end]),), p.max_tokens) for p in prompts])
    for tokens, by_end, by_string in zip(wanted, ended, stopped, strict=True):
        before = tokens[: tokens.index(end)] if end in tokens else tokens
        assert by_end.text == by_string.text == _text(before)
        assert by_end.stopped == by_string.stopped == (end in tokens)
        assert by_end.tokens == len(before), "the end itself is no text"
        assert by_string.tokens == len(before) + (end in tokens)


def test_equal_prompts_are_read_once_and_drawn_apart() -> None:
    prompts = [Prompt((5, 6, 7), (), 8, temperature=1.0, seed=seed) for seed in range(4)]
    network = _network("bart")
    found = {i: c for batch in network.generate(dict(enumerate(prompts)), ()) for i, c in batch.items()}
    assert network.ledger.prefill.tokens == 3
    assert len({found[at].text for at in range(4)}) > 1
    assert _write("bart", prompts[2:3])[0] == found[2], "alone or together"


# A checkpoint


def _ask(model: HFModel, asked: Sequence[Request]) -> list[Response]:
    found = {i: response for batch in model.answer(asked) for i, response in batch.items()}
    return [found[at] for at in range(len(asked))]


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("checkpoints")
    return {kind: save_encoder_model(root / kind, kind) for kind in KINDS}


TEXTS = [
    "what is the name of the cat?",
    "",
    " ",
    "the mat ",
    "on th",
    "é 语 the question",
    "<s> the dog",
    "a" * 90,
]
CONTINUATIONS = [" yes", " no", " the other one", "e", "<s>yes", "</s>x"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_numbers_of_lm_evaluation_harness(checkpoints: dict[str, Path], kind: str) -> None:
    peer_module = pytest.importorskip("lm_eval.models.huggingface", reason="lm_eval is not installed")
    from lm_eval.api.instance import Instance

    peer = peer_module.HFLM(pretrained=str(checkpoints[kind]), backend="seq2seq", device="cpu", batch_size=5)
    pairs = [(context, continuation) for context in TEXTS for continuation in CONTINUATIONS]
    theirs = peer.loglikelihood([Instance("loglikelihood", {}, pair, 0) for pair in pairs], disable_tqdm=True)
    # Contexts that are too long are cut there without a word.
    model = HFModel("tiny", ModelOptions(overflow="truncate"), folder=checkpoints[kind])
    ours = _ask(model, [Score(context, tuple(CONTINUATIONS), lm_eval=True) for context in TEXTS])
    expected = iter(theirs)
    for answer in ours:
        assert isinstance(answer, Scored)
        for logprob, greedy in zip(answer.logprobs, answer.greedy, strict=True):
            wanted, likeliest = next(expected)
            assert logprob == pytest.approx(wanted, abs=1e-3)
            assert greedy == likeliest
    whole = ["the cat sat on the mat", "the cat sat on the mat and the dog sat on the log. " * 8]
    rolling = peer.loglikelihood_rolling(
        [Instance("loglikelihood_rolling", {}, (text,), 0) for text in whole], disable_tqdm=True
    )
    for answer, wanted in zip(_ask(model, [Perplexity(text) for text in whole]), rolling, strict=True):
        assert isinstance(answer, Likelihood)
        assert answer.logprob == pytest.approx(wanted, abs=1e-2)


def test_an_encoder_reads_the_end_and_a_continuation_has_none(checkpoints: dict[str, Path]) -> None:
    encoder = HFModel("tiny", ModelOptions(), folder=checkpoints["bart"]).encoder
    start, end = encoder.bos, encoder.tokenizer.eos_token_id
    ((context, tail),) = encoder.encode_apart("the cat ", ["sat"])
    assert (context[0], context[-1]) == (start, end)
    assert not {start, end} & set(tail)
    assert encoder.decode(tail) == " sat"
    assert encoder.encode_apart("", ["sat"])[0][0] == (start,)


@pytest.mark.parametrize("kind", KINDS)
def test_too_long(checkpoints: dict[str, Path], kind: str) -> None:
    long = "the cat " * 60
    asked: list[Request] = [
        Score(long, (" yes",)),
        Score("the", (" cat " * 80,)),
        Generate(long),
        Generate("a"),
    ]
    model = HFModel("tiny", ModelOptions(overflow="skip"), folder=checkpoints[kind])
    assert all(cost.truncated for cost in model.cost(asked))
    assert [a.reason for a in _ask(model, asked) if isinstance(a, Failure)] == ["too_long"] * 4
    (nothing,) = _ask(model, [Score("the cat", ("",))])
    assert isinstance(nothing, Failure)
    assert nothing.reason == "unsupported"


@pytest.mark.parametrize("kind", KINDS)
def test_a_run(checkpoints: dict[str, Path], kind: str, tmp_path: Path) -> None:
    run = Runner(checkpoints[kind], write_tasks(tmp_path / "tasks"), tmp_path / "reports")
    done = run("--overflow", "truncate", tasks="choose,say,read")
    assert done.code == 0, done.err
    rows = json.loads((done.record / "estimates.json").read_text())
    assert {row["task"] for row in rows} == {"choose", "say", "read"}
    for row in rows:
        assert row["n"] == 24
        # A generated text's score is no likelihood.
        assert (" likelihood:conditional model:" in row["signature"]) == (row["task"] != "say")
    manifest = json.loads((done.record / "manifest.json").read_text())
    assert manifest["model"]["details"]["likelihood"].startswith("conditional")
    assert run("--engine", "tree").sentence() == (
        f"--engine tree: is for decoder-only models, and hf:{kind} is an encoder-decoder model: use --engine auto."
    )
