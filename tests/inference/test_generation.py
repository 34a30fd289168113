"""Continuous generation: the texts of one prompt at a time, whatever stands beside it in the batch."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsm_eval.errors import UserError
from lsm_eval.inference.generating.capacity import Capacity
from lsm_eval.inference.generating.continuous import ContinuousLoop
from lsm_eval.inference.generating.generation import PromptContinuer
from lsm_eval.inference.generating.packed import PackedLinears
from lsm_eval.inference.generating.plain import generate
from lsm_eval.inference.generating.prompts import Continuation, Prompt
from lsm_eval.inference.generating.sequences import arrange
from lsm_eval.inference.generating.trunks import Trunk
from lsm_eval.inference.ledger import Ledger
from lsm_eval.inference.memory import MemoryGuard
from lsm_eval.inference.runtime import Runtime

VOCABULARY = 61
END = 7
WINDOW = 24
LETTERS = [chr(ord("0") + token) for token in range(VOCABULARY)]
KINDS = ["llama", "qwen2", "gemma2", "gemma3", "gpt2", "mixtral"]


def _text(tokens: Any) -> str:
    return "".join(LETTERS[token] for token in tokens)


def _runtime(**changes: Any) -> Runtime:
    options: dict[str, Any] = {
        "name": "tiny",
        "device": "cpu",
        "dtype": "float32",
        "engine": "auto",
        "pad": 0,
        "ends": (END,),
        "decode": _text,
    }
    return Runtime(**{**options, **changes})


@cache
def _model(kind: str) -> Any:
    import torch
    import transformers

    torch.manual_seed(0)
    torch.set_num_threads(1)
    ends: dict[str, Any] = {
        "vocab_size": VOCABULARY,
        "bos_token_id": None,
        "eos_token_id": None,
        "initializer_range": 0.4,
    }
    wide: dict[str, Any] = {
        **ends,
        "pad_token_id": 0,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 512,
    }
    sizes: dict[str, Any] = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 512}
    made: dict[str, Any] = {
        "llama": lambda: transformers.LlamaForCausalLM(transformers.LlamaConfig(**wide)),
        "qwen2": lambda: transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**wide)),
        # Soft-capped, and every other layer with a window shorter than most sequences here.
        "gemma2": lambda: transformers.Gemma2ForCausalLM(
            transformers.Gemma2Config(
                **wide,
                head_dim=8,
                final_logit_softcapping=3.0,
                attn_logit_softcapping=5.0,
                sliding_window=WINDOW,
            )
        ),
        "gemma3": lambda: transformers.Gemma3ForCausalLM(
            transformers.Gemma3TextConfig(
                **wide, head_dim=8, sliding_window=WINDOW, layer_types=["sliding_attention", "full_attention"]
            )
        ),
        "gpt2": lambda: transformers.GPT2LMHeadModel(transformers.GPT2Config(**sizes, **ends)),
        "mixtral": lambda: transformers.MixtralForCausalLM(
            transformers.MixtralConfig(**wide, num_local_experts=4, num_experts_per_tok=2)
        ),
        "mamba": lambda: transformers.MambaForCausalLM(
            transformers.MambaConfig(
                **ends, hidden_size=32, num_hidden_layers=2, state_size=8, pad_token_id=0
            )
        ),
    }
    return made[kind]().eval()


def _all(batches: Iterator[dict[int, Continuation]]) -> dict[int, Continuation]:
    found: dict[int, Continuation] = {}
    for batch in batches:
        assert batch, "no empty batches"
        assert not batch.keys() & found.keys(), "each once"
        found.update(batch)
    return found


def _continuer(model: Any, **changes: Any) -> PromptContinuer:
    config = model.config
    return PromptContinuer(model, config, _runtime(**changes), MemoryGuard("cpu"), Ledger())


def _loop(model: Any, capacity: Capacity, ledger: Ledger | None = None) -> ContinuousLoop:
    return ContinuousLoop(model, _runtime(), ledger or Ledger(), capacity)


def _alone(model: Any, prompts: Mapping[int, Prompt]) -> dict[int, Continuation]:
    return {i: generate(model, [p], runtime=_runtime(), ledger=Ledger())[0] for i, p in prompts.items()}


def _clear_choices(model: Any, prompt: Prompt, said: Continuation) -> bool:
    """Whether no step's best two logits lie so near that rounding may choose between them."""
    import torch

    new = [LETTERS.index(letter) for letter in said.text]
    with torch.no_grad():
        logits = model(torch.tensor([[*prompt.tokens, *new]])).logits[0, len(prompt.tokens) - 1 :]
    best = logits.topk(2, dim=-1).values
    return bool((best[:, 0] - best[:, 1] > 1e-4).all())


