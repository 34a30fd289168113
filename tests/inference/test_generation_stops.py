"""Stop strings found as tokens come, and tokens drawn from a sequence's own stream."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsm_eval.inference.generating.drawing import Stream, choose
from lsm_eval.inference.generating.prompts import Prompt
from lsm_eval.inference.generating.stops import StopWatch, finish

TEXTS = st.text(st.sampled_from("the cat.\n é語🙂QA:"), min_size=1, max_size=40)


@pytest.fixture(scope="module")
def byte_level(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from tiny_models import save_tokenizer

    return save_tokenizer(tmp_path_factory.mktemp("bytes"))


@pytest.fixture(scope="module")
def sentence_piece() -> Any:
    """Words begin with ▁, a text's first space is dropped, and rare characters are tokens of one byte each."""
    from tokenizers import Tokenizer, decoders, models, normalizers
    from transformers import PreTrainedTokenizerFast

    words = ["▁", "▁the", "▁cat", ".", "t", "h", "e", "c", "a", "\n", "Q", "A", ":"]
    table = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *words]
    merges = [("t", "h"), ("th", "e"), ("▁", "the"), ("c", "a"), ("ca", "t"), ("▁", "cat")]
    table += ["th", "the", "ca", "cat"]
    inner = Tokenizer(
        models.BPE(
            {token: at for at, token in enumerate(table)}, merges, unk_token="<unk>", byte_fallback=True
        )
    )
    inner.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    inner.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=inner, bos_token="<s>", eos_token="</s>")


@pytest.mark.parametrize("kind", ["byte_level", "sentence_piece"])
@given(text=TEXTS, stops=st.lists(TEXTS.map(lambda text: text[:4]), max_size=3), data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_stop_string_is_found_at_the_token_that_completes_it(
    kind: str, text: str, stops: list[str], data: st.DataObject, byte_level: Any, sentence_piece: Any
) -> None:
    tokenizer = {"byte_level": byte_level, "sentence_piece": sentence_piece}[kind]
    if data.draw(st.booleans()):
        start = data.draw(st.integers(0, len(text) - 1))
        stops = [*stops, text[start : start + 5]]

    def decode(tokens: Any) -> str:
        return str(
            tokenizer.decode(list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False)
        )

    tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
    watch = StopWatch(stops, decode)
    for at, token in enumerate(tokens):
        whole = decode(tokens[: at + 1])
        due = any(stop in whole for stop in stops)
        if watch.push(token):
            # Half a character may read like the stop string's "�" for a moment; never otherwise too soon.
            assert due
            break
        assert not due
    said = finish(Prompt((1,), tuple(stops), len(tokens)), tokens, False, frozenset(), decode)
    full = decode(tokens)
    assert said.text == min((full.partition(stop)[0] for stop in stops), key=len, default=full)
    assert said.stopped == any(stop in full for stop in stops)


def test_a_stop_string_of_characters_spelled_in_bytes_is_found_at_its_last_byte(sentence_piece: Any) -> None:
    """A context that begins inside a character is unreadable to the end of a run of bytes."""
    text = "the é語é🙂語 cat"
    tokens = sentence_piece(text, add_special_tokens=False)["input_ids"]
    for stop in ("é語é", "🙂語", "語é🙂", "語 cat"):
        watch = StopWatch([stop], sentence_piece.decode)
        found = next(at for at, token in enumerate(tokens) if watch.push(token))
        assert stop in sentence_piece.decode(tokens[: found + 1])
        assert stop not in sentence_piece.decode(tokens[:found])


def test_a_watch_decodes_a_few_tokens_only() -> None:
    sizes = []

    def decode(tokens: Any) -> str:
        sizes.append(len(tokens))
        return "x" * len(tokens)

    watch = StopWatch(["never"], decode)
    assert not any(watch.push(token) for token in range(500))
    assert max(sizes) <= 16
    sizes.clear()
    assert not any(StopWatch([], decode).push(token) for token in range(5)), "nothing to look for"
    assert not sizes


def _drawn(prompt: Prompt, logits: list[float], count: int) -> Counter[int]:
    import torch

    stream = Stream(prompt)
    rows = torch.tensor([logits]).repeat(count, 1)
    return Counter(choose(rows, [prompt] * count, [stream.uniform(at) for at in range(count)]))


def test_what_is_drawn_has_the_models_probabilities() -> None:
    import torch

    logits, count = [2.0, 0.0, 1.0, -1.0], 20000
    for temperature in (1.0, 0.5):
        found = _drawn(Prompt((1, 2), (), 1, temperature, seed=3), logits, count)
        wanted = torch.softmax(torch.tensor(logits) / temperature, dim=0).tolist()
        for token, probability in enumerate(wanted):
            spread = (probability * (1 - probability) / count) ** 0.5
            assert abs(found[token] / count - probability) < 4 * spread
    # Probabilities 0.64, 0.24, 0.09, 0.03: two of them make 0.8, and one does 0.6.
    assert set(_drawn(Prompt((1,), (), 1, 1.0, 0.8), logits, 2000)) == {0, 2}
    assert set(_drawn(Prompt((1,), (), 1, 1.0, 0.6), logits, 2000)) == {0}
    assert set(_drawn(Prompt((1,), (), 1, 0.0, 0.6), [1.0, 3.0, 3.0], 20)) == {1}, "the first of equal ones"


def test_nuclei_wider_than_what_is_looked_at_first() -> None:
    prompt = Prompt((1,), (), 1, 1.0, 0.9)
    found = _drawn(prompt, [0.0] * 1500 + [-30.0] * 1500, 3000)
    assert max(found) < 1500
    assert len(found) > 1000, "tokens that tie with the last of the nucleus are in it"


def test_streams_hang_on_seed_prompt_and_place() -> None:
    def numbers(prompt: Prompt) -> tuple[float, ...]:
        return tuple(Stream(prompt).uniform(at) for at in range(50))

    prompts = [
        Prompt((1, 2), (), 5, 1.0, seed=0),
        Prompt((1, 2), (), 5, 1.0, seed=1),
        Prompt((1,), (), 5, 1.0),
    ]
    assert len({*map(numbers, prompts)}) == 3
    assert numbers(prompts[0]) == numbers(Prompt((1, 2), ("x",), 9, 0.5, 0.5, seed=0))
    assert all(0 <= u < 1 for u in numbers(prompts[0]))
    assert len(set(numbers(prompts[0]))) == 50


def test_greedy_requests_keep_their_keys() -> None:
    from lsm_eval.requests import Generate, key

    old = "1dc0eaf74aac127e"
    assert key(Generate("a", seed=4, top_p=0.5), "model") == key(Generate("a"), "model")
    sampled = {key(Generate("a", temperature=0.5, seed=seed), "model") for seed in range(3)}
    assert len({*sampled, key(Generate("a"), "model")}) == 4
    assert key(Generate("a"), "model").startswith(old), "what older stores hold is found"
