"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from lsm_eval.cli.adapters import check_adapters
from lsm_eval.cli.completing import completing
from lsm_eval.cli.folder import Folder
from lsm_eval.cli.model_args import read_arguments, read_models
from lsm_eval.runner.option_values import AUTO, CHOICES, MODEL, OVERFLOW, RANGES, SEED

F = TypeVar("F", bound=Callable[..., Any])
CODE = "Run Python files that included task files name; read them first."
CODE_OPTION = click.option("--include-code", is_flag=True, help=CODE)


def choice(name: str) -> click.Choice[str]:
    """The type of an option that takes one of several words."""
    return click.Choice(CHOICES[name])


def number(name: str) -> click.IntRange:
    """The type of an option that takes a whole number."""
    return click.IntRange(*RANGES[name])


def run_options(function: F) -> F:
    """The options for what a model is asked and how, for `run` and `show task`."""
    path = Folder()
    options = [
        click.option("--model-args", multiple=True, metavar="KEY=VALUE,…", is_eager=True, expose_value=False, callback=read_arguments,
                     help="As lm-evaluation-harness's --model_args (pretrained=, dtype=, peft= …): other words for options of this command."),
        click.option("--model", default=(MODEL,), show_default=True, multiple=True, callback=read_models, shell_complete=completing("models"),
                     help="builtin:NAME, hf:ORG/NAME[@REVISION], a local checkpoint folder or GGUF file, vllm: before one of these, "
                     "llama.cpp:FILE.gguf, onnx:FOLDER, or openai:MODEL with --base-url. Repeated, it makes a record for each."),
        click.option("--base-url", "base_urls", multiple=True, metavar="URL",
                     help="Of --model openai:MODEL: where its server is, such as http://localhost:8000/v1; repeat it for several servers of "
                     "one model."),
        click.option("--api", type=choice("api"), default=AUTO,
                     show_default=True,
                     help="Of a server: ask chats, completions or OpenAI's responses; auto: a chat as a chat, all else as completions."),
        click.option("--api-key-env", metavar="NAME",
                     help="The variable that holds the server's key; OPENAI_API_KEY by default."),
        click.option("--api-key-file", type=path, metavar="FILE", help="A file that holds the server's key."),
        click.option("--max-concurrency", type=number("max_concurrency"), metavar="N",
                     help="The most concurrent requests at a server; 512 by default."),
        click.option("--stream", type=choice("stream"), default=AUTO, show_default=True,
                     help="Of a server: let answers come in parts; auto does so for long ones of other machines."),
        click.option("--header-env", multiple=True, metavar="NAME=VARIABLE",
                     help="An additional header for the server, with its value from a variable; may be repeated."),
        click.option("--max-cost", metavar="AMOUNT",
                     help="The most US dollars that servers may cost, including the judge's."),
        click.option("--prices", type=path, metavar="FILE",
                     help="A YAML file of prices, for models without a known price, or with another than the published one."),
        click.option("--choices", type=choice("choices"), default=AUTO, show_default=True,
                     help="Tasks with given choices: by their likelihoods, or written by the model (generate: held to the letters "
                     "where it can be; parsed: never). auto: by likelihoods where it tells any."),
        click.option("--tokenizer", metavar="ID|DIR",
                     help="Of a server that scores texts and shows no tokenizer: its model's, from the hub or a folder."),
        click.option("--context", type=number("context"), metavar="N",
                     help="For an engine (llama.cpp:, onnx:): tokens of prompt and answer together."),
        click.option("--slots", type=number("slots"), metavar="N",
                     help="For an engine: the number of sequences that it computes at a time."),
        click.option("--threads", type=number("threads"), metavar="N",
                     help="For an engine: the number of threads."),
        click.option("--limit", metavar="N|SHARE",
                     help="Only N samples of each task, or a share of them (0.1, 10%), drawn by --seed over all its groups."),
        click.option("--from-start", "first", is_flag=True,
                     help="With --limit: the first ones in the order of the data, as lm-evaluation-harness takes them."),
        click.option("--sample-ids", metavar="FILE|ID,ID",
                     help="Only these samples: ids, or a file with one per line (`ID`, or `TASK ID` for one of that task)."),
        click.option("--shots", type=number("shots"), metavar="N",
                     help="Examples before each question; each task's own number by default."),
        click.option("--perturb", multiple=True, metavar="NAME[+NAME]", shell_complete=completing("perturbations"),
                     help="Ask each task again in another wording (`lsm-eval list perturbations`); may be repeated."),
        click.option("--seed", type=number("seed"), default=SEED, show_default=True, metavar="N",
                     help="For random examples, drawn samples and simulated noise."),
        click.option("--chat", type=choice("chat"), default=AUTO, show_default=True,
                     help="Chat template: auto uses it for generation where the model has one."),
        click.option("--reasoning", type=choice("reasoning"), default=AUTO, show_default=True,
                     help="A reasoning model's thoughts: auto removes them from the answer, keep scores the whole text, "
                     "strip also removes text with doubtful marks."),
        click.option("--max-tokens", type=number("max_tokens"), metavar="N",
                     help="Most new tokens of a generated answer, thoughts included; each task's own by default."),
        click.option("--system", metavar="TEXT|@FILE",
                     help="A system message for tasks with generated answers; put before the prompt without a chat template."),
        click.option("--temperature", type=float, metavar="T",
                     help="For generated answers: above 0 they are sampled with --seed; each task's own by default, mostly 0 (the likeliest)."),
        click.option("--top-p", type=float, metavar="P",
                     help="With --temperature: sample from the fewest tokens whose probabilities sum to P."),
        click.option("--stop", multiple=True, metavar="TEXT",
                     help="Text that ends a generated answer, instead of each task's own; may be repeated."),
        click.option("--reasoning-tokens", type=number("reasoning_tokens"), metavar="N",
                     help="Most tokens of a model's thoughts; --max-tokens is then for the answer alone."),
        click.option("--reasoning-effort", type=choice("reasoning_effort"), help="How much the model is asked to think."),
        click.option("--chat-template", metavar="NAME|FILE",
                     help="One of the tokenizer's named chat templates, or a Jinja file; its default one otherwise."),
        click.option("--device", default=AUTO, show_default=True, help="auto, cpu, cuda, cuda:0, mps."),
        click.option("--dtype", default=AUTO, show_default=True, help="auto, float32, bfloat16, float16."),
        click.option("--batch-tokens", default=AUTO, show_default=True, metavar="auto|N",
                     help="Tokens a batch may hold."),
        click.option("--overflow", type=choice("overflow"), default=OVERFLOW, show_default=True,
                     help="What to do with samples longer than the model's context."),
        click.option("--engine", type=choice("engine"), default=AUTO, show_default=True,
                     help="tree computes every unique token once; plain is the padded reference."),
        click.option("--adapter", metavar="DIR", multiple=True, callback=check_adapters,
                     help="A PEFT adapter: local folder or hub id. Repeated, it makes a record for each and one for the base model."),
        click.option("--quantize", metavar="NAME",
                     help="Weights in fewer bits: int8 or int4 (torchao), bnb-8bit or bnb-4bit (bitsandbytes, on a GPU)."),
        click.option("--trust-remote-code", is_flag=True, help="Run code that comes with a checkpoint."),
        click.option("--data-mirror", type=path, envvar="LSM_EVAL_DATA_MIRROR", metavar="DIR",
                     help="Read hub data sets from this folder [env: LSM_EVAL_DATA_MIRROR]."),
        click.option("--data-files", type=path, envvar="LSM_EVAL_DATA_FILES", metavar="DIR",
                     help="Read data sets that are not on the hub from this folder [env: LSM_EVAL_DATA_FILES]."),
        click.option("--offline", is_flag=True, help="Never ask the network."),
        click.option("--allow-drift", is_flag=True,
                     help="Continue if data differs from what its task pins; the signature then says so."),
        click.option("--include", type=path, multiple=True, metavar="DIR",
                     help="A folder of further task files; may be given several times."),
        CODE_OPTION,
    ]  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function