@st.composite
def prompts(draw: st.DrawFn) -> dict[int, Prompt]:
    """Prompts that share beginnings of any length, up to being the same, with limits and stop strings of their own."""
    tokens = st.integers(0, VOCABULARY - 1)
    stems = draw(st.lists(st.lists(tokens, min_size=1, max_size=50), min_size=1, max_size=3))
    found: dict[int, Prompt] = {}
    for number in range(draw(st.integers(1, 7))):
        stem = draw(st.sampled_from(stems))
        own = draw(st.lists(st.integers(0, 2), max_size=12))
        stop = draw(st.lists(st.sampled_from([*LETTERS, "11", "a"]), max_size=2))
        found[number] = Prompt((*stem, *own), tuple(stop), draw(st.integers(1, 9)))
    return found


CAPACITIES = st.builds(
    Capacity,
    slots=st.integers(1, 5),
    tokens=st.sampled_from([60, 200, 10**6]),
    chunk=st.integers(1, 80),
    group=st.sampled_from([2, 4]),
)


@pytest.mark.parametrize("kind", KINDS)
@given(asked=prompts(), capacity=CAPACITIES)
@settings(max_examples=6, deadline=None)
def test_as_one_prompt_at_a_time(kind: str, asked: dict[int, Prompt], capacity: Capacity) -> None:
    model = _model(kind)
    found = _all(_loop(model, capacity).run(asked))
    wanted = _alone(model, asked)
    assert found.keys() == wanted.keys()
    for number, one in wanted.items():
        assert found[number] == one or not _clear_choices(model, asked[number], one)


@pytest.mark.parametrize("kind", KINDS)
def test_the_loop_is_chosen_and_the_model_left_as_it_was(kind: str) -> None:
    model = _model(kind)
    before = model.config._attn_implementation
    asked = {i: Prompt((*range(40), *range(i, 20), i), (), 6) for i in range(9)}
    continuer = _continuer(model)
    assert _all(continuer.continuations(asked, ())) == _alone(model, asked)
    assert continuer.details == {"generation": "continuous"}
    assert model.config._attn_implementation == before
    assert not any("forward" in vars(module) for module in model.modules())


def test_a_recurrent_model_falls_back_and_says_why() -> None:
    model = _model("mamba")
    asked = {i: Prompt(tuple(range(3, 9 + 5 * i)), (), 8) for i in range(4)}
    continuer = _continuer(model)
    assert _all(continuer.continuations(asked, ())) == _alone(model, asked)
    assert continuer.details["generation"].startswith("plain, because ")
    with pytest.raises(UserError, match="--engine tree: tiny cannot be continued so"):
        _all(_continuer(model, engine="tree").continuations(asked, ()))


