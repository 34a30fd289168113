"""Small models that know some texts by heart, trained in seconds, and texts that nobody can guess."""

from __future__ import annotations

import random
from pathlib import Path

from tiny_models import save_tokenizer

_WORDS = [
    "the",
    "cat",
    "sat",
    "on",
    "mat",
    "and",
    "dog",
    "log",
    "what",
    "is",
    "name",
    "of",
    "other",
    "one",
    "answer",
    "to",
    "question",
    "a",
    "rather",
    "long",
    "story",
    "weather",
    "feather",
    "nothing",
    "anything",
    "at",
    "all",
    "yes",
    "or",
    "no",
    "choose",
    "better",
    "two",
]


def random_texts(count: int, words: int, seed: int) -> list[str]:
    """Texts of words drawn at random: whoever continues one must have seen it."""
    rng = random.Random(seed)
    return [" ".join(rng.choice(_WORDS) for _ in range(words)) for _ in range(count)]


def train_on(folder: Path, texts: list[str], *, steps: int = 120, seed: int = 0) -> Path:
    """A checkpoint that was trained on `texts` until it knows them (cross-entropy far below 0.1 a token)."""
    import torch
    import transformers

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = save_tokenizer(folder)
    torch.manual_seed(seed)
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=192,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    model = transformers.LlamaForCausalLM(config)
    rows = [[*tokenizer(text)["input_ids"], tokenizer.eos_token_id] for text in texts]
    width = max(map(len, rows))
    ids = torch.tensor([row + [0] * (width - len(row)) for row in rows])
    labels = torch.tensor([row + [-100] * (width - len(row)) for row in rows])
    optimiser = torch.optim.AdamW(model.parameters(), lr=8e-3, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 8e-3, total_steps=steps)
    for _ in range(steps):
        loss = model(input_ids=ids, labels=labels).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    model.eval().save_pretrained(folder)
    return folder
