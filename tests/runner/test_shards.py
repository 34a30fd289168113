"""Runs that are cut into shards: merged, they are the run of a single process."""

from __future__ import annotations

import json
import random
import shutil
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from command_line import GENERATE, PERPLEXITY, QUESTIONS, SCORE, Outcome, Runner, call, write_task

from lsm_eval.inference.store import ResponseStore
from lsm_eval.runner.shards.folder import ANSWERS, MANIFEST, digest

TASKS = "choose,say,read"
TIMES = {"run", "created", "phases", "work", "latency"}
"""What a record says of when it was made and how long that took."""


def shard_of(done: Outcome) -> Path:
    assert done.code == 0, done.err
    return Path(done.out.strip().splitlines()[-1].removeprefix("shard: "))


def manifest(done: Outcome) -> dict[str, Any]:
    assert done.code == 0, done.err
    content: dict[str, Any] = json.loads((done.record / "manifest.json").read_text())
    return content


def same_record(one: Outcome, other: Outcome, *, but: Sequence[str] = ()) -> None:
    """The records agree to the last byte, but for times and the keys in `but`."""
    first, second = manifest(one), manifest(other)
    assert list(first) == list(second)
    for key in first.keys() - TIMES - {*but}:
        assert json.dumps(first[key]) == json.dumps(second[key]), key
    names = sorted(path.name for path in (one.record / "samples").iterdir())
    assert names == sorted(path.name for path in (other.record / "samples").iterdir())
    for name in ["estimates.json", *(f"samples/{name}" for name in names)]:
        assert (one.record / name).read_bytes() == (other.record / name).read_bytes(), name


Cut = Callable[..., list[Path]]


@pytest.fixture
def cut(run: Runner) -> Cut:
    """Runs the shards of a run, and returns their folders."""

    def shards(count: int, *more: str | Path, only: Sequence[int] = (), **named: Any) -> list[Path]:
        which = only or range(1, count + 1)
        return [shard_of(run("--store", "none", "--shard", f"{at}/{count}", *more, **named)) for at in which]

    return shards


def merged(run: Runner, folders: Sequence[Path]) -> Outcome:
    return call("merge", *folders, "--out", run.out)


@pytest.mark.parametrize("seed", range(3))
def test_merged_shards_are_the_run_of_one_process(run: Runner, cut: Cut, seed: int) -> None:
    """However many shards there are, in whatever order they ran, and in whatever order they are named."""
    chance = random.Random(seed)
    count = chance.choice([(2, 3), (4, 5), (6, 7)][seed])
    order = list(range(1, count + 1))
    chance.shuffle(order)
    small = "--batch-tokens=24"
    whole = run("--store", "none", small, tasks=TASKS)
    folders = cut(count, small, only=order, tasks=TASKS)
    chance.shuffle(folders)
    done = merged(run, folders)
    same_record(whole, done)
    found = manifest(done)
    assert found["command"] == manifest(whole)["command"]
    assert found["model"]["details"]["engine"] == "tree"
    assert found["requests"]["computed"] == found["requests"]["unique"]


def test_each_shard_computes_about_its_share(run: Runner, cut: Cut) -> None:
    """Pieces lie along the tree of prefixes, so that shards compute little twice."""
    small = "--batch-tokens=24"
    whole = manifest(run("--store", "none", small, tasks="choose"))["work"]["score"]
    parts = [json.loads((one / MANIFEST).read_text())["counts"] for one in cut(3, small, tasks="choose")]
    assert max(part["score_passes"] for part in parts) < 0.65 * whole["passes"]


def test_padded_batches_are_cut_too(run: Runner, cut: Cut) -> None:
    plain = ("--engine=plain", "--batch-tokens=64")
    whole = run("--store", "none", *plain, tasks=TASKS)
    folders = cut(3, *plain, tasks=TASKS)
    same_record(whole, merged(run, folders))
    passes = manifest(whole)["work"]["score"]["passes"]
    counts = [json.loads((one / MANIFEST).read_text())["counts"]["score_passes"] for one in folders]
    assert max(counts) < 0.8 * passes