def test_a_model_that_reads_its_padding_goes_one_at_a_time() -> None:
    import torch

    model = _model("mamba")

    class Careless:
        """Mamba that is not told of its padding: no architecture of transformers' is so broken."""

        def generate(self, **inputs: Any) -> Any:
            inputs["attention_mask"] = torch.ones_like(inputs["attention_mask"])
            return model.generate(**inputs)

        def __getattr__(self, name: str) -> Any:
            return getattr(model, name)

    asked = {i: Prompt(tuple(range(3, 9 + 5 * i)), (), 8) for i in range(4)}
    continuer = _continuer(Careless(), engine="plain")
    assert _all(continuer.continuations(asked, ())) == _alone(model, asked)
    assert continuer.details["generation"] == (
        "plain, one prompt at a time (padding changes what it says), because --engine plain says so"
    )


def test_a_model_whose_attention_disagrees_falls_back() -> None:
    model = _model("llama")

    class Other:
        """A model that says something else when it uses a cache."""

        def __call__(self, **inputs: Any) -> Any:
            out = model(**inputs)
            if inputs.get("use_cache"):
                out.logits[..., 3] += 0.5
            return out

        def __getattr__(self, name: str) -> Any:
            return getattr(model, name)

    continuer = _continuer(Other())
    asked = {0: Prompt((1, 2, 3), (), 3)}
    assert _all(continuer.continuations(asked, ())) == _alone(model, asked)
    assert "log-probabilities differ by" in continuer.details["generation"]


def test_what_is_shared_is_read_once() -> None:
    header, questions = tuple(range(50)), 12
    asked = {i: Prompt((*header, *[i] * 10), (), 3) for i in range(questions)}
    ledger = Ledger()
    _all(_loop(_model("llama"), Capacity(4, 10**6, 64), ledger).run(asked))
    # The last token of each prompt is read with the first step.
    assert ledger.prefill.tokens == 50 + 12 * 9
    assert ledger.prefill.padding == ledger.decode.padding == 0
    assert ledger.decode.tokens == ledger.decode.rows <= 12 * 3
    assert ledger.prefill.rows == 0
    text_lengths = sum(range(1, 51)) + 12 * sum(range(51, 60))
    assert ledger.prefill.pairs == 2 * text_lengths
    assert ledger.prefill.seconds > 0 < ledger.decode.seconds


def test_sequences_that_end_make_room() -> None:
    model = _model("llama")
    asked = {i: Prompt((i, 2 * i + 1), (), 40 if i == 5 else 2) for i in range(20)}
    ledger = Ledger()
    found = _all(_loop(model, Capacity(4, 10**6, 64), ledger).run(asked))
    assert found == _alone(model, asked)
    # In batches of four, the others would have waited for the long one.
    assert ledger.decode.passes <= 44


def test_memory_that_runs_out_halves_the_slots_and_loses_nothing() -> None:
    model = _model("llama")
    asked = {i: Prompt((*range(30), i, i + 1), (), 3 + i) for i in range(12)}
    wanted = _alone(model, asked)
    sizes: list[int] = []

    class Tight:
        """The model on a device that holds so many tokens a pass: only a wrapper can run out at a known size."""

        def __init__(self, most: int) -> None:
            self.most = most

        def __call__(self, **inputs: Any) -> Any:
            import torch

            sizes.append(inputs["input_ids"].shape[1])
            if sizes[-1] > self.most:
                raise torch.OutOfMemoryError("out of memory")
            return model(**inputs)

        def __getattr__(self, name: str) -> Any:
            return getattr(model, name)

    assert _all(_loop(Tight(20), Capacity(8, 10**6, 64)).run(asked)) == wanted
    assert max(sizes) > 20
    del sizes[:]

    class Later(Tight):
        """Memory that runs out in the middle of the texts, where some are complete."""

        def __call__(self, **inputs: Any) -> Any:
            self.most = 3 if len(sizes) == 9 else 100
            return super().__call__(**inputs)

    assert _all(_loop(Later(100), Capacity(8, 10**6, 64)).run(asked)) == wanted
    with pytest.raises(UserError, match="not enough memory on cpu for a single sequence"):
        _all(_loop(Tight(0), Capacity(8, 10**6, 64)).run(asked))


