"""Random checkpoints of a few thousand weights, with tokenizers in which words fall apart and merge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CONTEXT = 64
CHAT = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
CHAT_WITH_BOS = "{{ bos_token }}" + CHAT

# Merges such as "th", "the", " the": enough that a continuation can merge with what stands before it.
_TEXT = [
    "the cat sat on the mat and the dog sat on the log",
    "what is the name of the other one, and what is the answer to the question?",
    "a rather long story of weather and feather, of nothing and anything at all",
    "1 2 3 10 20 30 100 200 300, yes or no: choose the better of the two",
]


def save_tokenizer(
    folder: Path,
    *,
    bos: bool = True,
    eos_at_end: bool = False,
    chat: str | None = None,
    special_start: bool = True,
) -> Any:
    """A byte-level BPE. `special_start`: it puts its BOS before every text, as Llama's does."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=["<s>", "</s>"] if bos else ["</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator(_TEXT, trainer)
    if (bos and special_start) or eos_at_end:
        names = ["<s>"] if bos and special_start else []
        ends = ["</s>"] if eos_at_end else []
        inner.post_processor = processors.TemplateProcessing(
            single=" ".join([*names, "$A", *ends]),
            special_tokens=[(name, inner.token_to_id(name)) for name in [*names, *ends]],
        )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<s>" if bos else None, eos_token="</s>"
    )
    tokenizer.chat_template = chat
    tokenizer.save_pretrained(folder)
    return tokenizer


def save_encoder_tokenizer(folder: Path, kind: str) -> Any:
    """A tokenizer that puts what the family's do around a text: `t5` an end, `bart` and `roberta` a beginning and
    an end (byte-level BPE), `bert` [CLS] and [SEP] (word pieces)."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    if kind == "bert":
        named = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
        around = "[CLS] $A [SEP]"
        inner = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        inner.decoder = decoders.WordPiece()
        make: Any = trainers.WordPieceTrainer
    else:
        # RoBERTa's order, in which the padding token's number is not 0.
        names = {"bos": "<s>", "pad": "<pad>", "eos": "</s>", "unk": "<unk>", "mask": "<mask>"}
        named = {name: names[name] for name in (("pad", "eos", "unk") if kind == "t5" else names)}
        around = "$A </s>" if kind == "t5" else "<s> $A </s>"
        inner = Tokenizer(models.BPE())
        inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        inner.decoder = decoders.ByteLevel()
        make = trainers.BpeTrainer
    alphabet = [] if kind == "bert" else pre_tokenizers.ByteLevel.alphabet()
    inner.train_from_iterator(
        _TEXT,
        make(
            vocab_size=320,
            special_tokens=list(named.values()),
            initial_alphabet=alphabet,
            show_progress=False,
        ),
    )
    inner.post_processor = processors.TemplateProcessing(
        single=around,
        special_tokens=[(word, inner.token_to_id(word)) for word in around.split() if word != "$A"],
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, **{f"{name}_token": word for name, word in named.items()}
    )
    tokenizer.save_pretrained(folder)
    return tokenizer


def save_encoder_model(
    folder: Path, kind: str, *, seed: int = 0, context: int = CONTEXT, head: str | None = None, **changes: Any
) -> Path:
    """A random checkpoint of the architecture `kind` (t5, bart, bert, roberta, distilbert, electra), with a tokenizer.

    `head`: the transformers class to save; None for the one with a language-model head.
    """
    import torch
    import transformers

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = save_encoder_tokenizer(folder, "bert" if kind in ("distilbert", "electra") else kind)
    common: dict[str, Any] = {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id}
    wide: dict[str, Any] = {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
    }
    wide |= {"max_position_embeddings": context, "initializer_range": 0.3}
    if kind == "t5":
        sizes = {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_decoder_layers": 3, "num_heads": 4,
                 "relative_attention_num_buckets": 8, "relative_attention_max_distance": 16, "n_positions": context,
                 "eos_token_id": tokenizer.eos_token_id, "decoder_start_token_id": tokenizer.pad_token_id,
                 "feed_forward_proj": "gated-gelu", "initializer_factor": 3.0}  # fmt: skip
        name, default = "T5", "T5ForConditionalGeneration"
    elif kind == "bart":
        sizes = {"d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4,
                 "decoder_attention_heads": 4, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48, "init_std": 0.3,
                 "max_position_embeddings": context, "bos_token_id": tokenizer.bos_token_id,
                 "eos_token_id": tokenizer.eos_token_id, "decoder_start_token_id": tokenizer.eos_token_id,
                 "forced_eos_token_id": None}  # fmt: skip
        name, default = "Bart", "BartForConditionalGeneration"
    elif kind == "bert":
        sizes, name, default = wide, "Bert", "BertForMaskedLM"
    elif kind == "roberta":
        # Two positions are never used: they count from the padding token's number plus one.
        sizes = {**wide, "max_position_embeddings": context + tokenizer.pad_token_id + 1}
        name, default = "Roberta", "RobertaForMaskedLM"
    elif kind == "distilbert":
        sizes = {"dim": 32, "hidden_dim": 48, "n_layers": 2, "n_heads": 4, "max_position_embeddings": context,
                 "initializer_range": 0.3}  # fmt: skip
        name, default = "DistilBert", "DistilBertForMaskedLM"
    elif kind == "electra":
        sizes, name, default = {**wide, "embedding_size": 16}, "Electra", "ElectraForMaskedLM"
    else:
        raise ValueError(kind)
    torch.manual_seed(seed)
    config = getattr(transformers, f"{name}Config")(**{**common, **sizes, **changes})
    model = getattr(transformers, head or default)(config).eval()
    model.save_pretrained(folder)
    return folder


def save_model(
    folder: Path, kind: str = "llama", *, seed: int = 0, context: int = CONTEXT, **changes: Any
) -> Path:
    """A random decoder-only checkpoint of the architecture `kind`, with a tokenizer unless there is one."""
    import torch
    import transformers

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer_options = {
        name: changes.pop(name) for name in ("bos", "eos_at_end", "chat", "special_start") if name in changes
    }
    tokenizer = save_tokenizer(folder, **tokenizer_options)
    ends: dict[str, Any] = {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "vocab_size": len(tokenizer),
        # Weights large enough that the likeliest token differs from place to place.
        "initializer_range": 0.3,
    }
    wide: dict[str, Any] = {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": context,
    }
    config: Any
    if kind == "llama":
        config = transformers.LlamaConfig(**{**wide, **ends, **changes})
        cls: Any = transformers.LlamaForCausalLM
    elif kind == "gemma2":
        soft = {
            "final_logit_softcapping": 2.0,
            "attn_logit_softcapping": 5.0,
            "sliding_window": 8,
            "head_dim": 8,
        }
        config = transformers.Gemma2Config(**{**wide, **soft, **ends, **changes})
        cls = transformers.Gemma2ForCausalLM
    elif kind == "gpt2":
        sizes = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": context}
        config = transformers.GPT2Config(**{**sizes, **ends, **changes})
        cls = transformers.GPT2LMHeadModel
    else:
        raise ValueError(kind)
    torch.manual_seed(seed)
    model = cls(config).eval()
    model.save_pretrained(folder)
    return folder


def edit_json(path: Path, **changes: Any) -> None:
    """Change keys of a JSON file; None removes one."""
    content = json.loads(path.read_text())
    content = {key: value for key, value in {**content, **changes}.items() if value is not None}
    path.write_text(json.dumps(content))
