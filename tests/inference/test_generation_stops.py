"""Stop strings found as tokens come, and tokens drawn from a sequence's own stream."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsm_eval.inference.generating.drawing import Stream, choose
from lsm_eval.inference.generating.prompts import Prompt
from lsm_eval.inference.generating.stops import StopWatch, finish, stands
from lsm_eval.inference.runtime import Written

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
    due_at = (at for at in range(1, len(tokens)) if any(stop in decode(tokens[:at]) for stop in stops))
    count = next(due_at, len(tokens))
    full = decode(tokens[:count])
    assert said.text == min((full.partition(stop)[0] for stop in stops), key=len, default=full)
    assert said.stopped == any(stop in full for stop in stops)
    assert said.tokens == count


def test_a_stop_string_of_characters_spelled_in_bytes_is_found_at_its_last_byte(sentence_piece: Any) -> None:
    """A context that begins inside a character is unreadable to the end of a run of bytes."""
    text = "the é語é🙂語 cat"
    tokens = sentence_piece(text, add_special_tokens=False)["input_ids"]
    for stop in ("é語é", "🙂語", "語é🙂", "語 cat"):
        watch = StopWatch([stop], sentence_piece.decode)
        found = next(at for at, token in enumerate(tokens) if watch.push(token))
        assert stop in sentence_piece.decode(tokens[: found + 1])
        assert stop not in sentence_piece.decode(tokens[:found])


MARKS = ["<|turn|>", "<|end|>"]


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any, Written]:
    """A tokenizer with special tokens, and its two ways of writing tokens."""
    from tiny_models import save_tokenizer

    from lsm_eval.models.encoding import Encoder

    tokenizer = save_tokenizer(tmp_path_factory.mktemp("marked"))
    tokenizer.add_special_tokens({"additional_special_tokens": MARKS})
    encoder = Encoder(tokenizer)
    return tokenizer, encoder.decode, Written(encoder.decode_written, encoder.special)


@pytest.mark.parametrize(
    ("stops", "text", "count"),
    [
        (["<|turn|>"], "the cat", 1),
        (["<|turn|>", "</s>"], "the cat", 1),
        ([" sat", "<|turn|>"], "the cat", 1),
        (["cat<|turn|>"], "the ", 1),
        (["<|turn|> sat"], "the cat", 2),
        (["<|turn|> s"], "the cat", 2),
        (["<|"], "the cat", 1),
        (["urn|> sat on<|end|>"], "the cat", 4),
        ([" on<|end|><|turn|>"], "the cat sat", 5),
        (["<|end|><|turn|>", "<|end|><|turn|>", ""], "the cat sat on", 5),
        (["cat sat"], "the ", 2),
        ([" ", "<|turn|>"], "the", -1),
        (["</s>"], "the cat sat on", 6),
        (["<|turn|></s>"], "the cat sat on", 6),
        (["<|turn|>  "], None, 0),
        (["<|end|> on"], None, 0),
        ([""], None, 0),
    ],
)
def test_a_stop_string_may_hold_special_tokens(
    marked: tuple[Any, Any, Written], stops: list[str], text: str | None, count: int
) -> None:
    """They are looked for, and are no part of the text. `count`: tokens after those of "the cat", with the stop's."""
    tokenizer, decode, written = marked
    head = tokenizer("the cat", add_special_tokens=False)["input_ids"]
    rest = tokenizer("<|turn|> sat on<|end|><|turn|></s> log", add_special_tokens=False)["input_ids"]
    new = [*head, *rest]
    end = tokenizer.eos_token_id
    said = finish(Prompt((1,), tuple(stops), 99), new, False, frozenset([end]), decode, written)
    assert said.text == ("the cat sat on" if text is None else text)
    assert said.stopped
    # The end of text is no new token.
    upto = len(head) + (5 if text is None else min(count, 5))
    assert said.tokens == upto
    watch = StopWatch(stops, decode, written)
    found = next((at for at, token in enumerate(new, 1) if watch.push(token)), None)
    assert found == (None if text is None else len(head) + count)


@given(
    pieces=st.lists(
        st.sampled_from([*MARKS, "the", " cat", "é", "語", "🙂", "\n", "<"]), min_size=1, max_size=12
    ),
    data=st.data(),
)
@settings(max_examples=150, deadline=None)
def test_stop_strings_among_special_tokens(
    pieces: list[str], data: st.DataObject, marked: tuple[Any, Any, Written]
) -> None:
    tokenizer, decode, written = marked
    whole = "".join(pieces)
    start = data.draw(st.integers(0, len(whole) - 1))
    stops = [whole[start : start + data.draw(st.integers(1, 12))], data.draw(st.sampled_from(["x", *MARKS]))]
    tokens = tokenizer(whole, add_special_tokens=False)["input_ids"]
    counts = (at for at in range(1, len(tokens) + 1) if stands(stops, tokens[:at], decode, written))
    due = next(counts, None)
    watch = StopWatch(stops, decode, written)
    found = next((at for at, token in enumerate(tokens, 1) if watch.push(token)), None)
    assert found == due, "so that no engine goes on for nothing"
    said = finish(Prompt((1,), tuple(stops), 99), tokens, False, frozenset(), decode, written)
    assert said.stopped == (due is not None)
    assert said.tokens == (len(tokens) if due is None else due)
    assert not any(mark in said.text for mark in MARKS)
    assert decode(tokens).startswith(said.text.rstrip("\ufffd"))
    if due == len(tokens) and not any(stop in decode(tokens) for stop in stops):
        # What stands before the stop string in the whole text, without its special tokens.
        at = min(whole.find(stop) for stop in stops if stop in whole)
        for mark in MARKS:
            inside = [
                place for place in range(max(at - len(mark) + 1, 0), at) if whole.startswith(mark, place)
            ]
            at = min([at, *inside])
        before = whole[:at]
        for mark in MARKS:
            before = before.replace(mark, "")
        assert said.text.rstrip("\ufffd") == before


def test_as_the_harness_cuts_it(marked: tuple[Any, Any, Written]) -> None:
    """What stands before a special token in a stop string stays, and stop strings cut one after the other."""
    tokenizer, decode, written = marked
    tokens = tokenizer("the cat\n<|turn|> sat", add_special_tokens=False)["input_ids"]
    for stops, ours, theirs in (
        (("\n<|turn|>",), "the cat", "the cat\n"),
        (("<|turn|>", "t\n"), "the ca", "the ca"),
        (("t\n", "cat\n"), "the ", "the ca"),
    ):
        for lm_eval, text in ((False, ours), (True, theirs)):
            prompt = Prompt((1,), stops, 99, lm_eval=lm_eval, stop_in_thoughts=lm_eval)
            assert finish(prompt, tokens, False, frozenset(), decode, written).text == text


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
    from lsm_eval.request_json import store_key
    from lsm_eval.requests import Generate

    old = "1dc0eaf74aac127e"
    assert store_key(Generate("a", seed=4, top_p=0.5), "model") == store_key(Generate("a"), "model")
    sampled = {store_key(Generate("a", temperature=0.5, seed=seed), "model") for seed in range(3)}
    assert len({*sampled, store_key(Generate("a"), "model")}) == 4
    assert store_key(Generate("a"), "model").startswith(old), "what older stores hold is found"
