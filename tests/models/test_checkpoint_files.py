"""Which files make a checkpoint's identity, and how their hashes are remembered."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lsm_eval.errors import UserError
from lsm_eval.models.checkpoint_files import counted_files, files_digest, unread_patterns
from lsm_eval.models.file_hashes import FileHashes

READ = [
    "config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
    "special_tokens_map.json", "chat_template.jinja", "chat_template.json", "additional_chat_templates/tools.jinja",
    "spiece.model", "tokenizer.tiktoken", "source.spm", "bpe.codes", "vocab.txt", "merges.txt", "dict.txt", "tekken.json",
    "preprocessor_config.json", "processor_config.json", "prophetnet.tokenizer", "something.new",
]  # fmt: skip
UNREAD = [
    "README.md", "LICENSE", "Notice", "USE_POLICY.md", ".gitattributes", ".cache/huggingface/x.json", "picture.png",
    "trainer_state.json", "training_args.bin", "optimizer.pt", "scheduler.pt", "rng_state_0.pth", "all_results.json",
    "runs/today/events.out.tfevents.1", "checkpoint-500/config.json", "checkpoint-500/model.safetensors",
    "original/tokenizer.model", "consolidated.safetensors", "consolidated.00.pth", "pytorch_model.bin",
    "pytorch_model.bin.index.json", "model.safetensors.index.json", "model-00001-of-00002.safetensors", "tf_model.h5",
    "model-q4.gguf", "onnx/model.onnx", "flax_model.msgpack", "config.json~", "tokenizer.json.bak", ".config.json.swp",
    "__pycache__/own.pyc", "lsm_eval.json",
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in [*READ, *UNREAD]:
        path = tmp_path / "model" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}" if name.endswith("json") else name)
    return tmp_path / "model"


def digest(folder: Path, *, code: bool = False, adapter: bool = False) -> str:
    return files_digest(folder, folder.parent / "hashes.json", code=code, adapter=adapter)


@pytest.mark.parametrize("name", READ)
def test_what_is_read_counts(folder: Path, name: str) -> None:
    before = digest(folder)
    (folder / name).write_text("{} ")
    changed = digest(folder)
    (folder / name).unlink()
    assert len({before, changed, digest(folder)}) == 3


@pytest.mark.parametrize("name", ["readme", "LICENSE", "notice-of-use"])
def test_a_chat_template_counts_whatever_it_is_called(folder: Path, name: str) -> None:
    before = digest(folder)
    (folder / "additional_chat_templates" / f"{name}.jinja").write_text("{{ messages }}")
    assert digest(folder) != before


@pytest.mark.parametrize("name", UNREAD)
def test_what_is_not_read_does_not_count(folder: Path, name: str) -> None:
    before = digest(folder)
    (folder / name).write_text("other")
    assert digest(folder) == before
    (folder / name).unlink()
    assert digest(folder) == before


def test_code_counts_where_it_is_run_and_so_does_what_it_may_read(folder: Path) -> None:
    plain, run = digest(folder), digest(folder, code=True)
    for name in ("modeling_own.py", "parts/layers.py", "own_tables.pt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("x = 1")
        assert digest(folder) == plain
        assert digest(folder, code=True) != run
        run = digest(folder, code=True)


@pytest.mark.parametrize("index", ["model.safetensors.index.json", "pytorch_model.bin.index.json"])
def test_the_shards_that_are_read_count(tmp_path: Path, index: str) -> None:
    kind = ".bin" if ".bin" in index else ".safetensors"
    shards = [f"parts/one{kind}", f"two{kind}"]
    (tmp_path / "parts").mkdir()
    for name in [*shards, f"other{kind}"]:
        (tmp_path / name).write_text(name)
    (tmp_path / index).write_text(json.dumps({"weight_map": {"a": shards[0], "b": shards[1]}}))
    assert [name for name, _ in counted_files(tmp_path, code=False)] == sorted([index, *shards])


def test_of_an_adapter_the_one_file_of_weights_counts(tmp_path: Path) -> None:
    for name in ("adapter_config.json", "adapter_model.safetensors", "adapter_model.bin", "tokenizer.json"):
        (tmp_path / name).write_text("{}")
    names = [name for name, _ in counted_files(tmp_path, code=False, adapter=True)]
    assert names == ["adapter_config.json", "adapter_model.safetensors", "tokenizer.json"]


def test_links(folder: Path, tmp_path: Path) -> None:
    before = digest(folder)
    elsewhere = tmp_path / "elsewhere"
    shutil.move(folder / "additional_chat_templates", elsewhere)
    assert digest(folder) != before
    (folder / "additional_chat_templates").symlink_to(elsewhere)
    assert digest(folder) == before, "a linked folder is read as if it were here"
    (folder / "again").symlink_to(folder)
    (folder / "up").symlink_to(folder.parent)
    assert digest(folder) == before, "what leads back up is not followed"
    (folder / "README.txt").symlink_to(folder / "README.txt")
    assert digest(folder) == before
    (folder / "added_tokens.json").symlink_to(folder / "added_tokens.json")
    with pytest.raises(UserError, match=r"added_tokens\.json: is a link that leads nowhere"):
        digest(folder)


def test_the_hub_is_asked_for_all_that_counts_but_weights() -> None:
    from huggingface_hub.utils._paths import filter_repo_objects

    def fetched(**options: bool) -> set[str]:
        names = [*READ, *UNREAD, "parts/own.py", "tables.pt"]
        return set(filter_repo_objects(names, ignore_patterns=unread_patterns(**options)))

    text = set(READ) - {"model.safetensors"}
    indices = {
        "model.safetensors.index.json",
        "pytorch_model.bin.index.json",
    }  # they say which weights to fetch
    assert fetched(code=False, weights=False) == fetched(code=False, weights=True) == text | indices
    assert fetched(code=True, weights=False) == text | indices | {"parts/own.py"}
    assert fetched(code=True, weights=True) == text | indices | {"parts/own.py", "tables.pt"}


LARGE = 17 * 2**20


def _in_place(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"other")


def _at_the_end(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(-3, os.SEEK_END)
        file.write(b"end")


def _another_file(path: Path) -> None:
    other = path.with_suffix(".new")
    other.write_bytes(b"z" * LARGE)
    other.replace(path)


@pytest.mark.parametrize("change", [_in_place, _at_the_end, _another_file])
def test_a_change_is_seen_although_size_and_time_are_the_same(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    path, cache = tmp_path / "model.safetensors", tmp_path / "hashes.json"
    path.write_bytes(b"a" * LARGE)

    def now() -> str:
        hashes = FileHashes(cache)
        found = hashes.of(path)
        hashes.keep()
        return found

    before, times = now(), path.stat()
    assert now() == before
    change(path)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert path.stat().st_size == times.st_size
    assert now() != before


def test_a_large_file_is_hashed_once_and_its_content_looked_at(tmp_path: Path) -> None:
    path, cache = tmp_path / "model.safetensors", tmp_path / "hashes.json"
    path.write_bytes(b"a" * LARGE)
    hashes = FileHashes(cache)
    hashes.of(path)
    hashes.keep()
    known = json.loads(cache.read_text())
    (entry,) = known.values()
    known[str(path)] = {**entry, "sha256": "remembered"}
    cache.write_text(json.dumps(known))
    assert FileHashes(cache).of(path) == "remembered"
    known[str(path)] = {**entry, "sha256": "remembered", "sample": "of another content"}
    cache.write_text(json.dumps(known))
    assert FileHashes(cache).of(path) == entry["sha256"]


@pytest.mark.parametrize("content", ["", "[]", "{", '{"/x": 3}', "\x00"])
def test_a_damaged_memory_is_no_harm(tmp_path: Path, content: str) -> None:
    path, cache = tmp_path / "model.safetensors", tmp_path / "hashes.json"
    path.write_bytes(b"a" * LARGE)
    cache.write_text(content.replace("/x", str(path)))
    hashes = FileHashes(cache)
    digest = hashes.of(path)
    hashes.keep()
    assert FileHashes(cache).of(path) == digest