def test_times_are_those_of_all_shards(run: Runner, cut: Cut) -> None:
    """Percentiles come from every raw time, not from the shards' own percentiles."""
    folders = cut(3, "--batch-tokens=24", tasks="choose,say")
    shards = [json.loads((one / MANIFEST).read_text()) for one in folders]
    found = manifest(merged(run, folders))
    rows = {row["request"]: row for row in found["latency"]}
    raw = [seconds for shard in shards for row in shard["times"] for seconds in row["seconds"]]
    (timed,) = rows["generate"]["times"]
    assert timed["n"] == len(raw) == len(QUESTIONS)
    assert timed["mean"] == pytest.approx(sum(raw) / len(raw))
    assert min(raw) <= timed["quantiles"][0]["seconds"] <= max(raw)
    batches = [
        one for shard in shards for row in shard["phases"] if row["kind"] == "score" for one in row["batches"]
    ]
    (timed,) = rows["score"]["times"]
    assert timed["n"] == len(batches)
    assert found["work"]["seconds"] == pytest.approx(sum(row["seconds"] for row in found["phases"]), abs=0.02)
    assert found["work"]["score"]["passes"] == sum(shard["counts"]["score_passes"] for shard in shards)


def test_failures_are_those_of_the_run(run: Runner, cut: Cut) -> None:
    """A baseline chooses and writes nothing; some shards have nothing to do at all."""
    more: dict[str, Any] = {"tasks": "choose,say", "model": "builtin:first"}
    whole = run("--store", "none", **more)
    found = manifest(whole)
    assert found["requests"]["failed"] == len(QUESTIONS)
    count = 3 * len(QUESTIONS)
    folders = cut(count, **more)
    empty = [one for one in folders if not (one / ANSWERS).read_text()]
    assert len(folders) > len(empty) > 0
    same_record(whole, merged(run, folders))
    same_record(whole, call("merge", folders[0].parent, "--out", run.out))


def test_variants_limits_and_drawn_texts(run: Runner, cut: Cut) -> None:
    more = ("--limit=10", "--temperature=0.8", "--seed=3", "--perturb=typos")
    whole = run("--store", "none", *more, tasks="choose,say")
    same_record(whole, merged(run, cut(4, *more, tasks="choose,say")))


