"""Full disks, folders that cannot be written, mirrors that are damaged, networks that are not there."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command_line import QUESTIONS, SCORE, Runner, call_elsewhere, spawn, write_task

HUB = {"hub": "org/set", "config": "default", "columns": ["question", "choices", "answer"]}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of a megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not shutil.which("mount"):
        pytest.skip("needs `mount`")
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"may not mount a small file system: {made.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def _fill(disk: Path, leave: int = 0) -> None:
    free = shutil.disk_usage(disk).free
    (disk / "filler").write_bytes(b"x" * max(free - leave, 0))


def test_no_room_for_the_record(run: Runner, small_disk: Path, tmp_path: Path) -> None:
    run.out = small_disk / "reports"
    run.out.mkdir()
    _fill(small_disk, leave=4096)
    refused = run("--store", tmp_path / "store")
    expected = (
        f"no room on the disk for a record in {run.out}: free some and run the same command again; the answers are "
        "kept in the response store."
    )
    assert refused.sentence() == expected
    assert not [path for path in run.out.rglob("*") if path.is_file()], "no half record"
    (small_disk / "filler").unlink()
    again = run("--store", tmp_path / "store")
    assert again.code == 0
    requests = json.loads((again.record / "manifest.json").read_text())["requests"]
    assert requests["computed"] == 0
    assert requests["from_store"] > 0


def test_no_room_for_the_response_store(run: Runner, small_disk: Path) -> None:
    store = small_disk / "store"
    store.mkdir()
    _fill(small_disk)
    assert str(store) in run("--store", store).sentence()


def test_the_response_store_fills_up_on_the_way(run: Runner, small_disk: Path) -> None:
    store = small_disk / "store"
    assert run("--store", store, "--limit", "1").code == 0
    _fill(small_disk, leave=8192)
    sentence = run("--store", store, "--batch-tokens", "16", tasks="choose,say,read").sentence()
    assert sentence.startswith(f"no room to write the response store {store}")
    (small_disk / "filler").unlink()
    again = run("--store", store, "--batch-tokens", "16", tasks="choose,say,read")
    assert again.code == 0
    assert json.loads((again.record / "manifest.json").read_text())["requests"]["from_store"] > 0


def test_no_room_for_the_built_in_model(
    run: Runner, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSM_EVAL_CACHE", str(small_disk / "cache"))
    sentence = run(model="builtin:smollm2-135m").sentence()
    assert "has too little space for the built-in model" in sentence
    assert "LSM_EVAL_CACHE" in sentence


def test_a_cache_that_is_full_costs_hashes_only(
    run: Runner, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSM_EVAL_CACHE", str(small_disk / "cache"))
    (small_disk / "cache").mkdir()
    _fill(small_disk)
    assert run("--store", "none").code == 0
    assert not list((small_disk / "cache").iterdir()), "nothing half-written is left"


def test_files_may_not_grow(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `ulimit -f` sets it; needs no rights."""
    monkeypatch.setenv(
        "PYTHONDONTWRITEBYTECODE", "1"
    )  # Python would keep the first 2,048 bytes of what it compiles

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))

    refused = spawn(*run.arguments("--store", "none", model="builtin:uniform"), preexec_fn=limit)
    assert refused.sentence().startswith(f"records cannot be written to {run.out} (File too large)")
    assert not [path for path in run.out.rglob("*") if path.is_file()]
    refused = spawn(*run.arguments("--store", tmp_path / "store", model="builtin:uniform"), preexec_fn=limit)
    assert f"the response store {tmp_path / 'store'}" in refused.sentence()


