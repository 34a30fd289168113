"""`llama.cpp:FILE.gguf`: what is known of a file, and which files and options are refused by name."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from llamacpp_models import Make
from tiny_gguf import write_gemma3, write_llama

from lsm_eval.engines.llamacpp.sizes import context_and_slots
from lsm_eval.errors import UserError
from lsm_eval.models.base import Chatting, ModelOptions, Releasing, Versioned

pytest.importorskip("xllamacpp", reason="needs llama.cpp: pip install 'lsm-eval[llama-cpp]'")
pytest.importorskip("aiohttp", reason="needs aiohttp: pip install 'lsm-eval[llama-cpp]'")
pytestmark = pytest.mark.usefixtures("one_thread", "own_cache")


def test_info_is_the_files_header(make: Make, gguf: Path) -> None:
    model = make()
    info = model.info
    assert (info.name, info.context, info.licence, info.chat_template) == (
        "llama.cpp:tiny.gguf",
        128,
        "CC0-1.0",
        True,
    )
    assert info.parameters == 78784
    assert info.details["architecture"] == "gemma3"
    assert info.details["keys and values"] == "float16"
    assert all(isinstance(model, ability) for ability in (Chatting, Releasing, Versioned))
    assert list(model.versions()) == ["xllamacpp"]
    assert model._running is None, "nothing is started for that"


def test_the_fingerprint_is_of_the_content(make: Make, gguf: Path, tmp_path: Path) -> None:
    one = make().fingerprint()
    copy = Path(shutil.copy(gguf, tmp_path / "another name.gguf"))
    assert make(copy, slots=3, threads=2, context=64).fingerprint() == one
    assert make(dtype="float32").fingerprint() != one
    (tmp_path / "chat.jinja").write_text("{{ messages[0].content }}")
    assert make(chat_template=str(tmp_path / "chat.jinja")).fingerprint() != one
    content = bytearray(copy.read_bytes())
    content[-1] ^= 1
    copy.write_bytes(content)
    assert make(copy).fingerprint() != one


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"adapter": "x", "engine": "tree"}, "--engine, --adapter has no meaning"),
        ({"overflow": "truncate"}, "--overflow truncate has no meaning"),
        ({"trust_remote_code": True}, "--trust-remote-code"),
        ({"dtype": "int8"}, "--dtype int8: of llama.cpp: it is that of keys and values"),
        ({"context": 1000}, "--context 1000: tiny.gguf was trained on texts of 128 tokens"),
        ({"slots": 10**8}, "use a smaller --context, or fewer --slots"),
        ({"device": "tpu"}, "--device tpu: no such device"),
        ({"device": "cuda:99"}, "--device cuda:99: the installed llama.cpp"),
        ({"chat_template": "none.jinja"}, "--chat-template none.jinja: no such file"),
    ],
)
def test_options_that_mean_nothing(options: dict[str, Any], words: str, make: Make) -> None:
    with pytest.raises(UserError, match=words):
        make(**options)


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.mkdir(), "is a folder: name the GGUF file in it, and this one has none"),
        (lambda path: path.write_bytes(b""), "is no GGUF file"),
        (lambda path: path.write_bytes(b"PK\3\4" * 100), "is no GGUF file"),
        (lambda path: path.write_bytes(write_llama(path).read_bytes()[:-100]), "is damaged or cut short"),
        (lambda path: path.write_bytes(write_llama(path).read_bytes()[:300]), "is damaged or cut short"),
        (lambda path: write_llama(path, architecture="foobar"), "llama.cpp knows no architecture 'foobar'"),
        (lambda path: write_llama(path, extra="rope_freqs"), "llama.cpp cannot run it"),
        (
            lambda path: write_gemma3(path, **{"split.count": 3}),
            "is one of 3 files of one model, but its name does not say so",
        ),
        (lambda path: write_gemma3(path, **{"gemma3.pooling_type": 1}), "holds an embedding model"),
        (
            lambda path: write_gemma3(path, **{"general.type": "adapter"}),
            "holds a adapter, and no language model",
        ),
    ],
)
def test_files_that_are_refused(write: Callable[[Path], Any], words: str, tmp_path: Path, make: Make) -> None:
    path = tmp_path / "other.gguf"
    write(path)
    with pytest.raises(UserError, match=words):
        make(path).load()


@pytest.mark.parametrize(
    ("asked", "own", "gigabytes", "expected"),
    [
        ({}, 131_072, 0.001, (8192, 4)),
        ({}, 512, 0.001, (512, 4)),
        ({}, None, 0.001, (8192, 4)),
        ({}, 131_072, 1.5, (8192, 1)),
        ({}, 131_072, 6.0, (2048, 1)),
        ({"slots": 2}, 131_072, 6.0, (2048, 2)),
        ({"context": 8192}, 131_072, 6.0, (8192, 1)),
    ],
)
def test_context_and_slots(
    asked: dict[str, Any],
    own: int | None,
    gigabytes: float,
    expected: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a machine of 8 GB; `gigabytes`: keys and values of 8,192 tokens."""
    import psutil

    memory = type("Memory", (), {"total": 8 * 10**9})
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    per_token = int(gigabytes * 1e9 / 8192)
    assert context_and_slots(Path("x.gguf"), ModelOptions(**asked), own, per_token) == expected


def test_parts_of_a_model(gguf: Path, tmp_path: Path, make: Make) -> None:
    split = {"split.count": 2, "split.no": 0}
    first = write_gemma3(tmp_path / "big-00001-of-00002.gguf", **split)
    with pytest.raises(
        UserError, match=r"1 of the 2 files of the model are not beside it \(such as big-00002"
    ):
        make(first)
    second = write_gemma3(tmp_path / "big-00002-of-00002.gguf", **{**split, "split.no": 1})
    with pytest.raises(
        UserError, match=r"is not the first of 2 files of one model: name big-00001-of-00002\.gguf"
    ):
        make(second)
    model = make(first)
    assert model.info.details["files"] == "2"
    before = model.fingerprint()
    second.write_bytes(gguf.read_bytes())
    assert make(first).fingerprint() != before


def test_nothing_is_kept_of_a_server_that_is_gone(make: Make, own_cache: Path) -> None:
    model = make()
    assert model.scores()
    assert model.constrains(chat=True)
    assert (model.info.details or {})["scoring"].startswith("llama.cpp")
    assert not list(own_cache.glob("probes/*"))