def test_a_shard_that_was_stopped_goes_on(
    run: Runner, cut: Cut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = "--batch-tokens=24"
    again = ("--store", tmp_path / "store", small, "--shard", "2/2")
    put = ResponseStore.put
    batches: list[int] = []

    def stopped(*arguments: Any) -> None:
        if len(batches) == 3:
            raise KeyboardInterrupt
        batches.append(len(arguments[1]))
        put(*arguments)

    whole = run("--store", tmp_path / "other", small, tasks=TASKS)
    with monkeypatch.context() as patch:
        patch.setattr(ResponseStore, "put", stopped)
        done = run(*again, tasks=TASKS)
    assert done.code == 130, done.err
    assert not list(run.out.glob("shards/*/*"))
    second = shard_of(run(*again, tasks=TASKS))
    first = shard_of(run("--store", tmp_path / "third", small, "--shard", "1/2", tasks=TASKS))
    joined = merged(run, [second, first])
    same_record(whole, joined, but=["requests", "command"])
    counts = manifest(joined)["requests"]
    assert counts["from_store"] == sum(batches)
    assert counts["computed"] + counts["from_store"] == counts["unique"]


def test_a_repeated_shard_takes_the_place_of_the_earlier_one(run: Runner, cut: Cut) -> None:
    folders = cut(2)
    left = folders[0].parent / ".unfinished-1-killed"
    left.mkdir()
    (left / MANIFEST).write_text("{")
    (left / ".lock").write_text(f"999999999 {socket.gethostname()}\n")
    merged(run, [folders[0].parent])
    before = (folders[0] / MANIFEST).read_text()
    assert cut(2, only=[1]) == folders[:1]
    assert (folders[0] / MANIFEST).read_text() != before
    assert sorted(path.name for path in folders[0].parent.iterdir()) == ["1-of-2", "2-of-2"]
    same_record(run("--store", "none"), merged(run, [folders[0].parent, *folders]))


def test_shards_of_several_numbers_are_merged_where_they_agree(run: Runner, cut: Cut) -> None:
    whole = run("--store", "none", tasks=TASKS)
    halves, thirds = cut(2, tasks=TASKS), cut(3, tasks=TASKS)
    same_record(whole, merged(run, [thirds[2], halves[0], thirds[1]]))


def test_a_task_that_is_left_out(run: Runner, tmp_path: Path) -> None:
    defs = tmp_path / "defs"
    write_task(defs, "choose", QUESTIONS, **SCORE)
    write_task(defs, "broken", QUESTIONS, **{**SCORE, "prompt": "{{ nothing_of_that_name }}"})
    named: dict[str, Any] = {"tasks": "choose,broken", "include": defs}
    whole = run("--store", "none", **named)
    shards = [run("--store", "none", "--shard", f"{at}/2", **named) for at in (1, 2)]
    assert [one.code for one in (whole, *shards)] == [2, 2, 2]
    done = call(
        "merge",
        *(one.out.strip().splitlines()[-1].removeprefix("shard: ") for one in shards),
        "--out",
        run.out,
    )
    assert done.code == 2
    assert "1 of 2 tasks was left out (broken)" in done.err
    first, second = (json.loads((one.record / "manifest.json").read_text()) for one in (whole, done))
    assert first["left_out"] == second["left_out"]
    assert (whole.record / "estimates.json").read_bytes() == (done.record / "estimates.json").read_bytes()


def test_a_gap_is_named(run: Runner, cut: Cut) -> None:
    folders = cut(3)
    done = merged(run, [folders[0], folders[2]])
    said = done.sentence()
    assert "of 24 requests have no answer in these shards, for want of 2/3" in said
    assert not list(run.out.rglob("manifest.json"))


def not_comparable(run: Runner, folders: Sequence[Path]) -> str:
    done = merged(run, folders)
    assert done.code == 4, (done.out, done.err)
    (line,) = [line for line in done.err.splitlines() if line.startswith("lsm-eval: not comparable: ")]
    assert not list(run.out.rglob("manifest.json")), "nothing was written"
    return line


def altered(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """The first answer of a shard is another, as if it had been computed so."""
    lines = (folder / ANSWERS).read_text().splitlines()
    first = json.loads(lines[0])
    change(first)
    text = "".join(f"{line}\n" for line in [json.dumps(first), *lines[1:]])
    (folder / ANSWERS).write_text(text)
    whole = json.loads((folder / MANIFEST).read_text())
    whole["answers_sha256"] = digest(text)
    (folder / MANIFEST).write_text(json.dumps(whole))


def test_two_answers_to_one_request(run: Runner, cut: Cut, tmp_path: Path) -> None:
    folders = cut(2)
    copy = Path(shutil.copytree(folders[0], tmp_path / "copy"))
    same_record(run("--store", "none"), merged(run, [*folders, copy]))
    for record in list(run.out.rglob("manifest.json")):
        shutil.rmtree(record.parent)

    def other(line: dict[str, Any]) -> None:
        line["answer"]["logprobs"][0] += 1e-6

    altered(copy, other)
    said = not_comparable(run, [*folders, copy])
    assert f"{copy} answer the same request differently" in said


def test_other_data(run: Runner, cut: Cut, tmp_path: Path) -> None:
    defs = tmp_path / "defs"
    write_task(defs, "choose", QUESTIONS, **SCORE)
    (first,) = cut(2, only=[1], include=defs)
    write_task(defs, "choose", [*QUESTIONS[:-1], {**QUESTIONS[-1], "answer": 0}], **SCORE)
    (second,) = cut(2, only=[2], include=defs)
    said = not_comparable(run, [first, second])
    assert f"choose was read from other data in {first} than in {second}" in said
    (own,) = cut(2, only=[1], include=defs)
    write_task(defs, "choose", QUESTIONS, **SCORE)
    assert "choose was read from other data by the shards than here" in not_comparable(run, [own, second])


def test_another_signature(run: Runner, cut: Cut) -> None:
    (first,) = cut(2, "--max-tokens=4", only=[1], tasks="say")
    (second,) = cut(2, "--max-tokens=5", only=[2], tasks="say")
    said = not_comparable(run, [first, second])
    assert f"say was asked otherwise in {first} than in {second}: max_tokens (4 against 5)." in said


def test_another_model(run: Runner, cut: Cut, tmp_path: Path) -> None:
    from tiny_models import save_model

    (first,) = cut(2, only=[1])
    other = save_model(tmp_path / "tiny-llama", seed=1)
    (second,) = cut(2, only=[2], model=other)
    assert "were answered by two models" in not_comparable(run, [first, second])


def test_another_dtype(run: Runner, cut: Cut) -> None:
    (first,) = cut(2, only=[1])
    (second,) = cut(2, "--dtype=bfloat16", only=[2])
    said = not_comparable(run, [first, second])
    assert "hf:tiny-llama (float32 cpu, " in said
    assert "hf:tiny-llama (bfloat16 cpu, " in said


def test_other_tasks(run: Runner, cut: Cut) -> None:
    (first,) = cut(2, only=[1], tasks="choose,read")
    (second,) = cut(2, only=[2], tasks="choose")
    assert f"read was asked in {first} and not in {second}." in not_comparable(run, [first, second])


def test_other_options(run: Runner, cut: Cut) -> None:
    (first,) = cut(2, "--name=one", only=[1])
    (second,) = cut(2, "--name=two", only=[2])
    assert "were run with other options: --name." in not_comparable(run, [first, second])


def test_another_version(run: Runner, cut: Cut) -> None:
    folders = cut(2)
    for folder in folders:
        whole = json.loads((folder / MANIFEST).read_text())
        whole["versions"]["lsm-eval"] = "0.0.9"
        (folder / MANIFEST).write_text(json.dumps(whole))
    assert "the shards were run by lsm-eval 0.0.9, and this is " in not_comparable(run, folders)


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        (ANSWERS, "", "answers.jsonl is not the file that was written"),
        ("run.yaml", "tasks: say\n", "run.yaml is not the file that was written"),
        (MANIFEST, "{", "is damaged"),
        (MANIFEST, "[]", "is a shard of schema None"),
        (MANIFEST, '{"schema_version": 2}', "is a shard of schema 2"),
        (MANIFEST, '{"schema_version": 1}', "is damaged (shard.json: shard: Field required)"),
    ],
)
def test_a_damaged_shard(run: Runner, cut: Cut, name: str, text: str, why: str) -> None:
    (folder,) = cut(1)
    (folder / name).write_text(text)
    assert why in merged(run, [folder]).sentence()


