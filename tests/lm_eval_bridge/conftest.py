"""Tasks in the harness's own YAML over small local files, and one random model in both of its backends."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from tiny_models import CHAT_WITH_BOS, save_model

pytest.importorskip("lm_eval", reason="needs lm-evaluation-harness: pip install 'lsm-eval[lm-eval]'")

QUESTIONS = [
    {"q": "The cat sat on the", "c": ["mat", "dog", "rather long log"], "a": 0},
    {"q": "Two and two is ", "c": ["five", "four", "a story"], "a": 1},
    {"q": "what is the name of the other", "c": ["one", "two", "question"], "a": 0},
    {"q": "yes or no: the better of the two?", "c": ["yes", "no"], "a": 1},
    {"q": "the answer to the question", "c": ["is", "was", "the the"], "a": 2},
]
PAIRS = [
    {"options": ["the cat sat on the mat because the cat", "the cat sat on the mat because the mat"],
     "end": "was weary of the story", "a": 0},
    {"options": ["a dog and the log, and the dog", "a dog and the log, and the log"], "end": "sat", "a": 1},
    {"options": ["the weather and the feather: the one", "the weather and the feather: the other"],
     "end": "is the better", "a": 1},
]  # fmt: skip
TEXTS = [
    {"text": "the cat sat on the mat and the dog sat on the log"},
    {"text": "a rather long story of weather and feather, of nothing and anything at all. " * 6},
    {"text": "1 2 3 10 20 30"},
]
SUMS = [{"q": f"{a} and {b}:", "a": str(a + b)} for a, b in [(1, 2), (10, 20), (3, 100), (30, 200), (2, 2)]]

TASKS: dict[str, tuple[Sequence[Mapping[str, Any]], str]] = {
    "own_choice": (
        QUESTIONS,
        """
output_type: multiple_choice
doc_to_text: "{{q}}"
doc_to_choice: "{{c}}"
doc_to_target: a
metric_list: [{metric: acc}, {metric: acc_norm}, {metric: acc_mutual_info}]
metadata: {version: 2.0}
""",
    ),
    "own_shots": (
        QUESTIONS,
        """
output_type: multiple_choice
fewshot_split: train
num_fewshot: 2
doc_to_text: "{{q}}"
doc_to_choice: "{{c}}"
doc_to_target: a
fewshot_delimiter: " "
metric_list: [{metric: acc}]
""",
    ),
    "own_pairs": (
        PAIRS,
        """
output_type: multiple_choice
doc_to_text: a
doc_to_target: end
doc_to_choice: options
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}, {metric: brier_score}]
""",
    ),
    "own_last_word": (
        QUESTIONS,
        """
output_type: loglikelihood
doc_to_text: "{{q.rstrip()}}"
doc_to_target: "{{' ' + c[a]}}"
metric_list: [{metric: perplexity}, {metric: acc}]
""",
    ),
    "own_texts": (
        TEXTS,
        """
output_type: loglikelihood_rolling
doc_to_text: ""
doc_to_target: "{{text}}"
metric_list: [{metric: word_perplexity}, {metric: byte_perplexity}, {metric: bits_per_byte}]
""",
    ),
    "own_sums": (
        SUMS,
        """
output_type: generate_until
doc_to_text: "{{q}}"
doc_to_target: "{{a}}"
generation_kwargs: {until: ["the", ","], max_gen_toks: 12, do_sample: false, temperature: 0.0}
metric_list:
  - {metric: exact_match, aggregation: mean, higher_is_better: true, ignore_case: true}
  - {metric: bleu}
filter_list:
  - {name: strict, filter: [{function: regex, regex_pattern: "([0-9]+)"}, {function: take_first}]}
  - {name: flexible, filter: [{function: regex, regex_pattern: "([a-z]+)", group_select: -1}, {function: take_first}]}
""",
    ),
    "own_draws": (
        SUMS,
        """
output_type: generate_until
doc_to_text: "{{q}}"
doc_to_target: "{{a}}"
repeats: 3
generation_kwargs: {until: [], max_gen_toks: 6, do_sample: true, temperature: 0.8, top_p: 0.9}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
filter_list: [{name: vote, filter: [{function: majority_vote}, {function: take_first}]}]
""",
    ),
}


@pytest.fixture(scope="session")
def task_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one YAML file a task and the JSON lines that they read."""
    folder = tmp_path_factory.mktemp("harness-tasks")
    for name, (rows, yaml) in TASKS.items():
        file = folder / f"{name}.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        files = json.dumps({"test": str(file), "train": str(file)})
        head = (
            f"task: {name}\ndataset_path: json\ndataset_kwargs: {{data_files: {files}}}\ntest_split: test\n"
        )
        (folder / f"{name}.yaml").write_text(head + yaml.lstrip())
    return folder


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama whose tokenizer puts a BOS before every text, with a chat template that brings one too."""
    return save_model(tmp_path_factory.mktemp("bridge") / "tiny", context=96, chat=CHAT_WITH_BOS)


@pytest.fixture(scope="session")
def plain_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random GPT-2 without a BOS, whose texts start with its EOS."""
    return save_model(tmp_path_factory.mktemp("bridge") / "tiny-gpt2", "gpt2", context=96, bos=False)


Evaluate = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def evaluate(task_folder: Path) -> Iterator[Evaluate]:
    """The harness's `simple_evaluate` over tasks of the folder, by name; `model` is `hf` or `lsm-eval`."""
    import lm_eval.evaluator
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager

    from lsm_eval.lm_eval_bridge import register

    register()
    manager = TaskManager(include_defaults=False)  # reading its whole library takes seconds a call
    patch = pytest.MonkeyPatch()
    # Listing compilers and packages takes seconds a call, and says nothing of answers.
    patch.setattr(lm_eval.evaluator, "add_env_info", lambda results: None)

    def run(model: str, checkpoint: Path, *names: str, arguments: str = "", **options: Any) -> dict[str, Any]:
        found: dict[str, Any] = simple_evaluate(
            model=model,
            model_args=f"pretrained={checkpoint},dtype=float32{arguments}",
            tasks=[str(task_folder / f"{name}.yaml") for name in names],
            device="cpu",
            batch_size=1,
            bootstrap_iters=0,
            task_manager=manager,
            **options,
        )
        return found

    yield run
    patch.undo()