@pytest.mark.parametrize("kind", ["llama", "mamba"])
@pytest.mark.parametrize("known", [(), (0,), (1, 2, 3, 4, 5, 6, 7)])
def test_a_resumed_run_says_the_same(kind: str, known: Collection[int]) -> None:
    model = _model(kind)
    asked = {i: Prompt((*range(30), i), (), 5, temperature=float(i % 2), seed=i) for i in range(9)}
    whole = _all(_continuer(model, batch_tokens=120).continuations(asked, ()))
    rest = _all(_continuer(model, batch_tokens=120).continuations(asked, known))
    assert rest == {i: said for i, said in whole.items() if i not in known}


def test_samples_hang_on_their_seed_and_not_on_their_neighbours() -> None:
    model = _model("llama")
    prompt = tuple(range(40))
    asked = {i: Prompt(prompt, (), 12, temperature=0.8, top_p=0.9, seed=i % 10) for i in range(20)}
    ledger = Ledger()
    together = _all(_loop(model, Capacity(7, 10**6, 64), ledger).run(asked))
    assert ledger.prefill.tokens == 39, "one reading of the prompt for all of them"
    assert [together[i] for i in range(10)] == [together[i + 10] for i in range(10)]
    assert len({said.text for said in together.values()}) > 5
    assert _alone(model, {3: asked[3]})[3] == together[3], "also without the loop"
    greedy = {0: Prompt(prompt, (), 12), 1: Prompt(prompt, (), 12, seed=5)}
    assert len(set(_all(_loop(model, Capacity(2, 10**6, 64)).run(greedy)).values())) == 1


def test_a_nan_is_seen_and_stays_in_its_row() -> None:
    import torch

    model = _model("llama")
    asked = {i: Prompt((i + 10, 3), (), 6) for i in range(9)}
    wanted = _alone(model, asked)
    table = model.get_input_embeddings().weight
    kept = table[12].clone()
    try:
        with torch.no_grad():
            table[12] = float("nan")
        found = _all(_loop(model, Capacity(3, 10**6, 64)).run(asked))
    finally:
        with torch.no_grad():
            table[12] = kept
    assert [i for i in asked if found[i].nan and LETTERS[12] not in found[i].text] == [2]
    for i in asked.keys() - {2}:
        assert found[i] == wanted[i] or LETTERS[12] in found[i].text


@given(asked=prompts(), group=st.integers(2, 5))
@settings(max_examples=40, deadline=None)
def test_every_sequence_is_its_trunks_and_its_own(asked: dict[int, Prompt], group: int) -> None:
    below: dict[Trunk, int] = {}
    numbers = []
    for sequence in arrange(asked, _text, group):
        numbers.append(sequence.number)
        path = sequence.path()
        read = tuple(token for trunk in path for token in trunk.tokens)
        assert [trunk.start for trunk in path] == [0, *(trunk.end for trunk in path)][:-1]
        assert sequence.prompt is asked[sequence.number]
        assert sequence.prompt.tokens[: len(read)] == read
        assert len(read) < len(sequence.prompt.tokens), "the last token is its own"
        assert sequence.tokens() == sequence.prompt.tokens[sequence.start :]
        for trunk in path:
            below[trunk] = below.get(trunk, 0) + 1
    assert sorted(numbers) == sorted(asked)
    assert all(trunk.waiting == count >= 2 for trunk, count in below.items())


def test_packed_weights_compute_the_same() -> None:
    import torch

    linear = torch.nn.Linear(40, 30)
    model = torch.nn.Sequential(linear, torch.nn.ReLU(), torch.nn.Linear(30, 5, bias=False))
    packed = PackedLinears(model, 1 << 30)
    some = torch.randn(7, 40)
    with torch.inference_mode():
        wanted = model(some)
        with packed.active():
            found = model(some)
    torch.testing.assert_close(found, wanted)
    assert PackedLinears(model, 100).bytes == 0, "not without the memory for it"
