"""Stop strings wait until a model has thought, in every way of making texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from lsm_eval.inference.families.encoder_decoder import EncoderDecoderNetwork
from lsm_eval.inference.generating.capacity import Capacity
from lsm_eval.inference.generating.continuous import ContinuousLoop
from lsm_eval.inference.generating.plain import generate
from lsm_eval.inference.generating.prompts import Continuation, Prompt
from lsm_eval.inference.generating.stops import first_stop
from lsm_eval.inference.ledger import Ledger
from lsm_eval.inference.runtime import Runtime

VOCABULARY, LENGTH = 23, 40
Decode = Callable[[Sequence[int]], str]


def _runtime(decode: Decode) -> Runtime:
    return Runtime(
        name="tiny", device="cpu", dtype="float32", engine="auto", pad=0, ends=(), decode=decode, batch_tokens=200
    )  # fmt: skip


@cache
def _decoder() -> Any:
    import torch
    import transformers

    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        max_position_embeddings=128, vocab_size=VOCABULARY, bos_token_id=None, eos_token_id=None, pad_token_id=0,
    )  # fmt: skip
    return transformers.LlamaForCausalLM(config).eval()


@cache
def _encoder_decoder() -> Any:
    import torch
    import transformers

    torch.manual_seed(0)
    start: dict[str, Any] = {"decoder_start_token_id": 2}
    config = transformers.T5Config(
        **start,
        d_model=16, d_kv=4, d_ff=24, num_layers=1, num_decoder_layers=1, num_heads=4, vocab_size=VOCABULARY,
        pad_token_id=0, eos_token_id=1,
    )  # fmt: skip
    return transformers.T5ForConditionalGeneration(config).eval()


def _continuous(prompts: Sequence[Prompt], decode: Decode) -> list[Continuation]:
    bounds = Capacity(slots=2, tokens=10**6, chunk=16, group=2)
    loop = ContinuousLoop(_decoder(), _runtime(decode), Ledger(), bounds)
    found = {i: c for batch in loop.run(dict(enumerate(prompts))) for i, c in batch.items()}
    return [found[at] for at in range(len(prompts))]


def _plain(prompts: Sequence[Prompt], decode: Decode) -> list[Continuation]:
    return generate(_decoder(), prompts, runtime=_runtime(decode), ledger=Ledger())


def _conditional(prompts: Sequence[Prompt], decode: Decode) -> list[Continuation]:
    model = _encoder_decoder()
    network = EncoderDecoderNetwork(model, model.config, _runtime(decode))
    found = {i: c for batch in network.generate(dict(enumerate(prompts)), ()) for i, c in batch.items()}
    return [found[at] for at in range(len(prompts))]


ENGINES = {"continuous": _continuous, "plain": _plain, "encoder-decoder": _conditional}


def _letter(token: int) -> str:
    return chr(ord("α") + token)


def _writing(**words: int) -> Decode:
    """Every token is a Greek letter, but for those that stand for `<think>` and `</think>`."""
    names = {number: {"begins": "<think>", "ends": "</think>"}[word] for word, number in words.items()}
    return lambda tokens: "".join(names.get(token, _letter(token)) for token in tokens)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_stop_string_counts_after_the_thoughts_only(engine: str, seed: int) -> None:
    write = ENGINES[engine]
    # Drawn, so that the texts of a model that knows nothing differ from place to place.
    prompt = Prompt((3, 4, 5, 6 + seed), (), LENGTH, temperature=1.5, seed=seed)
    tokens = [ord(letter) - ord("α") for letter in write([prompt], _writing())[0].text]
    # Some token that comes for the first time ends the thoughts; the stop string stands before and after it.
    end, at = next(
        (end, at)
        for end in range(4, LENGTH - 1)
        if tokens[end] not in tokens[:end] and tokens[end + 1] != tokens[0]
        for at in range(end + 1, LENGTH)
        if tokens[at] in tokens[1:end] and tokens[at] != tokens[0]
    )
    early = tokens.index(tokens[at])
    opened = replace(prompt, stop=(_letter(tokens[at]),), opened=True)
    decode = _writing(ends=tokens[end])
    waits, early_too, unknown = write(
        [opened, replace(opened, stop_in_thoughts=True), replace(opened, opened=False)], decode
    )
    assert waits.text == decode(tokens[:at])
    assert (waits.tokens, waits.stopped) == (at + 1, True)
    for one in (early_too, unknown):
        assert (one.text, one.tokens, one.stopped) == (decode(tokens[:early]), early + 1, True)

    own = _writing(begins=tokens[0], ends=tokens[end])
    (began,) = write([replace(opened, opened=False)], own)
    assert began.text == own(tokens[:at])
    assert (began.tokens, began.stopped) == (at + 1, True)

    (never,) = write([opened], _writing())
    assert (never.text, never.tokens, never.stopped) == (_writing()(tokens), LENGTH, False)


@pytest.mark.parametrize(
    ("text", "stops", "opened", "place"),
    [
        ("a\n\nb", ["\n\n"], False, 1),
        ("a\n\nb</think>\n\nc\n\nd", ["\n\n"], True, 15),
        ("<think>a\n\nb</think>\n\nc", ["\n\n"], False, None),
        ("<think>a</think>\n\n", ["\n"], False, None),
        ("<think>a</think>\n\nQ: b", ["\n\nQ:"], False, 16),
        ("a</think>b", ["b"], True, 9),
        ("<think>Q</think> <think>Q</think>Q", ["Q"], False, 33),
        ("So <think>Q", ["Q"], False, 10),
        (
            "<|channel|>analysis<|message|>Q<|end|><|start|>assistant<|channel|>final<|message|>aQ",
            ["Q"],
            False,
            84,
        ),
    ],
)
def test_where_the_first_stop_string_begins(
    text: str, stops: list[str], opened: bool, place: int | None
) -> None:
    assert first_stop(Prompt((1,), tuple(stops), 9, opened=opened), text) == place
