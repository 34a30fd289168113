"""A PEFT adapter on a local checkpoint."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import call
from tiny_models import edit_json, save_model

from lsm_eval.errors import UserError
from lsm_eval.models.base import ModelOptions
from lsm_eval.models.create import create
from lsm_eval.models.hf import HFModel
from lsm_eval.requests import Generate, Likelihood, Perplexity, Score, Scored

ASK = Score("the cat sat on", (" the mat", " the dog", " nothing"))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("base") / "tiny")


@pytest.fixture(scope="module")
def adapter(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA adapter whose weights are not zero, as a trained one's are."""
    peft = pytest.importorskip("peft", reason="needs the extra `peft`")
    import torch
    from transformers import AutoModelForCausalLM

    torch.manual_seed(1)
    config = peft.LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    model = peft.get_peft_model(AutoModelForCausalLM.from_pretrained(checkpoint), config)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.3)
    folder = tmp_path_factory.mktemp("adapter")
    model.save_pretrained(folder)
    return folder


def scores(checkpoint: Path, **options: Any) -> tuple[float, ...]:
    model = create(str(checkpoint), ModelOptions(**options))
    ((found,),) = [batch.values() for batch in model.answer([ASK])]
    assert isinstance(found, Scored)
    return found.logprobs


def test_scores_are_those_of_the_adapted_model(checkpoint: Path, adapter: Path) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model: Any = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(checkpoint), adapter).eval()
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    wanted = []
    for continuation in ASK.continuations:
        head = tokenizer(ASK.context)["input_ids"]
        ids = tokenizer(ASK.context + continuation)["input_ids"]
        with torch.no_grad():
            logprobs = model(torch.tensor([ids])).logits[0].float().log_softmax(-1)
        wanted.append(sum(float(logprobs[at - 1, ids[at]]) for at in range(len(head), len(ids))))
    adapted = scores(checkpoint, adapter=str(adapter))
    assert adapted == pytest.approx(wanted, abs=1e-4)
    assert adapted != pytest.approx(scores(checkpoint), abs=1e-2)


def test_a_model_with_an_adapter_has_a_fingerprint_of_its_own(checkpoint: Path, adapter: Path) -> None:
    plain = create(str(checkpoint), ModelOptions())
    adapted = create(str(checkpoint), ModelOptions(adapter=str(adapter)))
    assert plain.fingerprint() != adapted.fingerprint()
    assert (adapted.info.details or {})["adapter"] == str(adapter)


def test_an_adapter_of_another_model_is_one_sentence(adapter: Path, tmp_path: Path) -> None:
    other = save_model(tmp_path / "other", "gpt2")
    with pytest.raises(UserError, match="does not fit the model"):
        create(str(other), ModelOptions(adapter=str(adapter))).load()


def _adapter(checkpoint: Path, folder: Path, config: Any, *, tokens: int = 0) -> Path:
    """A trained-looking adapter of any kind, with the tokenizer it was trained with where tokens were added."""
    import peft
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model: Any = AutoModelForCausalLM.from_pretrained(checkpoint)
    if tokens:
        tokenizer = AutoTokenizer.from_pretrained(checkpoint)
        tokenizer.add_tokens([f"<new{at}>" for at in range(tokens)])
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
        tokenizer.save_pretrained(folder)
    torch.manual_seed(2)
    wrapped = peft.get_peft_model(model, config)
    for name, weight in wrapped.named_parameters():
        if weight.requires_grad and "magnitude" not in name:
            torch.nn.init.normal_(weight, std=0.3)
    wrapped.save_pretrained(folder)
    return folder


def _lora(**changes: Any) -> Any:
    peft = pytest.importorskip("peft", reason="needs the extra `peft`")
    return peft.LoraConfig(
        **{
            "r": 4,
            "lora_alpha": 8,
            "target_modules": ["q_proj", "v_proj"],
            "task_type": "CAUSAL_LM",
            **changes,
        }
    )


