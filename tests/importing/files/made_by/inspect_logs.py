"""Makes the logs of Inspect in `logs`: python inspect_logs.py, in this folder, where inspect-ai is installed."""

from __future__ import annotations

from typing import Any

from inspect_ai import eval as inspect_eval
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_tasks import colours, colours_epochs

MODEL = "mockllm/nobody/tiny"
WORDS = {
    colours: ["blue", "it is green", "red", "", "white"],
    colours_epochs: ["blue", "green", "black", "grey", "green", "grey"],
}
EPOCHS = {colours: 1, colours_epochs: 2}


def say(words: list[str]) -> Any:
    """The mock model, with its answers."""
    outputs = [ModelOutput.from_content(MODEL, word) for word in words]
    for output in outputs:
        # Else it counts tokens with a file from the network.
        output.usage = ModelUsage(input_tokens=5, output_tokens=1, total_tokens=6)
    return get_model(MODEL, custom_outputs=outputs)


for kind in ("eval", "json"):
    for task, words in WORDS.items():
        inspect_eval(
            task(),
            model=say(words),
            epochs=EPOCHS[task],
            log_dir="logs",
            log_format=kind,
            max_samples=1,
            display="none",
        )
