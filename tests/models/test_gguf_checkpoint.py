"""Small GGUF files, written here: what is converted, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tiny_gguf import PIECES, write_gemma3, write_llama

from lsm_eval.errors import UserError
from lsm_eval.models.gguf_checkpoint import convert


def test_untied_and_user_defined(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    file = write_llama(tmp_path / "tiny.gguf")
    folder = tmp_path / "folder"
    folder.mkdir()
    conversion = convert(file, folder)
    ours: Any = AutoModelForCausalLM.from_pretrained(folder)
    theirs: Any = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file=file.name, dtype=torch.float32)
    assert ours.config.tie_word_embeddings is False
    assert not torch.equal(ours.lm_head.weight, ours.model.embed_tokens.weight)
    mine, other = ours.state_dict(), theirs.state_dict()
    assert mine.keys() == other.keys()
    assert [name for name in mine if not torch.equal(mine[name], other[name])] == []
    assert conversion.parameters == sum(tensor.numel() for tensor in mine.values())
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer("<tool>he<|im_end|>")["input_ids"]
    assert ids == [3, len(tokenizer) - 1, 2]
    assert tokenizer.decode(ids, skip_special_tokens=True) == "<tool>he"
    assert tokenizer.model_max_length == 128
    assert json.loads((folder / "config.json").read_text())["rms_norm_eps"] == 1e-6


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"architecture": "gpt2"}, "no Llama or Gemma 3"),
        ({"pre": "llama-bpe"}, "gpt2/llama-bpe"),
        ({"extra": "rope_freqs"}, "rope_freqs"),
    ],
)
def test_refused(changes: dict[str, str], words: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=words):
        convert(write_llama(tmp_path / "other.gguf", **changes), tmp_path)


@pytest.mark.parametrize("size", [0, 3, 100, 2000, -100])
def test_truncated(size: int, tmp_path: Path) -> None:
    file = write_llama(tmp_path / "tiny.gguf")
    file.write_bytes(file.read_bytes()[:size])
    with pytest.raises(UserError, match="damaged or no GGUF file"):
        convert(file, tmp_path)


@pytest.fixture
def gemma3(tmp_path: Path) -> Path:
    """The folder that comes of a small Gemma 3; the file lies beside it."""
    folder = tmp_path / "folder"
    folder.mkdir()
    convert(write_gemma3(tmp_path / "tiny.gguf"), folder)
    return folder


class TestGemma3:
    def test_weights_are_those_of_transformers_own_reader(self, gemma3: Path) -> None:
        import torch
        from transformers import AutoModelForCausalLM

        ours: Any = AutoModelForCausalLM.from_pretrained(gemma3)
        theirs: Any = AutoModelForCausalLM.from_pretrained(
            gemma3.parent, gguf_file="tiny.gguf", dtype=torch.float32
        )
        mine, other = ours.state_dict(), theirs.state_dict()
        assert mine.keys() == other.keys()
        assert [name for name in mine if not torch.equal(mine[name], other[name])] == []
        assert "model.layers.6.self_attn.q_norm.weight" in mine

    def test_norms_count_from_nought(self, gemma3: Path) -> None:
        """The file's norms are 1 more than what transformers adds 1 to."""
        from gguf import GGUFReader
        from safetensors.numpy import load_file

        weights = load_file(gemma3 / "model.safetensors")
        names = {
            "output_norm.weight": "model.norm.weight",
            "blk.5.post_ffw_norm.weight": "model.layers.5.post_feedforward_layernorm.weight",
            "blk.5.attn_k_norm.weight": "model.layers.5.self_attn.k_norm.weight",
        }
        found = {tensor.name: tensor.data for tensor in GGUFReader(str(gemma3.parent / "tiny.gguf")).tensors}
        for theirs, ours in names.items():
            assert weights[ours] == pytest.approx(found[theirs] - 1, abs=1e-6)
        assert weights["model.layers.5.mlp.up_proj.weight"] == pytest.approx(found["blk.5.ffn_up.weight"])

    def test_computes_what_llamacpp_does(self, gemma3: Path) -> None:
        """At places before, at and past the window's edge; and each way to read the file wrongly shows."""
        import torch
        from llamacpp_server import serve
        from transformers import AutoConfig, AutoModelForCausalLM

        ids = [2, *(10 + (7 * n * n + n) % 280 for n in range(50))]
        lengths = (1, 5, 16, 17, 18, 30, 51)
        with serve(gemma3.parent / "tiny.gguf", context=128) as server:
            theirs = {n: server.next_token(ids[:n], 20) for n in lengths}

        def furthest(norms: float = 0.0, **changes: Any) -> float:
            """Greatest difference between log-probabilities of the likely tokens."""
            config: Any = AutoConfig.from_pretrained(gemma3)
            for key, value in changes.items():
                setattr(config, key, value)
            model: Any = AutoModelForCausalLM.from_pretrained(gemma3, config=config)
            with torch.inference_mode():
                for name, weight in model.named_parameters():
                    weight += norms if name.endswith("norm.weight") else 0.0
                found = model(torch.tensor([ids])).logits[0].log_softmax(-1)
            pairs = ((found[n - 1, k].item(), p) for n, top in theirs.items() for k, p in top.items())
            return float(max(abs(ours - p) for ours, p in pairs))

        assert furthest() < 0.01
        kinds = {"sliding_attention": 1e4, "full_attention": 1e6}
        swapped = dict(zip(kinds, reversed(kinds.values()), strict=True))
        ropes = [{**kinds, "full_attention": 1e4}, {**kinds, "sliding_attention": 1e6}, swapped]
        wrong: dict[str, dict[str, Any]] = {
            "norms not brought back": {"norms": 1.0},
            "narrower window": {"sliding_window": 15},
            "wider window": {"sliding_window": 17},
            "no window": {"layer_types": ["full_attention"] * 7},
            "wrong layer without one": {"layer_types": ["full_attention", *["sliding_attention"] * 6]},
            "scale of the attention": {"query_pre_attn_scalar": 8},
            **{
                f"rope {number}": {
                    "rope_parameters": {
                        kind: {"rope_type": "default", "rope_theta": base} for kind, base in rope.items()
                    }
                }
                for number, rope in enumerate(ropes)
            },
        }
        assert {name: d for name, change in wrong.items() if (d := furthest(**change)) < 0.1} == {}

    def test_config(self, gemma3: Path) -> None:
        config = json.loads((gemma3 / "config.json").read_text())
        assert (config["rope_theta"], config["rope_local_base_freq"]) == (1e6, 1e4)
        assert config["layer_types"] == [*["sliding_attention"] * 5, "full_attention", "sliding_attention"]
        assert (config["sliding_window"], config["head_dim"], config["query_pre_attn_scalar"]) == (16, 16, 16)
        assert (config["num_key_value_heads"], config["max_position_embeddings"]) == (1, 128)
        assert config["tie_word_embeddings"] is True

    def test_tokenizer(self, gemma3: Path) -> None:
        from transformers import AutoTokenizer

        tokenizer: Any = AutoTokenizer.from_pretrained(gemma3)
        first = 10 + 256

        def pieces(text: str) -> list[str]:
            ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
            assert tokenizer.decode(ids) == text
            return [str(token) for token in tokenizer.convert_ids_to_tokens(ids)]

        assert tokenizer("the")["input_ids"] == [2, first + PIECES.index("the")]
        # The likelier token wins, not the longer one or that further left.
        assert pieces("this") == ["t", "his"]
        assert pieces("a the") == ["a", "▁the"]
        assert pieces("a    the\n\n\n") == ["a", "   ", "▁the", "\n\n", "\n"]
        assert pieces("é") == ["<0xC3>", "<0xA9>"]
        assert tokenizer("<eos>a<start_of_turn>", add_special_tokens=False)["input_ids"] == [1, first + 1, 4]
        assert tokenizer.decode([2, first + 1, 1], skip_special_tokens=True) == "a"
        assert tokenizer.chat_template is None
        assert (tokenizer.pad_token, tokenizer.unk_token) == ("<pad>", "<unk>")

    def test_chat_template_is_the_files(self, tmp_path: Path) -> None:
        from transformers import AutoTokenizer

        changes: dict[str, Any] = {"tokenizer.chat_template": "{{ bos_token }}{{ messages[0]['content'] }}"}
        convert(write_gemma3(tmp_path / "tiny.gguf", **changes), tmp_path)
        tokenizer: Any = AutoTokenizer.from_pretrained(tmp_path)
        assert tokenizer.apply_chat_template([{"role": "user", "content": "hi"}], tokenize=False) == "<bos>hi"

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"gemma3.rope.scaling.type": "linear"}, "scales its rotary embedding"),
            ({"gemma3.attention.value_length": 8}, "keys and values differ"),
            ({"gemma3.attention.sliding_window": None}, "lacks gemma3.attention.sliding_window"),
            ({"tokenizer.ggml.add_space_prefix": True}, "puts a blank before"),
            ({"tokenizer.ggml.scores": None}, "lacks tokenizer.ggml.scores"),
        ],
    )
    def test_refused(self, changes: dict[str, Any], words: str, tmp_path: Path) -> None:
        with pytest.raises(UserError, match=words):
            convert(write_gemma3(tmp_path / "other.gguf", **changes), tmp_path)
