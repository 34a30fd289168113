"""Checkpoints whose files disagree: refused with one sentence, or said to be, and never read as something else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_models import CHAT, edit_json, save_encoder_model, save_model

from lsm_eval.errors import UserError
from lsm_eval.models.base import ModelOptions
from lsm_eval.models.hf import HFModel

Damage = Callable[[Path], object]


@pytest.fixture
def folder(tiny_llama: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_llama, tmp_path / "llama"))


def loaded(folder: Path) -> tuple[HFModel, list[str]]:
    """The model, its weights read, and what it noted."""
    notes: list[str] = []
    model = HFModel("hf:tiny", ModelOptions(device="cpu"), folder=folder, note=notes.append)
    model.load()
    return model, notes


def refused(folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        loaded(folder)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert "weights_only" not in sentence
    return sentence


def edit_weights(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def _mixture(folder: Path) -> Path:
    import torch
    import transformers

    save_model(folder)  # for its tokenizer
    config = transformers.MixtralConfig(
        vocab_size=320, hidden_size=32, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, num_local_experts=4,
    )  # fmt: skip
    torch.manual_seed(0)
    transformers.MixtralForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("make", "changes", "such_as"),
    [
        (lambda to: save_model(to), {"num_hidden_layers": 1}, "9 weights (such as model.layers.1."),
        (lambda to: save_model(to), {"num_hidden_layers": 0}, "18 weights (such as model.layers.0."),
        (lambda to: save_model(to, "gpt2"), {"n_layer": 1}, "(such as transformer.h.1."),
        (lambda to: save_encoder_model(to, "t5"), {"num_decoder_layers": 2}, "(such as decoder.block.2."),
        (lambda to: save_encoder_model(to, "t5"), {"num_layers": 1}, "(such as encoder.block.1."),
        (lambda to: save_encoder_model(to, "bart"), {"encoder_layers": 1}, "(such as model.encoder.layers.1."),
        (lambda to: save_encoder_model(to, "bert"), {"num_hidden_layers": 1}, "(such as bert.encoder.layer.1."),
        (lambda to: save_encoder_model(to, "distilbert"), {"n_layers": 1}, "(such as distilbert.transformer.layer.1."),
        (_mixture, {"num_hidden_layers": 1}, "(such as model.layers.1."),
    ],
)  # fmt: skip
def test_layers_beyond_the_configuration(
    tmp_path: Path, make: Callable[[Path], Path], changes: dict[str, Any], such_as: str
) -> None:
    folder = make(tmp_path / "model")
    edit_json(folder / "config.json", **changes, layer_types=None)
    sentence = refused(folder)
    assert such_as in sentence
    assert "beyond the" in sentence


@pytest.mark.parametrize("experts", [2, 8])
def test_another_number_of_experts(tmp_path: Path, experts: int) -> None:
    folder = _mixture(tmp_path / "model")
    edit_json(folder / "config.json", num_local_experts=experts)
    assert "do not have the shape that config.json says" in refused(folder)


def test_layers_of_a_body_that_was_saved_alone(folder: Path) -> None:
    def bare(weights: dict[str, Any]) -> None:
        for name in list(weights):
            weights[name.removeprefix("model.")] = weights.pop(name)

    edit_weights(folder, bare)
    assert loaded(folder)[1] == []
    edit_json(folder / "config.json", num_hidden_layers=1, layer_types=None)
    assert "9 weights (such as layers.1." in refused(folder)


def test_heads_for_something_else_are_left_unused_and_said(tmp_path: Path) -> None:
    folder = save_encoder_model(tmp_path / "bert", "bert", head="BertForPreTraining")
    model, notes = loaded(folder)
    assert (model.info.details or {})["unused weights"] == "4 (such as bert.pooler.dense.bias)"
    (note,) = notes
    assert note.startswith("hf:tiny: the model has no place for 4 (such as bert.pooler.dense.bias)")
    assert note.endswith("of the checkpoint's weights: left unused.")


@pytest.mark.parametrize(
    "name", ["vision_tower.encoder.layers.7.mlp.weight", "mtp.layers.5.weight", "score.weight"]
)
def test_parts_that_are_no_layers_of_the_body_are_left_unused_and_said(folder: Path, name: str) -> None:
    import torch

    edit_weights(folder, lambda weights: weights.update({name: torch.ones(2)}))
    model, notes = loaded(folder)
    assert name in (model.info.details or {})["unused weights"]
    assert len(notes) == 1


def test_layers_that_predict_further_tokens_are_announced_by_the_configuration(folder: Path) -> None:
    import torch

    edit_weights(folder, lambda weights: weights.update({"model.layers.2.eh_proj.weight": torch.ones(2)}))
    assert "model.layers.2.eh_proj.weight" in refused(folder)
    edit_json(folder / "config.json", num_nextn_predict_layers=1)
    assert len(loaded(folder)[1]) == 1


def test_what_every_checkpoint_of_a_kind_may_hold_is_not_mentioned(folder: Path) -> None:
    import torch

    buffer = "model.layers.0.self_attn.rotary_emb.inv_freq"
    edit_weights(folder, lambda weights: weights.update({buffer: torch.ones(4)}))
    model, notes = loaded(folder)
    assert notes == []
    assert "unused weights" not in (model.info.details or {})


class _Program:
    """A pickle that would run something where it is read."""

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return exec, ("raise SystemExit('it ran')",)


@pytest.mark.parametrize(
    "content", [{"a": _Program()}, {"a": Path("x")}, [1, 2], b"<html>not found</html>", b"", b"cut"]
)
@pytest.mark.parametrize("sharded", [False, True])
def test_a_pickle_of_anything_but_tensors_is_refused(folder: Path, content: Any, sharded: bool) -> None:
    import torch
    from safetensors.torch import load_file

    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    name = "part-2.bin" if sharded else "pytorch_model.bin"
    if sharded:
        torch.save(weights, folder / "part-1.bin")
        index = {"metadata": {}, "weight_map": {"a": name, **dict.fromkeys(weights, "part-1.bin")}}
        (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    if content == b"cut":
        torch.save(weights, folder / name)
        (folder / name).write_bytes((folder / name).read_bytes()[:5000])
    elif isinstance(content, bytes):
        (folder / name).write_bytes(content)
    else:
        torch.save(content, folder / name)
    assert refused(folder) == (
        f"{folder}: {name} is damaged, or holds something other than tensors, and is refused: such a file can run a "
        "program when it is read; take a checkpoint in safetensors, or fetch this one again."
    )


def _write(name: str, text: str) -> Damage:
    return lambda folder: (folder / name).write_text(text)


def _edit(name: str, **changes: Any) -> Damage:
    return lambda folder: edit_json(folder / name, **changes)


def _index(content: str) -> Damage:
    def damage(folder: Path) -> None:
        (folder / "model.safetensors").rename(folder / "part-1.safetensors")
        (folder / "model.safetensors.index.json").write_text(content)

    return damage


def _loop(name: str) -> Damage:
    def damage(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).symlink_to(folder / name)

    return damage


def _folder(name: str) -> Damage:
    def damage(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return damage


def _nothing(folder: Path) -> None:
    from safetensors.torch import save_file

    save_file({}, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (_index("[]"), "model.safetensors.index.json names no weights files"),
        (_index('{"weight_map": {'), "model.safetensors.index.json names no weights files"),
        (_index('{"metadata": {}}'), "model.safetensors.index.json names no weights files"),
        (_index('{"weight_map": {"a": "part-1.safetensors", "b": "part-2.safetensors"}}'),
         "1 of the 2 weights files that model.safetensors.index.json names (such as part-2.safetensors) are not there"),
        (_nothing, "lacks 21 of its model's weights"),
        (_write("config.json", "null"), "its configuration cannot be used"),
        (_write("config.json", "[" * 100_000), "its configuration cannot be used"),
        (_edit("config.json", architectures=3), "its configuration cannot be used"),
        (_edit("config.json", num_attention_heads=0), "its configuration cannot be used"),
        (_edit("config.json", text_config=[1]), "cannot be used"),
        (_edit("config.json", transformers_weights=3), "its weights cannot be used"),
        (_edit("config.json", vocab_size=-1), "cannot be used"),
        (_loop("config.json"), "has no config.json"),
        (_write("generation_config.json", '{"eos_token_id": '), "generation_config.json: is no JSON"),
        (_write("generation_config.json", "[2]"), "generation_config.json: holds no JSON object"),
        (_folder("generation_config.json"), "generation_config.json: cannot be read"),
        (_edit("generation_config.json", eos_token_id="</s>"), "eos_token_id is '</s>', and must be a token's number"),
        (_edit("generation_config.json", eos_token_id=[[1], 2]), "eos_token_id is [[1], 2], and must be"),
        (_edit("generation_config.json", eos_token_id=True), "eos_token_id is True, and must be"),
        (_edit("generation_config.json", eos_token_id=1.0), "eos_token_id is 1.0, and must be"),
        (_edit("generation_config.json", forced_bos_token_id="de"), "forced_bos_token_id is 'de', and must be"),
        (_edit("generation_config.json", bad_words_ids=[3]), "bad_words_ids is no list of lists"),
        (_edit("generation_config.json", bad_words_ids=[["x"]]), "bad_words_ids is ['x'], and must be"),
        (_edit("generation_config.json", max_new_tokens="many"), "generation_config.json: cannot be used"),
        (_write("tokenizer.json", "{}"), "its tokenizer cannot be used"),
        (_loop("tokenizer.json"), "its tokenizer cannot be used"),
        (_write("tokenizer_config.json", "[]"), "its tokenizer cannot be used"),
        (_edit("tokenizer_config.json", model_max_length="x"), "its tokenizer cannot be used (model_max_length is 'x')"),
        (_edit("tokenizer_config.json", chat_template=3), "its tokenizer cannot be used (chat_template is 3)"),
    ],
)  # fmt: skip
def test_damage_is_one_sentence(folder: Path, damage: Damage, says: str) -> None:
    damage(folder)
    assert says in refused(folder)


def test_a_link_of_the_settings_to_nowhere(folder: Path) -> None:
    _loop("generation_config.json")(folder)
    with pytest.raises(UserError, match=r"generation_config\.json: is a link that leads nowhere"):
        loaded(folder)[0].fingerprint()


def test_end_tokens_of_all_forms(folder: Path) -> None:
    for given, ends in ((None, (1,)), (7, (7, 1)), ([7, 1], (7, 1)), ([], (1,))):
        content = json.loads((folder / "generation_config.json").read_text())
        (folder / "generation_config.json").write_text(json.dumps({**content, "eos_token_id": given}))
        model, _ = loaded(folder)
        network: Any = model._network
        assert tuple(network._runtime.ends) == ends
    (folder / "generation_config.json").unlink()
    assert loaded(folder)[0].info.chat_template is False
    (folder / "chat_template.jinja").write_text(CHAT)
    assert loaded(folder)[0].info.chat_template is True