def test_what_is_no_shard(run: Runner, cut: Cut, tmp_path: Path) -> None:
    assert f"{tmp_path} holds no shard" in merged(run, [tmp_path]).sentence()
    (folder,) = cut(1)
    (folder / ANSWERS).unlink()
    assert "is damaged (answers.jsonl: No such file or directory)" in merged(run, [folder]).sentence()


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (("--judge", "builtin:says_no"), "--shard does not go with --judge: "),
        (("--gate", "release", "--baseline", "x"), "--shard does not go with --gate: "),
        (("--dry-run",), "--shard does not go with --dry-run: "),
        (("--json",), "--shard does not go with --json: "),
        (("--log-to", "mlflow"), "--shard does not go with --log-to: "),
        (("--max-cost", "1"), "--shard does not go with --max-cost: "),
        (("--base-url", "http://localhost:9/v1"), "--shard does not go with --base-url: "),
        (
            ("--model", "builtin:first", "--model", "builtin:longest"),
            "--shard does not go with several --model: ",
        ),
        (("--adapter", "a", "--adapter", "b"), "--shard does not go with several --adapter: "),
    ],
)
def test_what_no_shard_can_have(run: Runner, more: tuple[str, ...], why: str) -> None:
    assert run("--shard", "1/2", *more).sentence().startswith(why)
    assert not run.out.exists()


def test_an_array_does_not_make_shards_by_itself(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "1")
    monkeypatch.setenv("SLURM_ARRAY_TASK_COUNT", "4")
    monkeypatch.setenv("JOB_COMPLETION_INDEX", "1")
    done = run("--store", "none", model="builtin:first")
    assert manifest(done)["requests"]["asked"] == len(QUESTIONS)
    assert not (run.out / "shards").exists()


def test_options_of_a_file_and_model_args(run: Runner, tmp_path: Path) -> None:
    """The shards' options are whole however they were given, and the record's command is that of the whole run."""
    file = tmp_path / "run.yaml"
    file.write_text("max-tokens: 3\nname: mine\n")
    more = ("--store", "none", "--config", file, "--model-args", "batch_tokens=24")
    whole = run(*more, tasks="say")
    folders = [shard_of(run(*more, "--shard", f"{at}/2", tasks="say")) for at in (1, 2)]
    same_record(whole, merged(run, folders))
    assert manifest(whole)["model"]["name"] == "mine"


def test_samples_of_several_requests(run: Runner, cut: Cut, tmp_path: Path) -> None:
    """Equal requests of two tasks are in one piece, and a task whose texts are scored twice is whole."""
    defs = tmp_path / "defs"
    write_task(defs, "one", QUESTIONS, **SCORE)
    write_task(defs, "two", QUESTIONS, **{**SCORE, "metrics": ["acc_norm"]})
    write_task(defs, "say", QUESTIONS, **GENERATE)
    write_task(defs, "read", QUESTIONS, **PERPLEXITY)
    named: dict[str, Any] = {"tasks": "one,two,say,read", "include": defs}
    same_record(run("--store", "none", **named), merged(run, cut(3, **named)))
