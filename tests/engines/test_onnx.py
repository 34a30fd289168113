"""`onnx:FOLDER`: a decoder exported here, scored and continued by ONNX Runtime."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command_line import GENERATE, QUESTIONS, Runner, write_task, write_tasks
from onnx_export import as_genai, export
from onnx_models import onnx_model
from tiny_models import CHAT, edit_json, save_model

from lsm_eval.errors import UserError
from lsm_eval.models.base import Budgeting, Chatting, Choosing, Counting, ModelOptions, Releasing, Versioned
from lsm_eval.models.hf import HFModel
from lsm_eval.requests import (
    Failure,
    Generate,
    Generated,
    Likelihood,
    Perplexity,
    Request,
    Response,
    Score,
    Scored,
)
from lsm_eval.results.reader import read_record

pytest.importorskip("onnxruntime", reason="needs ONNX Runtime: pip install 'lsm-eval[onnx]'")
pytest.importorskip("onnx", reason="needs the package onnx, with which torch exports")
pytestmark = pytest.mark.usefixtures("one_thread", "own_cache")
NEAR = 1e-4
"""Of a log-probability, in nats: both compute in float32, each in its own order."""
CHOICES = (" the mat", " log", " a rather long story of weather", " y")
SCORED: list[Request] = [
    *(Score(f"the cat sat on mat {at} of the other" * (1 + at % 3), CHOICES) for at in range(7)),
    Score("", ("the", "a cat")),
    Score("what is it?", (" yes", " no"), chat=True),
    *(Perplexity("the cat sat on the mat and " * times) for times in (1, 3)),
    Perplexity("the cat and the dog", detail=True),
]
WRITTEN: list[Request] = [
    *(Generate("the cat " * (1 + at % 4) + str(at), max_tokens=9, stop=("at",)) for at in range(7)),
    *(Generate("what is", max_tokens=8, temperature=1.0, seed=seed) for seed in range(3)),
    Generate("hi", chat=True, system="the log", max_tokens=8),
    Generate("who", max_tokens=5, detail=True),
    *(Generate("the cat <think>\n" + "the " * at, max_tokens=6, reasoning_tokens=at) for at in range(3)),
    Generate("the cat", max_tokens=6, reasoning_tokens=4),
    Generate("the cat sat on the", max_tokens=9, choices=(" mat", " log, and", " dog")),
]


@pytest.fixture(scope="module")
def small_tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the tasks `choose`, `say`, `read`, and `talk`, which has stop strings in a chat, too."""
    folder = write_tasks(tmp_path_factory.mktemp("tasks"))
    write_task(folder, "talk", QUESTIONS, **{**GENERATE, "chat_stop": ["\n", "cat"]})
    return folder


def _answers(model: Any, requests: list[Request]) -> list[Response]:
    found = {at: one for batch in model.answer(requests) for at, one in batch.items()}
    return [found[at] for at in range(len(requests))]


def _alike(model: Any, checkpoint: Path, requests: list[Request]) -> None:
    near = HFModel("hf:near", ModelOptions(), folder=checkpoint)
    assert [one.longest for one in model.cost(requests)] == [one.longest for one in near.cost(requests)]
    for ours, theirs in zip(_answers(near, requests), _answers(model, requests), strict=True):
        match ours, theirs:
            case Scored(), Scored():
                assert theirs.logprobs == pytest.approx(ours.logprobs, abs=NEAR)
                assert (theirs.tokens, theirs.greedy) == (ours.tokens, ours.greedy)
            case Likelihood(), Likelihood():
                assert theirs.logprob == pytest.approx(ours.logprob, abs=NEAR)
                assert theirs.tokens == ours.tokens
                for name in ("each", "means", "deviations"):
                    assert getattr(theirs, name) == pytest.approx(getattr(ours, name), abs=NEAR), name
            case Generated(), Generated():
                assert (theirs.text, theirs.tokens, theirs.finish) == (ours.text, ours.tokens, ours.finish)
                assert theirs.logprob == pytest.approx(ours.logprob, abs=NEAR)
                assert theirs.reasoning_tokens == ours.reasoning_tokens
            case _:
                raise AssertionError((ours, theirs))


