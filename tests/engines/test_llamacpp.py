"""`llama.cpp:FILE.gguf`: a GGUF file computed by llama.cpp in this process."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import GENERATE, QUESTIONS, Outcome, Runner, environment, spawn, write_task, write_tasks
from scored_alike import check_alike
from tiny_gguf import write_gemma3, write_llama

from lsm_eval.engines.llamacpp.room import room
from lsm_eval.errors import UserError
from lsm_eval.models.base import Chatting, ModelOptions, Releasing, Versioned
from lsm_eval.models.create import create
from lsm_eval.models.gguf_checkpoint import convert
from lsm_eval.models.hf import HFModel
from lsm_eval.requests import Failure, Generate, Generated, Perplexity, Request, Response, Score, Scored
from lsm_eval.results.reader import read_record

pytest.importorskip("xllamacpp", reason="needs llama.cpp: pip install 'lsm-eval[llama-cpp]'")
pytest.importorskip("aiohttp", reason="needs aiohttp: pip install 'lsm-eval[llama-cpp]'")
pytestmark = pytest.mark.usefixtures("one_thread", "own_cache")

CHAT = (
    "{{ bos_token }}{% for m in messages %}<start_of_turn>{{ m.role }}\n{{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
NO_SYSTEM = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}{% endfor %}"
    + CHAT
)


@pytest.fixture(scope="module")
def small_tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the tasks `choose`, `say`, `read`, and `talk`, which has stop strings in a chat, too."""
    folder = write_tasks(tmp_path_factory.mktemp("tasks"))
    write_task(folder, "talk", QUESTIONS, **{**GENERATE, "chat_stop": ["\n", "cat"]})
    return folder


