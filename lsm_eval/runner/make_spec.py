"""Checks the options of a run, from the command line or from Python, and makes a `RunSpec` of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsm_eval.errors import UserError
from lsm_eval.runner.option_values import AUTO, OUT, REDACT

if TYPE_CHECKING:
    from lsm_eval.models.base import EndpointOptions
    from lsm_eval.runner.judge_spec import JudgeSpec
    from lsm_eval.runner.spec import RunSpec

_OF_JUDGES = (
    "base_urls", "api", "api_key_env", "api_key_file", "max_concurrency", "stream", "header_env", "device", "dtype",
)  # fmt: skip


def split_names(values: Sequence[str], what: str = "--tasks") -> list[str]:
    """Names given as `a,b` and as repeated options. Raises `UserError` if there is none."""
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
    """How a server is asked; None if no option is about a server. Raises `UserError` for options that do not fit together."""
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
    model: str | Sequence[str],
    limit: str | float | None,
    first: bool,
    sample_ids: str | Sequence[str] | None,
    shots: int | None,
    perturb: Sequence[str],
    seed: int,
    chat: Any,
    reasoning: Any,
    max_tokens: int | None,
    system: str | None,
    temperature: float | None,
    top_p: float | None,
    stop: Sequence[str],
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
    out: Path = Path(OUT),
    include_code: bool = False,
    store: str = AUTO,
    judge: JudgeSpec | None = None,
    judge_read: Any = AUTO,
    choices: Any = AUTO,
    redact: Any = REDACT,
    name: str | None = None,
    strict: bool = False,
    command: Sequence[str] = (),
) -> RunSpec:
    """The options as one checked value."""
    from lsm_eval.data.options import DataOptions
    from lsm_eval.models.base import ModelOptions
    from lsm_eval.money import read_dollars
    from lsm_eval.paths import cache_dir, is_folder
    from lsm_eval.results.names import checked_name
    from lsm_eval.runner.generation_options import make_generation
    from lsm_eval.runner.spec import RunSpec
    from lsm_eval.tasks.chosen import read_chosen
    from lsm_eval.tasks.limit import read_limit

    model = one_model(model)
    if offline:
        # Set before any library that could access the hub is imported.
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
    if limit is not None and sample_ids is not None:
        raise UserError(
            "--limit and --sample-ids both say which samples are asked: leave out one of the two."
        )
    if not store:
        raise UserError("--store is empty: name a folder, or give auto or none.")
    if chat_template is not None and chat == "off":
        raise UserError("--chat-template has no meaning with --chat off: leave out one of the two.")
    return RunSpec(
        tasks=names,
        model=model,
        name=None if name is None else checked_name(name, model),
        limit=None if limit is None else read_limit(limit),
        first=first,
        sample_ids=() if sample_ids is None else read_chosen(sample_ids),
        shots=shots,
        perturb=tuple(name for value in perturb for name in value.split(",") if name),
        seed=seed,
        chat=chat,
        reasoning=reasoning,
        choices=choices,
        max_tokens=max_tokens,
        generation=make_generation(system, temperature, top_p, stop),
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


def one_model(models: str | Sequence[str]) -> str:
    """The only model. Raises `UserError` for several."""
    if isinstance(models, str):
        return models
    if len(models) != 1:
        raise UserError(
            f"--model is given {len(models)} times, and this shows one model at a time: name one model."
        )
    return models[0]


def checked_adapters(values: Sequence[str]) -> tuple[str, ...]:
    """The adapters, each once. Raises `UserError` for an empty name."""
    if any(not value.strip() for value in values):
        raise UserError("--adapter is empty: name the folder or hub id of a PEFT adapter, or leave it out.")
    return tuple(dict.fromkeys(values))


def one_adapter(adapters: Sequence[str]) -> str | None:
    """The only adapter, if there is one. Raises `UserError` for several."""
    if len(adapters) > 1:
        raise UserError(
            f"--adapter is given {len(adapters)} times, and this shows one model at a time: name one adapter."
        )
    return adapters[0] if adapters else None


def take_judge(options: dict[str, Any]) -> JudgeSpec | None:
    """The judge that the options name; removes its options from `options`. None without a judge. Raises `UserError` for options of a
    judge if there is none."""
    from lsm_eval.runner.judge_spec import JudgeSpec, in_judges_words

    model = options.pop("judge")
    given = {name: options.pop(f"judge_{name}") for name in _OF_JUDGES}
    if model is None:
        named = [name for name, value in given.items() if value and value != "auto"]
        if named:
            name = named[0].removesuffix("s").replace("_", "-")
            raise UserError(
                f"--judge-{name} is about a judge, and there is none: name one with --judge MODEL."
            )
        return None
    device, dtype = given.pop("device"), given.pop("dtype")
    with in_judges_words(JudgeSpec(model, device="auto")):
        endpoint = make_endpoint(**given)
    judge = JudgeSpec(model, endpoint, device, dtype)
    if judge.remote and endpoint is None and not options["base_urls"]:
        raise UserError(
            f"--judge {model} needs the address of its server: add --judge-base-url URL, such as http://localhost:8000/v1."
        )
    return judge