@pytest.mark.parametrize("options", [{}, {"engine": "plain"}, {"batch_tokens": 40, "slots": 3}])
def test_it_computes_what_transformers_does(
    options: dict[str, Any], checkpoint: Path, exported: Path
) -> None:
    model = onnx_model(exported, **options)
    _alike(model, checkpoint, SCORED + WRITTEN)
    way = "plain, because --engine plain says so" if options.get("engine") else "batched"
    assert model.info.details["batching"] == way


def test_a_model_of_another_kind(tmp_path: Path) -> None:
    checkpoint = save_model(tmp_path / "gpt2", "gpt2", chat=CHAT, context=128)
    _alike(onnx_model(export(checkpoint, tmp_path / "exported")), checkpoint, SCORED + WRITTEN)


def test_a_graph_without_positions_reads_no_padding(checkpoint: Path, tmp_path: Path) -> None:
    """A token's place is its position there, and padding would move it."""
    model = onnx_model(export(checkpoint, tmp_path / "exported", numbered=False))
    _alike(model, checkpoint, SCORED + WRITTEN)
    details = model.info.details
    assert details["batching"].startswith("batched by length, because log-probabilities in batches")
    assert details["generation"] == "batched by length"


@pytest.mark.slow
def test_what_genais_builder_makes(tmp_path: Path) -> None:
    """Its fused attention goes on from a cache by one sequence, or by one token of each; and genai itself writes the same."""
    genai = pytest.importorskip("onnxruntime_genai", reason="needs onnxruntime-genai")
    pytest.importorskip("onnx_ir", reason="needs onnx-ir, with which genai's builder writes")
    import numpy as np

    checkpoint = save_model(tmp_path / "checkpoint", chat=CHAT, context=128, head_dim=16)
    folder = tmp_path / "built"
    build = [sys.executable, "-m", "onnxruntime_genai.models.builder", "-p", "fp32", "-e", "cpu"]
    subprocess.run([*build, "-i", str(checkpoint), "-o", str(folder)], check=True, capture_output=True)
    model = onnx_model(folder)
    _alike(model, checkpoint, SCORED + WRITTEN)
    details = model.info.details
    assert details["batching"].startswith("one at a time, because ")
    assert str(tmp_path) not in details["batching"]
    assert details["generation"] == "batched"
    (theirs,) = _answers(model, [Generate("the cat sat on", max_tokens=8)])
    tokenizer = model._encoder.tokenizer
    loaded = genai.Model(str(folder))
    settings = genai.GeneratorParams(loaded)
    settings.set_search_options(max_length=64, do_sample=False)
    generator = genai.Generator(loaded, settings)
    (tokens,) = model._encoder.encode(["the cat sat on"])
    generator.append_tokens(np.array([tokens], dtype=np.int32))
    for _ in range(8):
        generator.generate_next_token()
    written = [int(token) for token in generator.get_sequence(0)][len(tokens) :]
    assert isinstance(theirs, Generated)
    assert theirs.text == tokenizer.decode(written, skip_special_tokens=True)


def test_a_graph_whose_cache_is_wrong_is_scored_plainly_and_writes_nothing(
    checkpoint: Path, tmp_path: Path
) -> None:
    import onnx
    from onnx import helper

    folder = export(checkpoint, tmp_path / "exported")
    graph = onnx.load(folder / "model.onnx")
    for node in graph.graph.node:  # whoever reads the cache sees twice what was put there
        for at, name in enumerate(node.input):
            if name == "past_key_values.1.value":
                node.input[at] = "doubled"
    double = helper.make_node("Add", ["past_key_values.1.value"] * 2, ["doubled"])
    graph.graph.node.insert(0, double)
    onnx.save(graph, folder / "model.onnx")
    model = onnx_model(folder)
    _alike(model, checkpoint, SCORED)
    assert model.info.details["batching"].startswith("plain, because log-probabilities in batches")
    with pytest.raises(UserError, match="gives other numbers when a text is read in parts"):
        _answers(model, WRITTEN[:1])


