"""Train the adapter of the published board: a LoRA that teaches the built-in model to summarise dialogues.

    python benchmarks/board_adapter.py --mirror ../shared/hub --out build/dialogsum-lora [--rows 500] [--epochs 2]

It learns on DialogSum's validation split, in the words in which the task asks, and never sees the test split. Seeded, on
the CPU, in float32; half an hour or so on two cores.
"""

from __future__ import annotations

import argparse
import random
import time
from pathlib import Path
from typing import Any

import jinja2
import pyarrow.parquet as pq
import torch
import yaml
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from lsm_eval.models.builtin import checkpoint

TASK = Path(__file__).parent.parent / "tasks" / "summarisation" / "dialogsum.yaml"
MOST_TOKENS = 512  # longer dialogues are left out


def examples(rows: list[dict[str, Any]], tokenizer: Any) -> list[tuple[list[int], int]]:
    """Token ids of question and summary, and how many of them are the question's."""
    template = jinja2.Template(yaml.safe_load(TASK.read_text(encoding="utf-8"))["prompt"])
    found = []
    for row in rows:
        asked = [{"role": "user", "content": template.render(**row)}]
        prompt = tokenizer.apply_chat_template(asked, add_generation_prompt=True, tokenize=False)
        question = tokenizer(prompt, add_special_tokens=False).input_ids
        answer = tokenizer(row["summary"].strip() + "<|im_end|>", add_special_tokens=False).input_ids
        if len(question) + len(answer) <= MOST_TOKENS:
            found.append((question + answer, len(question)))
    return found


def loss_of(model: Any, batch: list[tuple[list[int], int]], pad: int) -> torch.Tensor:
    """Mean cross-entropy of the summaries' tokens."""
    width = max(len(ids) for ids, _ in batch)
    ids = torch.full((len(batch), width), pad)
    labels = torch.full((len(batch), width), -100)
    mask = torch.zeros((len(batch), width), dtype=torch.long)
    for row, (tokens, asked) in enumerate(batch):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        labels[row, asked : len(tokens)] = torch.tensor(tokens[asked:])
        mask[row, : len(tokens)] = 1
    loss: torch.Tensor = model(input_ids=ids, attention_mask=mask, labels=labels).loss
    return loss


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mirror", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=5e-4)
    given = parser.parse_args()
    torch.manual_seed(0)
    folder = checkpoint("smollm2-135m")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    network = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    model = get_peft_model(
        network,
        LoraConfig(r=16, lora_alpha=32, lora_dropout=0.0, target_modules=names, task_type="CAUSAL_LM"),
    )
    table = pq.read_table(given.mirror / "knkarthick" / "dialogsum" / "default" / "validation.parquet")
    learnt = examples(table.to_pylist()[: given.rows], tokenizer)
    steps = given.epochs * (len(learnt) // given.batch)
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=given.rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, given.rate, total_steps=steps, pct_start=0.1)
    draws, began, step = random.Random(0), time.monotonic(), 0
    model.train()
    for _ in range(given.epochs):
        order = draws.sample(learnt, len(learnt))
        for at in range(0, len(order) - given.batch + 1, given.batch):
            loss = loss_of(model, order[at : at + given.batch], tokenizer.pad_token_id or 0)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            optimiser.zero_grad()
            step += 1
            print(
                f"step {step} of {steps}: loss {loss.item():.3f}, {time.monotonic() - began:.0f} s",
                flush=True,
            )
    model.save_pretrained(given.out)
    print(given.out)


if __name__ == "__main__":
    main()
