"""Checkpoints that are damaged, incomplete, of the wrong kind, or that answer NaN."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from command_line import QUESTIONS, SCORE, Runner, write_task
from tiny_models import edit_json, save_encoder_model, save_model, save_tokenizer

Damage = Callable[[Path], object]
HOW = "fetch the checkpoint again, or name another --model."


def _cut(name: str, size: int) -> Damage:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:size])


def _write(name: str, text: str) -> Damage:
    return lambda folder: (folder / name).write_text(text)


def _config(**changes: Any) -> Damage:
    return lambda folder: edit_json(folder / "config.json", **changes)


def _remove(*names: str) -> Damage:
    def damage(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return damage


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (_cut("model.safetensors", 100_000), ": a weights file is damaged or cut short"),
        (_cut("model.safetensors", 50), ": a weights file is damaged or cut short"),
        (_cut("model.safetensors", 0), ": a weights file is damaged or cut short"),
        (_remove("model.safetensors"), ": its weights cannot be used (OSError: Error no file named"),
        (_config(num_hidden_layers=3), ": the checkpoint lacks 9 of its model's weights (such as model.layers.2."),
        (_config(hidden_size=64), ": 21 weights (such as lm_head.weight) do not have the shape that config.json says"),
        (_config(hidden_act="nosuch"), ": its weights cannot be used (KeyError: 'nosuch')"),
        (_write("config.json", '{"model_type": "lla'), ": its configuration cannot be used (OSError: "),
        (_write("config.json", "[]"), ": its configuration cannot be used ("),
        (_remove("config.json"), ": has no config.json; name a folder that holds a transformers checkpoint."),
        (_config(model_type="nosuch"), ": its configuration cannot be used (ValueError: "),
        (_config(hidden_size="x"), ": its configuration cannot be used ("),
        (_config(num_attention_heads=5), ": its configuration cannot be used ("),
        (_config(vocab_size=10), "the tokenizer gives token "),
        (_write("tokenizer.json", '{"version": '), ": its tokenizer cannot be used (JSONDecodeError: "),
        (_remove("tokenizer.json"), ": its tokenizer cannot be used ("),
        (_remove("tokenizer.json", "tokenizer_config.json"), ": its tokenizer cannot be used ("),
    ],
)  # fmt: skip
def test_damaged(run: Runner, broken: Path, damage: Damage, expected: str) -> None:
    damage(broken)
    sentence = run(model=broken).sentence()
    assert sentence.removeprefix(str(broken)).startswith(expected)
    assert any(
        advice in sentence
        for advice in (HOW, "fetch it again", "fetch the checkpoint again", "; name a", "take ")
    )
    assert not list(run.out.rglob("*.json"))


def test_weights_that_are_missing_are_never_made_up(run: Runner, broken: Path) -> None:
    # transformers fills a missing tensor with random numbers and goes on: a number would come out.
    from safetensors.torch import load_file, save_file

    weights = load_file(broken / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    expected = "lacks 1 of its model's weights (such as model.layers.1.mlp.up_proj.weight)"
    assert expected in run(model=broken).sentence()


def test_tied_weights_are_not_missing(run: Runner, tmp_path: Path) -> None:
    folder = save_model(tmp_path / "tied", tie_word_embeddings=True)
    assert run(model=folder).code == 0


@pytest.mark.parametrize(
    ("kind", "head", "expected"),
    [
        ("bert", "BertModel", ": the weights (of a BertModel) have no masked-language-model head"),
        ("bert", "BertForSequenceClassification", ": a BertForSequenceClassification has no language-model head"),
        ("roberta", "RobertaModel", ": the weights (of a RobertaModel) have no masked-language-model head"),
        ("distilbert", "DistilBertModel", ": the weights (of a DistilBertModel) have no masked-language-model head"),
        ("electra", "ElectraForPreTraining", ": the weights (of a ElectraForPreTraining) have no masked-"),
        ("bart", "BartForSequenceClassification", ": a BartForSequenceClassification has no language-model head"),
        ("t5", "T5EncoderModel", ": a T5EncoderModel has no language-model head"),
    ],
)  # fmt: skip
def test_no_language_model_head(run: Runner, tmp_path: Path, kind: str, head: str, expected: str) -> None:
    folder = save_encoder_model(tmp_path / kind, kind, head=head)
    sentence = run(model=folder).sentence()
    assert sentence.removeprefix(str(folder)).startswith(expected)
    assert sentence.endswith("name another --model.")


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_an_encoder_under_a_causal_head(run: Runner, tmp_path: Path, kind: str) -> None:
    # transformers runs it as a causal model without a word, each token seeing those after it.
    folder = save_encoder_model(tmp_path / kind, kind)
    edit_json(folder / "config.json", architectures=[f"{kind.capitalize()}ForCausalLM"])
    if kind == "bert":
        edit_json(folder / "config.json", architectures=["BertLMHeadModel"])
    sentence = run(model=folder).sentence()
    assert f"a model of type {kind!r} under a causal head is no decoder-only language model" in sentence
    assert sentence.endswith("name another --model.")


@pytest.mark.parametrize(
    ("kind", "weight"),
    [("bert", "bert.encoder.layer.1.output.dense.weight"), ("t5", "decoder.block.1.layer.1.EncDecAttention.k.weight")],
)  # fmt: skip
def test_weights_of_other_families_are_never_made_up(
    run: Runner, tmp_path: Path, kind: str, weight: str
) -> None:
    from safetensors.torch import load_file, save_file

    folder = save_encoder_model(tmp_path / kind, kind)
    weights = load_file(folder / "model.safetensors")
    del weights[weight]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    assert f"lacks 1 of its model's weights (such as {weight})" in run(model=folder).sentence()


def test_tokens_that_a_family_needs(run: Runner, tmp_path: Path) -> None:
    bert = save_encoder_model(tmp_path / "bert", "bert")
    edit_json(bert / "tokenizer_config.json", mask_token=None)
    assert "names no mask token: add `mask_token` to its tokenizer_config.json" in run(model=bert).sentence()
    t5 = save_encoder_model(tmp_path / "t5", "t5")
    for name in ("config.json", "generation_config.json"):
        edit_json(t5 / name, decoder_start_token_id=None)
    assert "has no decoder_start_token_id" in run(model=t5).sentence()


def test_a_decoder_of_an_encoders_family(run: Runner, tmp_path: Path) -> None:
    import transformers

    save_tokenizer(tmp_path / "bert")
    config = transformers.BertConfig(
        vocab_size=320, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        is_decoder=True,
    )  # fmt: skip
    transformers.BertLMHeadModel(config).save_pretrained(tmp_path / "bert")
    assert run(model=tmp_path / "bert").code == 0


def test_a_chat_template_that_is_broken(run: Runner, broken: Path) -> None:
    (broken / "chat_template.jinja").write_text("{{ messages[")
    sentence = run("--chat", "on", model=broken).sentence()
    assert sentence.startswith("choose: the model's chat template cannot be used (TemplateSyntaxError")
    assert "run with --chat off" in sentence


def _nan_for(folder: Path, text: str) -> None:
    """Make the model answer NaN wherever the token of `text` is read."""
    from safetensors.torch import load_file, save_file
    from transformers import AutoTokenizer

    (token,) = AutoTokenizer.from_pretrained(folder)(text, add_special_tokens=False)["input_ids"]
    weights = load_file(folder / "model.safetensors")
    weights["model.embed_tokens.weight"][token] = float("nan")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def test_nan(run: Runner, broken: Path, tmp_path: Path) -> None:
    _nan_for(broken, "Z")
    defs = tmp_path / "defs"
    some = [{**row, "question": "Z" if at < 3 else row["question"]} for at, row in enumerate(QUESTIONS)]
    write_task(defs, "some_nan", some, **SCORE)
    write_task(defs, "no_nan", QUESTIONS, **SCORE)
    store = tmp_path / "store"
    whole = run("--store", store, tasks="some_nan,no_nan", model=broken, include=defs)
    assert whole.code == 2
    assert "Traceback" not in whole.err
    expected = (
        "lsm-eval: some_nan: the model gave NaN for 3 of 24 samples, which count as missing; try --dtype float32, "
        "or check the checkpoint."
    )
    assert whole.err.splitlines()[-1] == expected
    estimates = {row["task"]: row for row in json.loads((whole.record / "estimates.json").read_text())}
    assert (estimates["some_nan"]["n"], estimates["some_nan"]["missing"]) == (21, 3)
    assert (estimates["no_nan"]["n"], estimates["no_nan"]["missing"]) == (24, 0)
    clean = run("--store", "none", tasks="no_nan", model=broken, include=defs)
    (row,) = json.loads((clean.record / "estimates.json").read_text())
    assert row["value"] == estimates["no_nan"]["value"], "the other task's numbers are not touched"

    samples = pq.read_table(whole.record / "samples" / "some_nan.parquet").to_pylist()
    assert [row["failure"] for row in samples] == ["nan"] * 3 + [None] * 21
    assert samples[0]["score.acc"] is None
    (database,) = store.glob("*.sqlite")
    (kept,) = sqlite3.connect(database).execute("select count(*) from answers").fetchone()
    asked = len({(row["question"], tuple(row["choices"])) for row in [*some, *QUESTIONS]})
    asked_nan = len({tuple(row["choices"]) for row in some[:3]})
    assert kept == asked - asked_nan, "what is NaN is not kept"

    again = run("--store", store, tasks="some_nan,no_nan", model=broken, include=defs)
    assert again.code == 2, "and so is asked again, and told again"
    requests = json.loads((again.record / "manifest.json").read_text())["requests"]
    assert (requests["computed"], requests["failed"]) == (asked_nan, asked_nan)


def test_nan_everywhere(run: Runner, broken: Path) -> None:
    _nan_for(broken, "?")  # every prompt ends so
    whole = run(tasks="choose,say", model=broken)
    assert whole.code == 2
    assert len([line for line in whole.err.splitlines() if "the model gave NaN for 24 of 24" in line]) == 2
    for row in json.loads((whole.record / "estimates.json").read_text()):
        assert (row["value"], row["n"], row["missing"]) == (None, 0, 24), "nothing measured is None, never 0"