def test_as_genai_lays_it_out(checkpoint: Path, exported: Path, tmp_path: Path) -> None:
    folder = as_genai(Path(shutil.copytree(exported, tmp_path / "genai")))
    model = onnx_model(folder)
    assert (model.info.context, model.info.details["layout"]) == (128, "onnxruntime-genai")
    _alike(model, checkpoint, SCORED + WRITTEN)
    edit_json(folder / "genai_config.json", model={"decoder": {"filename": "other.onnx"}})
    with pytest.raises(UserError, match=r"names other\.onnx, which is not there"):
        onnx_model(folder)
    edit_json(folder / "genai_config.json", model={})
    with pytest.raises(UserError, match=r"genai_config\.json: cannot be used \(KeyError"):
        onnx_model(folder)


def test_what_choices_share_is_read_once(exported: Path) -> None:
    context = "the cat sat on the mat and the dog sat on the log" * 2
    asked: list[Request] = [Score(context, tuple(f" {word} on" for word in ("cat", "dog", "mat", "log")))]
    counts = {}
    for engine in ("auto", "plain"):
        model = onnx_model(exported, engine=engine)
        _answers(model, asked)
        counts[engine] = model.computed()["score_tokens"]
    assert counts["auto"] < counts["plain"] / 2
    assert counts["plain"] == sum(cost.asked for cost in model.cost(asked)) - 4, "but for each choice's last"


def test_known_answers_are_not_computed_and_the_rest_is_the_same(exported: Path) -> None:
    model = onnx_model(exported, batch_tokens=64)
    whole = _answers(model, SCORED + WRITTEN)
    known = {at for at in range(len(whole)) if at % 3}
    rest = {at: one for batch in model.answer(SCORED + WRITTEN, known) for at, one in batch.items()}
    assert rest == {at: one for at, one in enumerate(whole) if at not in known}


def test_what_it_is(exported: Path, tmp_path: Path) -> None:
    model = onnx_model(exported)
    assert (model.info.name, model.info.context, model.info.chat_template) == ("onnx:decoder", 128, True)
    assert all(isinstance(model, ability) for ability in (Chatting, Releasing, Versioned))
    assert "onnxruntime" in model.versions()
    copy = Path(shutil.copytree(exported, tmp_path / "elsewhere"))
    (copy / "README.md").write_text("words")
    assert onnx_model(copy, slots=2, threads=2).fingerprint() == model.fingerprint()
    for name in ("model.onnx", "tokenizer.json", "config.json"):
        changed = Path(shutil.copytree(exported, tmp_path / f"changed-{name}"))
        (changed / name).write_bytes((changed / name).read_bytes() + b"\n")
        assert onnx_model(changed).fingerprint() != model.fingerprint(), name
    model.load()
    assert model.info.dtype == "float32"
    model.release()
    assert isinstance(_answers(model, WRITTEN[:1])[0], Generated), "it is read again"


def test_what_it_can_is_what_transformers_can(exported: Path, checkpoint: Path) -> None:
    model, near = onnx_model(exported), HFModel("hf:near", ModelOptions(), folder=checkpoint)
    assert isinstance(model, Choosing)
    assert isinstance(model, Budgeting)
    assert isinstance(model, Counting)
    assert model.scores()
    assert model.constrains(chat=True)
    assert model.count_tokens(["", "the cat"]) == near.count_tokens(["", "the cat"])
    asked = Generate("q", chat=True, reasoning_effort="low")
    assert "no variable" in (model.no_budget(asked) or "")
    assert model.no_budget(asked) == near.no_budget(asked)
    assert model.no_budget(Generate("q", reasoning_tokens=5)) is None