def _expected(checkpoint: Path, adapter: Path, text: str, *, size: int | None = None) -> list[float]:
    """Log-probabilities of the tokens of `text` by PEFT's own loading, unmerged."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    base: Any = AutoModelForCausalLM.from_pretrained(checkpoint)
    if size:
        base.resize_token_embeddings(size, mean_resizing=False)
    model: Any = PeftModel.from_pretrained(base, adapter).eval()
    ids = AutoTokenizer.from_pretrained(adapter if size else checkpoint)(text)["input_ids"]
    with torch.no_grad():
        logprobs = model(torch.tensor([ids])).logits[0].float().log_softmax(-1)
    return [float(logprobs[at - 1, ids[at]]) for at in range(1, len(ids))]


def _perplexity(checkpoint: Path, adapter: Path, text: str) -> float:
    model = create(str(checkpoint), ModelOptions(adapter=str(adapter)))
    ((found,),) = [batch.values() for batch in model.answer([Perplexity(text)])]
    assert isinstance(found, Likelihood)
    return found.logprob


@pytest.mark.parametrize("kind", ["dora", "modules_to_save", "ia3", "lokr", "bin", "classifier's"])
def test_other_kinds_of_adapters_are_merged(checkpoint: Path, tmp_path: Path, kind: str) -> None:
    peft = pytest.importorskip("peft", reason="needs the extra `peft`")
    config = {
        "dora": lambda: _lora(use_dora=True),
        "modules_to_save": lambda: _lora(modules_to_save=["lm_head"]),
        "ia3": lambda: peft.IA3Config(
            target_modules=["k_proj", "down_proj"], feedforward_modules=["down_proj"], task_type="CAUSAL_LM"
        ),
        "lokr": lambda: peft.LoKrConfig(r=4, alpha=8, target_modules=["q_proj"], task_type="CAUSAL_LM"),
    }.get(kind, _lora)()
    folder = _adapter(checkpoint, tmp_path / "tune", config)
    if kind == "bin":
        import torch
        from safetensors.torch import load_file

        torch.save(load_file(folder / "adapter_model.safetensors"), folder / "adapter_model.bin")
        (folder / "adapter_model.safetensors").unlink()
    if kind == "classifier's":
        edit_json(folder / "adapter_config.json", task_type="FEATURE_EXTRACTION")
    text = "the cat sat on the mat"
    expected = sum(_expected(checkpoint, folder, text))
    assert _perplexity(checkpoint, folder, text) == pytest.approx(expected, abs=1e-3)


def _rename(old: str, new: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        from safetensors.torch import load_file, save_file

        path = folder / "adapter_model.safetensors"
        renamed = {name.replace(old, new): weight for name, weight in load_file(path).items()}
        save_file(renamed, path, metadata={"format": "pt"})

    return damage


def _without(part: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        from safetensors.torch import load_file, save_file

        path = folder / "adapter_model.safetensors"
        save_file(
            {k: w for k, w in load_file(path).items() if part not in k}, path, metadata={"format": "pt"}
        )

    return damage


def _pickle(content: Any) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        import torch

        (folder / "adapter_model.safetensors").unlink()
        torch.save(content, folder / "adapter_model.bin")

    return damage


def _configured(**changes: Any) -> Callable[[Path], None]:
    return lambda folder: edit_json(folder / "adapter_config.json", **changes)


def _cut(folder: Path) -> None:
    path = folder / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:700])


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (_rename("base_model.model.", "base_model.model.thinker."), "8 of its 8 tensors (such as thinker.model.layers"),
        (_rename("layers.1.", "layers.7."), "4 of its 8 tensors (such as model.layers.7."),
        (_without("lora_B"), "it lacks 4 of the tensors that its configuration names (such as"),
        (_without("layers.1."), "it lacks 4 of the tensors that its configuration names (such as"),
        (_without("lora"), "it lacks 8 of the tensors"),
        (_configured(target_modules=["q_proj"]), "4 of its 8 tensors (such as model.layers.0.self_attn.v_proj"),
        (_configured(target_modules=["nosuch"]), "does not fit the model"),
        (_configured(modules_to_save=["lm_head"]), "does not fit the model"),
        (_configured(r=2), "does not fit the model"),
        (_configured(r="x"), "--adapter"),
        (_configured(peft_type="NOSUCH"), "--adapter"),
        (_configured(peft_type=None), "names no kind of adapter"),
        (_configured(peft_type="PREFIX_TUNING"), "cannot be merged into a model; use LoRA"),
        (_cut, "adapter_model.safetensors is damaged, cut short"),
        (_pickle({"a": Path("x")}), "adapter_model.bin is damaged, cut short, or holds something other than tensors"),
        (_pickle([1]), "adapter_model.bin is damaged, cut short, or holds something other than tensors"),
        (lambda folder: (folder / "adapter_model.safetensors").unlink(), "has no adapter_model.safetensors"),
        (lambda folder: (folder / "adapter_config.json").write_text("{"), "adapter_config.json is no JSON"),
        (lambda folder: (folder / "adapter_config.json").write_text("[]"), "names no kind of adapter"),
        (lambda folder: (folder / "adapter_config.json").unlink(), "has no adapter_config.json"),
    ],
)  # fmt: skip
def test_an_adapter_that_does_not_fit_is_refused(
    checkpoint: Path, adapter: Path, tmp_path: Path, damage: Callable[[Path], None], says: str
) -> None:
    folder = Path(shutil.copytree(adapter, tmp_path / "tune"))
    damage(folder)
    with pytest.raises(UserError) as caught:
        create(str(checkpoint), ModelOptions(adapter=str(folder))).load()
    sentence = str(caught.value)
    assert says in sentence
    assert sentence.startswith(f"--adapter {folder}: ")
    assert "\n" not in sentence
    assert "weights_only" not in sentence


def test_an_adapter_with_a_larger_vocabulary(checkpoint: Path, tmp_path: Path) -> None:
    folder = _adapter(
        checkpoint, tmp_path / "tune", _lora(modules_to_save=["embed_tokens", "lm_head"]), tokens=3
    )
    text = "the cat<new1> sat on<new2>"
    expected = sum(_expected(checkpoint, folder, text, size=323))
    assert _perplexity(checkpoint, folder, text) == pytest.approx(expected, abs=1e-3)
    assert _perplexity(checkpoint, folder, text) == pytest.approx(expected, abs=1e-3), "nothing is drawn"


def test_an_adapter_with_a_larger_vocabulary_and_no_embeddings_of_it(
    checkpoint: Path, tmp_path: Path
) -> None:
    config = _lora(target_modules=["q_proj", "embed_tokens"])
    folder = _adapter(checkpoint, tmp_path / "tune", config, tokens=3)
    _without("embed_tokens.base_layer")(folder)
    _without("embed_tokens.weight")(folder)
    with pytest.raises(
        UserError, match=r"vocabulary of 323 tokens and the model has 320.*merge it into its base"
    ):
        create(str(checkpoint), ModelOptions(adapter=str(folder))).load()


def test_the_adapters_own_tokenizer_and_template_are_used(
    checkpoint: Path, adapter: Path, tmp_path: Path
) -> None:
    from transformers import AutoTokenizer

    folder = Path(shutil.copytree(adapter, tmp_path / "tune"))
    options = ModelOptions(adapter=str(folder))
    plain = create(str(checkpoint), options).fingerprint()
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    tokenizer.chat_template = "Q: {{ messages[-1]['content'] }} A:"
    tokenizer.save_pretrained(folder)
    notes: list[str] = []
    model = HFModel("hf:tiny", options, folder=checkpoint, note=notes.append)
    assert model.info.chat_template
    assert model.render(Generate("why?", chat=True)) == "Q: why? A:"
    assert (model.info.details or {})["tokenizer"] == "the adapter's own, with its chat template"
    assert notes == ["hf:tiny: the adapter has its own tokenizer, which is used."]
    assert model.fingerprint() != plain
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    template_only = HFModel("hf:tiny", options, folder=checkpoint)
    assert template_only.render(Generate("why?", chat=True)) == "Q: why? A:"
    assert (template_only.info.details or {})["chat template"] == "the adapter's own"


def test_an_adapter_as_a_model_is_one_sentence(checkpoint: Path, adapter: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds a PEFT adapter: name its base model as --model"):
        create(str(adapter), ModelOptions()).load()
    # transformers would load the base that the adapter names, from wherever that is.
    both = Path(shutil.copytree(checkpoint, tmp_path / "both"))
    shutil.copy(adapter / "adapter_config.json", both)
    with pytest.raises(UserError, match=r"if its weights are merged, remove adapter_config\.json"):
        create(str(both), ModelOptions()).load()


def test_an_adapter_that_names_another_base_is_said(checkpoint: Path, adapter: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(adapter, tmp_path / "tune"))

    def said(base: str | None, **model: Any) -> tuple[list[str], str | None]:
        edit_json(folder / "adapter_config.json", base_model_name_or_path=base)
        notes: list[str] = []
        made = HFModel("hf:x", ModelOptions(adapter=str(folder)), note=notes.append, **model)
        made.fingerprint()
        return notes, (made.info.details or {}).get("adapter base")

    snapshot = tmp_path / "models--org--own" / "snapshots" / ("0" * 40)
    shutil.copytree(checkpoint, snapshot)
    for base in (None, "", "somewhere/tiny", "org/Tiny"):
        assert said(base, folder=checkpoint) == ([], None)
    assert said("org/own", folder=snapshot) == ([], None)
    notes, base = said("/home/me/secret/other", folder=checkpoint)
    assert base == "other"
    assert len(notes) == 1
    assert notes[0].startswith("hf:x: the adapter says that it was trained on 'other'; ")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["a", "b"], "--adapter is given 2 times, and this shows one model at a time"),
        ([" "], "--adapter is empty"),
        (["hf:org/none@v1", "--offline"], "hf:org/none@v1: it is not in the local cache"),
    ],
)
def test_one_adapter_by_its_name(checkpoint: Path, given: list[str], says: str) -> None:
    options = [part for one in given for part in ([one] if one.startswith("--") else ["--adapter", one])]
    done = call("show", "task", "quickstart_bias", "--model", checkpoint, *options)
    assert done.sentence().startswith(says)


def test_a_kind_of_adapter_that_peft_does_not_know(checkpoint: Path, adapter: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(adapter, tmp_path / "tune"))
    edit_json(folder / "adapter_config.json", peft_type="TOMORROW")
    with pytest.raises(UserError, match="configuration cannot be used by this version of peft"):
        create(str(checkpoint), ModelOptions(adapter=str(folder))).load()