@pytest.fixture(scope="session")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small Gemma 3 in float32 with a chat template."""
    changes: dict[str, Any] = {"tokenizer.chat_template": CHAT, "general.license": "CC0-1.0"}
    return write_gemma3(tmp_path_factory.mktemp("gguf") / "tiny.gguf", **changes)


Make = Callable[..., Any]


@pytest.fixture
def make(gguf: Path) -> Iterator[Make]:
    """A model of the file, or of another, which is closed in the end."""
    made: list[Any] = []

    def run(path: Path = gguf, **options: Any) -> Any:
        model = create(f"llama.cpp:{path}", ModelOptions(**{"threads": 1, "slots": 2, **options}))
        made.append(model)
        return model

    yield run
    for model in made:
        model.release()


def _answers(model: Any, requests: list[Request]) -> list[Response]:
    found = {at: one for batch in model.answer(requests) for at, one in batch.items()}
    return [found[at] for at in range(len(requests))]


def test_it_writes_what_the_same_weights_write_in_process(make: Make, gguf: Path, tmp_path: Path) -> None:
    """All in float32. Texts with bytes that are no characters are left out: every decoder shows those in its own way."""
    convert(gguf, tmp_path)
    near = HFModel("hf:tiny", ModelOptions(), folder=tmp_path)
    far = make(dtype="float32")
    requests: list[Request] = [Generate(f"the cat {at} sat", max_tokens=6) for at in range(20)]
    requests += [Generate("hi", system="the cat", max_tokens=4, chat=True)]
    # llama.cpp puts the beginning of text before the prompt by itself.
    assert f"<bos>{far.render(requests[-1])}" == near.render(requests[-1])
    assert [one.longest for one in far.cost(requests)] == [one.longest for one in near.cost(requests)]
    pairs = list(zip(_answers(near, requests), _answers(far, requests), strict=True))
    whole = [
        (ours, theirs)
        for ours, theirs in pairs
        if isinstance(ours, Generated)
        and isinstance(theirs, Generated)
        and "\ufffd" not in ours.text + theirs.text
    ]
    assert len(whole) >= 5
    assert [(ours.text, ours.finish) for ours, _ in whole] == [
        (theirs.text, theirs.finish) for _, theirs in whole
    ]


@pytest.mark.parametrize("adds", [True, False])
@pytest.mark.parametrize("writes", [True, False])
def test_likelihoods_are_those_in_process(adds: bool, writes: bool, make: Make, tmp_path: Path) -> None:
    """Whether the tokenizer adds a beginning of text or not, and the template writes one or not, and whatever was asked
    before. llama.cpp puts one before a chat whose tokenizer adds one, whatever the template writes; there its texts are
    those that it itself answers."""
    template = CHAT if writes else CHAT.removeprefix("{{ bos_token }}")
    changes = {"tokenizer.ggml.add_bos_token": adds, "tokenizer.chat_template": template}
    path = write_gemma3(tmp_path / "tiny.gguf", **changes)
    (tmp_path / "hf").mkdir()
    convert(path, tmp_path / "hf")
    near, model = HFModel("hf:tiny", ModelOptions(), folder=tmp_path / "hf"), make(path, dtype="float32")
    chat = Score("the cat", (" a", " b"), chat=True)
    requests: list[Request] = [
        Score("the cat sat", (" on the mat", "the hi", " a")),
        Score("<bos>the cat", (" a",)),
        Score("", ("the",)),
        Perplexity("the cat sat on this"),
        Perplexity("the cat"),
    ]
    requests += [chat] if writes or not adds else []
    assert model.cost(requests) == near.cost(requests)
    assert [model.render(one) for one in requests] == [near.render(one) for one in requests]
    ours = _answers(near, requests)
    for _ in range(3):
        check_alike(ours, _answers(model, requests), 0.005)
    assert (model.info.details or {})["scoring"].startswith("llama.cpp (proved:")
    assert model.render(chat).startswith("<bos>") == (writes or adds)
    (cost,) = model.cost([chat])
    asked: list[Request] = [Generate("the cat", chat=True, max_tokens=1)]
    # A choice's two tokens less the last one, or one that is written, after the same prompt.
    assert cost.longest == model.cost(asked)[0].longest


def test_a_context_that_is_too_long_for_its_choices(make: Make) -> None:
    model = make()
    long, short = Score("the cat " * 60, (" a",)), Score("the cat", (" a",))
    assert [cost.truncated > 0 for cost in model.cost([long, short])] == [True, False]
    missing, scored = _answers(model, [long, short])
    assert isinstance(missing, Failure)
    assert missing.reason == "too_long"
    assert isinstance(scored, Scored)


def test_nothing_is_kept_of_a_server_that_is_gone(make: Make, own_cache: Path) -> None:
    model = make()
    assert model.scores()
    assert model.constrains(chat=True)
    assert (model.info.details or {})["scoring"].startswith("llama.cpp")
    assert not list(own_cache.glob("probes/*"))


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


def test_tokens_of_texts_are_counted_without_what_begins_one(make: Make, gguf: Path, tmp_path: Path) -> None:
    convert(gguf, tmp_path)
    near = HFModel("hf:tiny", ModelOptions(), folder=tmp_path)
    texts = ["", "the cat", "the cat sat on this"]
    assert make().count_tokens(texts) == near.count_tokens(texts)


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


def test_the_key_of_the_server_is_nobody_elses(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    import urllib.error
    import urllib.request

    monkeypatch.setenv("OPENAI_API_KEY", "a key\nwith a break")
    model = make()
    model.load()
    server = model._running[0]
    key, folder = server.key_file.read_text(), server.key_file.parent
    assert "127.0.0.1" in server.url
    assert folder.stat().st_mode & 0o077 == 0
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(
            urllib.request.Request(
                f"{server.url}/completions", b'{"prompt":"a"}', {"Authorization": "Bearer x"}
            )
        )
    assert refused.value.code == 401
    assert key not in repr(model.info)
    url = server.url
    del server
    model.release()
    assert not folder.exists()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{url}/models", timeout=2)
    assert isinstance(_answers(model, [Generate("the", max_tokens=2)])[0], Generated), "it starts again"


def test_what_is_too_long_is_missing(make: Make) -> None:
    model = make()
    requests: list[Request] = [Generate("the " * 200, max_tokens=4), Generate("the", max_tokens=127)]
    costs = model.cost(requests)
    assert [cost.truncated > 0 for cost in costs] == [True, True]  # BOS, one token, and 127 more
    answers = _answers(model, [*requests, Generate("the", max_tokens=126)])
    assert [isinstance(one, Failure) and one.reason for one in answers] == ["too_long", "too_long", False]


def test_a_template_that_refuses_a_system_message_gets_it_in_the_users(make: Make, tmp_path: Path) -> None:
    (tmp_path / "chat.jinja").write_text(NO_SYSTEM)
    model = make(chat_template=str(tmp_path / "chat.jinja"))
    request = Generate("hi", system="the cat", chat=True, max_tokens=3)
    assert model.folded(request)
    assert model.refusal(request) is None
    assert "the cat\nhi" in model.render(request)
    assert isinstance(_answers(model, [request])[0], Generated)
    (tmp_path / "chat.jinja").write_text("{{ raise_exception('never') }}{{ messages[0].content }}")
    with pytest.raises(UserError, match=r"chat template .*--chat-template"):
        make(chat_template=str(tmp_path / "chat.jinja")).load()


def test_a_message_that_the_template_refuses_is_missing(make: Make, tmp_path: Path) -> None:
    odd = "{% for m in messages %}{% if 'never' in m.content %}{{ raise_exception('no such word') }}{% endif %}{% endfor %}"
    (tmp_path / "chat.jinja").write_text(odd + CHAT)
    model = make(chat_template=str(tmp_path / "chat.jinja"))
    requests: list[Request] = [Generate(word, chat=True, max_tokens=3) for word in ("never", "hi")]
    refused, taken = _answers(model, requests)
    assert isinstance(refused, Failure)
    assert (refused.reason, "no such word" in refused.detail) == ("unsupported", True)
    assert isinstance(taken, Generated)
    assert [model.refusal(one) is None for one in requests] == [False, True]
    assert model.cost(requests)[0].asked == 0


def test_two_share_a_file(make: Make) -> None:
    asked: list[Request] = [Generate("the cat sat", max_tokens=4)]
    one, other = make(), make()
    assert _answers(one, asked) == _answers(other, asked)


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
            "is one of 3 files of one model, and is not called so",
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
def test_room(
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
    assert room(Path("x.gguf"), ModelOptions(**asked), own, per_token) == expected


@pytest.mark.parametrize(
    ("text", "thoughts", "expected"),
    [
        ("yes", None, "</think>\n\nyes"),
        ("yes", "hm", "yes"),
        ("hm</think>yes", None, "hm</think>yes"),
        ("<think>\nhm", None, "<think>\nhm"),
        ("", None, ""),
    ],
)
def test_thoughts_that_the_prompt_opened(text: str, thoughts: str | None, expected: str) -> None:
    """An answer without any is not taken for thoughts that never ended."""
    from lsm_eval.engines.llamacpp.model import _own

    asked = Generate("hi", chat=True)
    found = _own(Generated(text, 3, "stop", thoughts=thoughts), "<user>hi<assistant><think>\n", asked)
    assert isinstance(found, Generated)
    assert found.text == expected
    assert _own(Generated(text, 3, "stop"), "<user>hi<assistant>", asked) == Generated(text, 3, "stop")


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


class TestRuns:
    def test_a_run_is_that_of_the_weights_in_process(
        self, gguf: Path, small_tasks: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "folder").mkdir()
        convert(gguf, tmp_path / "folder")
        far = Runner(tmp_path, small_tasks, tmp_path / "far")(
            "--dtype",
            "float32",
            "--slots",
            "2",
            "--threads",
            "1",
            tasks="say,talk",
            model=f"llama.cpp:{gguf}",
        )
        near = Runner(tmp_path / "folder", small_tasks, tmp_path / "near")(tasks="say,talk")
        assert far.code == 0, far.err
        assert near.code == 0, near.err
        there, here = read_record(far.record), read_record(near.record)
        for task in ("say", "talk"):
            columns = [
                (one["asked"].to_pylist(), one["prompt"].to_pylist(), one["completion"].to_pylist())
                for one in (there.samples(task), here.samples(task))
            ]
            assert columns[0][0] == columns[1][0]
            assert [f"<bos>{text}" for text in columns[0][1]] == columns[1][1]
            texts = [
                pair
                for pair in zip(columns[0][2], columns[1][2], strict=True)
                if "\ufffd" not in "".join(pair)
            ]
            assert texts
            assert all(one == other for one, other in texts)
        again = Runner(tmp_path, small_tasks, tmp_path / "far")(
            "--dtype",
            "float32",
            "--slots",
            "1",
            "--threads",
            "1",
            tasks="say,talk",
            model=f"llama.cpp:{gguf}",
        )
        assert again.code == 0, again.err
        manifest = json.loads((again.record / "manifest.json").read_text())
        assert manifest["requests"]["computed"] == 0, "the store knows the file by its content"

    def test_nothing_but_the_result_is_on_standard_output(
        self, gguf: Path, small_tasks: Path, tmp_path: Path
    ) -> None:
        done = _run(gguf, small_tasks, tmp_path)
        assert done.code == 0, done.err
        assert "llama_" not in done.out + done.err
        assert done.out.splitlines()[-1].startswith("record: ")

    def test_a_file_that_cannot_be_run_is_one_sentence(self, small_tasks: Path, tmp_path: Path) -> None:
        gguf = write_llama(tmp_path / "other.gguf", architecture="foobar")
        assert "knows no architecture 'foobar'" in _run(gguf, small_tasks, tmp_path).sentence()

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
    def test_no_server_is_left(self, number: int, gguf: Path, small_tasks: Path, tmp_path: Path) -> None:
        import psutil

        command = [
            sys.executable,
            "-m",
            "lsm_eval",
            *_arguments(gguf, small_tasks, tmp_path),
            "--max-tokens",
            "80",
        ]
        env = environment(LSM_EVAL_CACHE=os.environ["LSM_EVAL_CACHE"], TMPDIR=str(tmp_path))
        process = subprocess.Popen(
            command,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # Shells start what runs in the background with SIGINT ignored, and that is inherited.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        try:
            own = psutil.Process(process.pid)
            port = None
            for _ in range(600):
                listening = [one for one in own.net_connections("tcp") if one.status == psutil.CONN_LISTEN]
                if listening:
                    port = listening[0].laddr
                    break
                assert process.poll() is None, process.communicate()
                time.sleep(0.05)
            assert port is not None
            assert port.ip == "127.0.0.1"
            process.send_signal(number)
            process.communicate(timeout=60)
        finally:
            process.kill()
        assert process.returncode != 0
        assert all(
            one.laddr != port for one in psutil.net_connections("tcp") if one.status == psutil.CONN_LISTEN
        )
        if number == signal.SIGINT:
            assert not list(tmp_path.glob("lsm-eval-llamacpp-*"))


def _arguments(gguf: Path, tasks: Path, out: Path) -> list[str]:
    return ["run", "--tasks", "say", "--include", str(tasks), "--out", str(out / "reports"), "--threads", "1",
            "--model", f"llama.cpp:{gguf}"]  # fmt: skip


def _run(gguf: Path, tasks: Path, out: Path) -> Outcome:
    return spawn(*_arguments(gguf, tasks, out), env={"LSM_EVAL_CACHE": os.environ["LSM_EVAL_CACHE"]})