def test_weights_beside_the_graph_count(exported: Path, tmp_path: Path) -> None:
    import onnx

    folder = Path(shutil.copytree(exported, tmp_path / "external"))
    whole = onnx.load(folder / "model.onnx")
    (folder / "model.onnx").unlink()
    onnx.save_model(
        whole, folder / "model.onnx", save_as_external_data=True, location="weights.dat", size_threshold=0
    )
    before = onnx_model(folder).fingerprint()
    assert isinstance(_answers(onnx_model(folder), WRITTEN[:1])[0], Generated)
    content = bytearray((folder / "weights.dat").read_bytes())
    content[5] ^= 1
    (folder / "weights.dat").write_bytes(content)
    assert onnx_model(folder).fingerprint() != before
    (folder / "weights.dat").unlink()
    with pytest.raises(UserError, match=r"model\.onnx: cannot be run as a decoder"):
        onnx_model(folder).load()


def test_a_graph_below_its_tokenizer(exported: Path, checkpoint: Path, tmp_path: Path) -> None:
    """As repositories of the hub lay them out, with several graphs of one model."""
    folder = Path(shutil.copytree(exported, tmp_path / "hub"))
    (folder / "onnx").mkdir()
    shutil.move(folder / "model.onnx", folder / "onnx" / "model.onnx")
    _alike(onnx_model(folder), checkpoint, SCORED[:2])
    shutil.move(folder / "onnx" / "model.onnx", folder / "onnx" / "model_other.onnx")
    with pytest.raises(
        UserError, match=r"has no model\.onnx: name one of its files \(onnx/model_other\.onnx\)"
    ):
        onnx_model(folder)
    model = onnx_model(folder / "onnx" / "model_other.onnx")
    assert model.info.name == "onnx:hub"
    _alike(model, checkpoint, SCORED[:2])


def test_long_texts(exported: Path, checkpoint: Path) -> None:
    asked: list[Request] = [Generate("the cat " * 60, max_tokens=20), *SCORED[:1]]
    model = onnx_model(exported, overflow="skip")
    assert model.cost(asked)[0].truncated > 0
    (long, other) = _answers(model, asked)
    assert isinstance(long, Failure)
    assert long.reason == "too_long"
    assert isinstance(other, Scored)
    (cut,) = _answers(
        onnx_model(exported, overflow="truncate", context=40), [Generate("the cat " * 12, max_tokens=4)]
    )
    assert isinstance(cut, Generated)
    assert cut.truncated > 0
    assert onnx_model(exported, context=40).info.context == 40


def test_a_run_is_that_of_the_checkpoint(
    exported: Path, checkpoint: Path, small_tasks: Path, tmp_path: Path
) -> None:
    tasks = "choose,say,read,talk"
    far = Runner(tmp_path, small_tasks, tmp_path / "far")(
        "--threads", "1", tasks=tasks, model=f"onnx:{exported}"
    )
    near = Runner(checkpoint, small_tasks, tmp_path / "near")(tasks=tasks)
    assert (far.code, near.code) == (0, 0), far.err + near.err
    there, here = read_record(far.record), read_record(near.record)
    for task in ("say", "talk"):
        for column in ("asked", "prompt", "completion", "finish", "tokens"):
            one, other = (record.samples(task)[column].to_pylist() for record in (there, here))
            assert one == other, (task, column)
    assert [row.metric for row in there.estimates] == [row.metric for row in here.estimates]
    values = [[row.value for row in record.estimates] for record in (there, here)]
    assert values[0] == pytest.approx(values[1], rel=1e-5)
    manifest = json.loads((far.record / "manifest.json").read_text())
    assert manifest["model"]["details"]["batching"] == "batched"
