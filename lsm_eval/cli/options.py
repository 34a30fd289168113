"""Options that several commands share, and what they become."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lsm_eval.cli.adapters import check_adapters, one_adapter
from lsm_eval.cli.folder import Folder
from lsm_eval.errors import UserError
from lsm_eval.reasoning.effort import EFFORTS

if TYPE_CHECKING:
    from lsm_eval.models.base import EndpointOptions
    from lsm_eval.runner.judge_spec import JudgeSpec
    from lsm_eval.runner.spec import RunSpec

F = TypeVar("F", bound=Callable[..., Any])
MAX_SEED = 2**32 - 1
"""What every generator of random numbers takes."""
CODE = "Run Python files that included task files name; read them first."
CODE_OPTION = click.option("--include-code", is_flag=True, help=CODE)
DEFAULT_MODEL = "builtin:smollm2-135m"


def run_options(function: F) -> F:
    """All that decides what a model is asked and how: for `run` and `show task`."""
    path = Folder()
    options = [
        click.option("--model", default=DEFAULT_MODEL, show_default=True,
                     help="builtin:NAME, hf:ORG/NAME[@REVISION], a local checkpoint folder or GGUF file, vllm: before one of these, "
                     "llama.cpp:FILE.gguf, onnx:FOLDER, or openai:MODEL with --base-url."),
        click.option("--base-url", "base_urls", multiple=True, metavar="URL",
                     help="Of --model openai:MODEL: where its server is, such as http://localhost:8000/v1; repeat it for several servers of "
                     "one model."),
        click.option("--api", type=click.Choice(["auto", "chat", "completions", "responses"]), default="auto",
                     show_default=True,
                     help="Of a server: ask chats, completions or OpenAI's responses; auto: a chat as a chat, all else as completions."),
        click.option("--api-key-env", metavar="NAME",
                     help="The variable that holds the server's key; OPENAI_API_KEY by default."),
        click.option("--api-key-file", type=path, metavar="FILE", help="A file that holds the server's key."),
        click.option("--max-concurrency", type=click.IntRange(min=1), metavar="N",
                     help="Requests under way at a server at once, at most; 512 by default."),
        click.option("--stream", type=click.Choice(["auto", "on", "off"]), default="auto", show_default=True,
                     help="Of a server: let answers come in parts; auto does so for long ones of other machines."),
        click.option("--header-env", multiple=True, metavar="NAME=VARIABLE",
                     help="A further header for the server, whose value the variable holds; may be repeated."),
        click.option("--max-cost", metavar="AMOUNT",
                     help="US dollars that asking servers may cost, at most, the judge's included."),
        click.option("--prices", type=path, metavar="FILE",
                     help="A YAML file of prices, for models whose price is not known or not the published one."),
        click.option("--choices", type=click.Choice(["auto", "likelihood", "generate", "parsed"]), default="auto", show_default=True,
                     help="Tasks with given choices: by their likelihoods, or written by the model (generate: held to the letters "
                     "where it can be; parsed: never). auto: by likelihoods where it tells any."),
        click.option("--tokenizer", metavar="ID|DIR",
                     help="Of a server that scores texts and shows no tokenizer: its model's, from the hub or a folder."),
        click.option("--context", type=click.IntRange(min=1), metavar="N",
                     help="Of an engine (llama.cpp:, onnx:): tokens of prompt and answer together."),
        click.option("--slots", type=click.IntRange(min=1), metavar="N",
                     help="Of an engine: sequences that it computes at a time."),
        click.option("--threads", type=click.IntRange(min=1), metavar="N",
                     help="Of an engine: threads that it computes with."),
        click.option("--limit", type=click.IntRange(min=1), metavar="N",
                     help="Only N samples of each task, drawn by --seed over all its groups."),
        click.option("--from-start", "first", is_flag=True,
                     help="With --limit: the first N in the order of the data, as lm-evaluation-harness takes them."),
        click.option("--shots", type=click.IntRange(min=0), metavar="N",
                     help="Examples before each question; each task's own number by default."),
        click.option("--perturb", multiple=True, metavar="NAME[+NAME]",
                     help="Ask each task once more in another wording (`lsm-eval list perturbations`); may be repeated."),
        click.option("--seed", type=click.IntRange(0, MAX_SEED), default=0, show_default=True, metavar="N",
                     help="For random examples, drawn samples and simulated noise."),
        click.option("--chat", type=click.Choice(["auto", "on", "off"]), default="auto", show_default=True,
                     help="Chat template: auto uses it for generation where the model has one."),
        click.option("--reasoning", type=click.Choice(["auto", "keep", "strip"]), default="auto", show_default=True,
                     help="A reasoning model's thoughts: auto takes them off the answer, keep scores the whole text, "
                     "strip takes doubtful marks for thoughts too."),
        click.option("--max-tokens", type=click.IntRange(min=1), metavar="N",
                     help="Most new tokens of a generated answer, thoughts included; each task's own by default."),
        click.option("--reasoning-tokens", type=click.IntRange(min=0), metavar="N",
                     help="Most tokens of a model's thoughts; --max-tokens is then the answer's alone."),
        click.option("--reasoning-effort", type=click.Choice(EFFORTS), help="How much the model is asked to think."),
        click.option("--chat-template", metavar="NAME|FILE",
                     help="One of the tokenizer's named chat templates, or a Jinja file; its default one otherwise."),
        click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:0, mps."),
        click.option("--dtype", default="auto", show_default=True, help="auto, float32, bfloat16, float16."),
        click.option("--batch-tokens", default="auto", show_default=True, metavar="auto|N",
                     help="Tokens a batch may hold."),
        click.option("--overflow", type=click.Choice(["error", "truncate", "skip"]), default="error", show_default=True,
                     help="What to do with samples longer than the model's context."),
        click.option("--engine", type=click.Choice(["auto", "tree", "plain"]), default="auto", show_default=True,
                     help="tree computes every unique token once; plain is the padded reference."),
        click.option("--adapter", metavar="DIR", multiple=True, callback=check_adapters,
                     help="A PEFT adapter: local folder or hub id. Repeated, it makes a record for each and one for the base model."),
        click.option("--quantize", metavar="NAME",
                     help="Weights in fewer bits: int8 or int4 (torchao), bnb-8bit or bnb-4bit (bitsandbytes, on a GPU)."),
        click.option("--trust-remote-code", is_flag=True, help="Run code that a checkpoint brings along."),
        click.option("--data-mirror", type=path, envvar="LSM_EVAL_DATA_MIRROR", metavar="DIR",
                     help="Read hub data sets from this folder [env: LSM_EVAL_DATA_MIRROR]."),
        click.option("--data-files", type=path, envvar="LSM_EVAL_DATA_FILES", metavar="DIR",
                     help="Read data sets that are no hub sets from this folder [env: LSM_EVAL_DATA_FILES]."),
        click.option("--offline", is_flag=True, help="Never ask the network."),
        click.option("--allow-drift", is_flag=True,
                     help="Go on where data is not what its task pins; the signature then says so."),
        click.option("--include", type=path, multiple=True, metavar="DIR",
                     help="A folder of further task files; may be given several times."),
        CODE_OPTION,
    ]  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


def split_names(values: Sequence[str], what: str = "--tasks") -> list[str]:
    """Names given as `a,b` and as repeated options. Raises `UserError` where there is none."""
    names = [name.strip() for value in values for name in value.split(",") if name.strip()]
    if not names:
        raise UserError(f"{what} names no task: see `lsm-eval list tasks`.")
    return names


def make_endpoint(
    base_urls: Sequence[str],
    api: Any,
    api_key_env: str | None,
    api_key_file: Path | None,
    max_concurrency: int | None,
    stream: Any,
    header_env: Sequence[str],
    tokenizer: str | None = None,
) -> EndpointOptions | None:
    """How a server is asked; None where no option says anything of one. Raises `UserError`."""
    from lsm_eval.models.base import EndpointOptions

    if not base_urls:
        others = (api_key_env, api_key_file, max_concurrency, header_env or None, tokenizer)
        if api != "auto" or stream != "auto" or any(value is not None for value in others):
            raise UserError(
                "--api, --api-key-env, --api-key-file, --header-env, --max-concurrency, --stream and --tokenizer go with --base-url: "
                "add it."
            )
        return None
    made = EndpointOptions(
        base_urls[0],
        api,
        api_key_env,
        api_key_file,
        more_urls=tuple(base_urls[1:]),
        stream=stream,
        header_env=tuple(header_env),
        tokenizer=tokenizer,
    )
    return made if max_concurrency is None else replace(made, max_concurrency=max_concurrency)


def make_spec(
    names: Sequence[str],
    *,
    model: str,
    limit: int | None,
    first: bool,
    shots: int | None,
    perturb: Sequence[str],
    seed: int,
    chat: Any,
    reasoning: Any,
    max_tokens: int | None,
    reasoning_tokens: int | None,
    reasoning_effort: str | None,
    chat_template: str | None,
    device: str,
    dtype: str,
    batch_tokens: str,
    overflow: Any,
    engine: Any,
    adapter: Sequence[str],
    quantize: str | None,
    trust_remote_code: bool,
    base_urls: Sequence[str],
    api: Any,
    api_key_env: str | None,
    api_key_file: Path | None,
    max_concurrency: int | None,
    stream: Any,
    header_env: Sequence[str],
    max_cost: str | None,
    prices: Path | None,
    tokenizer: str | None,
    context: int | None,
    slots: int | None,
    threads: int | None,
    data_mirror: Path | None,
    data_files: Path | None,
    offline: bool,
    allow_drift: bool,
    include: Sequence[Path],
    out: Path = Path("reports"),
    include_code: bool = False,
    store: str = "auto",
    judge: JudgeSpec | None = None,
    judge_read: Any = "auto",
    choices: Any = "auto",
    redact: Any = "none",
    name: str | None = None,
    strict: bool = False,
    command: Sequence[str] = (),
) -> RunSpec:
    """The options as one checked value."""
    from lsm_eval.endpoints.cost.money import read_dollars
    from lsm_eval.models.base import ModelOptions
    from lsm_eval.paths import cache_dir, is_folder
    from lsm_eval.results.names import checked_name
    from lsm_eval.runner.spec import RunSpec
    from lsm_eval.tasks.data.options import DataOptions

    if offline:
        # Before any library that could reach for the hub is imported.
        os.environ["HF_HUB_OFFLINE"] = "1"
    tokens = None
    if batch_tokens != "auto":
        if not batch_tokens.isdecimal() or len(batch_tokens) > 15 or int(batch_tokens) < 1:
            raise UserError(f"--batch-tokens {batch_tokens}: give `auto` or a number of tokens, 1 or more.")
        tokens = int(batch_tokens)
    if data_mirror is not None and not is_folder(data_mirror):
        raise UserError(f"--data-mirror {data_mirror}: no such folder; make one with `lsm-eval data mirror`.")
    if data_files is not None and not is_folder(data_files):
        raise UserError(f"--data-files {data_files}: no such folder.")
    if first and limit is None:
        raise UserError(
            "--from-start says which samples --limit takes: give --limit N, or leave --from-start out."
        )
    if not store:
        raise UserError("--store is empty: name a folder, or give auto or none.")
    if chat_template is not None and chat == "off":
        raise UserError("--chat-template has no meaning with --chat off: leave out one of the two.")
    return RunSpec(
        tasks=names,
        model=model,
        name=None if name is None else checked_name(name, model),
        limit=limit,
        first=first,
        shots=shots,
        perturb=tuple(name for value in perturb for name in value.split(",") if name),
        seed=seed,
        chat=chat,
        reasoning=reasoning,
        choices=choices,
        max_tokens=max_tokens,
        reasoning_tokens=reasoning_tokens,
        reasoning_effort=reasoning_effort,
        options=ModelOptions(
            device=device,
            dtype=dtype,
            batch_tokens=tokens,
            overflow=overflow,
            engine=engine,
            adapter=one_adapter(adapter),
            quantize=quantize,
            chat_template=chat_template,
            trust_remote_code=trust_remote_code,
            offline=offline,
            endpoint=make_endpoint(
                base_urls, api, api_key_env, api_key_file, max_concurrency, stream, header_env, tokenizer
            ),
            context=context,
            slots=slots,
            threads=threads,
        ),
        data=DataOptions(mirror=data_mirror, files=data_files, offline=offline, allow_drift=allow_drift),
        include=tuple(include),
        include_code=include_code,
        out=out,
        store=None if store == "none" else cache_dir() / "responses" if store == "auto" else Path(store),
        judge=judge,
        judge_read=None if judge_read == "auto" else judge_read,
        redact=redact,
        strict=strict,
        max_cost=None if max_cost is None else read_dollars(max_cost, "--max-cost"),
        prices=prices,
        command=tuple(command),
    )