def test_out_cannot_be_written(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for out, why in ((tmp_path / "file" / "below", "Not a directory"), (tmp_path / "file", "File exists")):
        run.out = out
        expected = f"records cannot be written to {out} ({why}): name another folder with --out DIR."
        assert run().sentence() == expected


def test_read_only_file_system(run: Runner, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    run.out = small_disk / "reports"
    expected = (
        f"records cannot be written to {run.out} (Read-only file system): name another folder with --out DIR."
    )
    assert run().sentence() == expected
    run.out = small_disk.parent / "reports"
    sentence = run("--store", small_disk / "store").sentence()
    assert sentence.startswith(
        f"the response store {small_disk / 'store'} cannot be made (Read-only file system)"
    )


def test_store_cannot_be_written(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    sentence = run("--store", tmp_path / "file" / "below").sentence()
    assert sentence.startswith(f"the response store {tmp_path / 'file' / 'below'} cannot be made")
    assert sentence.endswith(
        "name a folder that can be written with --store DIR, or --store none to keep nothing."
    )


def test_damaged_store(run: Runner, tmp_path: Path) -> None:
    store = tmp_path / "store"
    assert run("--store", store).code == 0
    (database,) = store.glob("*.sqlite")
    for path in store.iterdir():
        path.unlink()
    database.write_bytes(b"this is no database at all" * 100)
    sentence = run("--store", store).sentence()
    assert sentence == (
        f"the response store {database} is damaged (file is not a database): remove that file and run again."
    )
    database.unlink()
    assert run("--store", store).code == 0


@pytest.mark.parametrize("damage", ["cut", "empty", "other", "changed", "null"])
def test_damaged_mirror(run: Runner, tmp_path: Path, damage: str) -> None:
    defs = write_task(tmp_path / "defs", "mirrored", QUESTIONS, **{**SCORE, "dataset": HUB}).parent
    path = tmp_path / "mirror/org/set/default/test.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(QUESTIONS), path)
    arguments = ("--data-mirror", tmp_path / "mirror")
    assert run(*arguments, tasks="mirrored", include=defs).code == 0
    whole = path.read_bytes()
    content = {
        "cut": whole[: len(whole) // 2],
        "empty": b"",
        "other": b"<html>not found</html>" * 20,
        "changed": whole[:300] + bytes(255 - byte for byte in whole[300:500]) + whole[500:],
        "null": whole[:4] + bytes(len(whole) - 8) + whole[-4:],
    }
    path.write_bytes(content[damage])
    sentence = run(*arguments, tasks="mirrored", include=defs).sentence()
    assert sentence.startswith(f"{path} is not a whole Parquet file (")
    path.unlink()
    sentence = run(*arguments, tasks="mirrored", include=defs).sentence()
    assert sentence.startswith(f"the data mirror {tmp_path / 'mirror'} has no org/set/default/test.parquet")


NO_NETWORK = [
    (["--model", "hf:org/name"], "hf:org/name: the hub cannot be reached; fetch it where there is a network"),
    (["--adapter", "org/name"], "hf:org/name: the hub cannot be reached"),
    (["--tasks", "hubbed", "--strict"], "hubbed: cannot reach the hub, and org/set (default, test) is not in the local cache"),
    (["--offline", "--model", "hf:org/name"], "hf:org/name: it is not in the local cache, and --offline does not allow the hub"),
    (["--offline", "--model", "hf:a/b/c"], "hf:a/b/c: not a hub id; write hf:ORG/NAME, or the path of a local folder."),
    (["--offline", "--tasks", "hubbed", "--strict"], "hubbed: org/set (default, test) is not in the local cache: run once without --offline"),
]  # fmt: skip


@pytest.mark.slow
def test_no_network(run: Runner, tmp_path: Path) -> None:
    defs = write_task(tmp_path / "defs", "hubbed", QUESTIONS, **{**SCORE, "dataset": HUB}).parent
    commands = [run.arguments("--include", defs, *arguments) for arguments, _ in NO_NETWORK]
    # Port 9 of this machine: nobody listens, and the answer is at once.
    env = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path / "hub")}
    outcomes = call_elsewhere(commands, env)
    for outcome, (_, expected) in zip(outcomes, NO_NETWORK, strict=True):
        assert outcome.sentence().startswith(expected)


def test_a_length_that_does_not_fit(run: Runner) -> None:
    sentence = run("--shots", "5").sentence()
    assert sentence.startswith("choose: 24 of 24 samples need up to ")
    assert "the context of hf:tiny-llama is 64: pass --overflow truncate" in sentence


def test_the_length_is_checked_before_weights_are_read(run: Runner, broken: Path) -> None:
    (broken / "model.safetensors").unlink()
    assert "pass --overflow truncate" in run("--shots", "5", model=broken).sentence()


def test_overflow_truncate_and_skip_show_in_the_record(run: Runner) -> None:
    rows = {}
    for how in ("truncate", "skip"):
        done = run("--shots", "5", "--overflow", how)
        assert done.code == 0
        (estimate,) = json.loads((done.record / "estimates.json").read_text())
        assert f" overflow:{how} " in estimate["signature"]
        manifest = json.loads((done.record / "manifest.json").read_text())
        assert manifest["settings"]["overflow"] == how
        rows[how] = pq.read_table(done.record / "samples" / "choose.parquet").to_pylist()
        assert estimate["missing"] == (24 if how == "skip" else 0)
    assert all(row["truncated"] > 0 and row["failure"] is None for row in rows["truncate"])
    assert all(row["failure"] == "too_long" for row in rows["skip"])
    assert "and the model's context is 64" in rows["skip"][0]["failure_detail"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("hf_AbCdEfGhIjKlMnOpQrStUvWxYz012345", "***"),
        ("https://user:pa55word@host/mirror", "https://***@host/mirror"),
        ("https://host/x?token=abc123&revision=main", "https://host/x?token=***&revision=main"),
        ("github_pat_11AAAAAAA0abcdefghijkl", "***"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2ln", "***"),
        ("authorization: Bearer abc.def-ghi", "authorization: Bearer ***"),
        ("./hf_checkpoints/sk-learned/monkey", "./hf_checkpoints/sk-learned/monkey"),
        ("hf:org/name@main", "hf:org/name@main"),
    ],
)
def test_what_looks_like_a_secret(given: str, kept: str) -> None:
    from lsm_eval.secrets import without_secrets

    assert without_secrets(given) == kept


def test_the_command_is_recorded_without_secrets(run: Runner, tmp_path: Path) -> None:
    secret = "hf_AbCdEfGhIjKlMnOpQrStUvWxYz012345"
    done = run("--store", f"{tmp_path}/{secret}/https://user:pa55word@host", model="builtin:uniform")
    assert done.code == 0
    for path in done.record.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert secret.encode() not in content
            assert b"pa55word" not in content
    command = json.loads((done.record / "manifest.json").read_text())["command"]
    assert command[:3] == ["lsm-eval", "run", "--tasks"]
