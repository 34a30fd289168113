"""`--model-args KEY=VALUE,…`, as in lm-evaluation-harness: other names for our own options."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

import click

from lsm_eval.cli.given import arguments, on_command_line, take_arguments
from lsm_eval.errors import UserError

_OPTIONS: Mapping[str, str] = {
    "dtype": "dtype",
    "device": "device",
    "peft": "adapter",
    "trust_remote_code": "trust_remote_code",
    "max_length": "context",
    "max_model_len": "context",
    "max_gen_toks": "max_tokens",
    "tokenizer": "tokenizer",
    "num_concurrent": "max_concurrency",
    "engine": "engine",
    "batch_tokens": "batch_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "seed": "seed",
    "system_instruction": "system",
    "chat_template": "chat_template",
}
"""Keys that are another name of one of our options, with the name of its parameter."""
_MODEL = ("pretrained", "model", "revision", "base_url", "load_in_8bit", "load_in_4bit")
_INSTEAD: Mapping[str, str] = {
    "batch_size": "batches are made by tokens: use --batch-tokens",
    "max_batch_size": "batches are made by tokens: use --batch-tokens",
    "parallelize": "a model runs on one device: use --device",
    "device_map": "a model runs on one device: use --device",
    "tensor_parallel_size": "a model runs on one device: serve it with vLLM, and use --base-url",
    "data_parallel_size": "a model runs on one device: serve it several times, and use --base-url for each",
    "api_key": "keys stand in no command: use --api-key-env or --api-key-file",
    "header": "keys stand in no command: use --header-env",
    "enable_thinking": "use --reasoning-effort none, or on",
    "think_end_token": "use --reasoning",
    "chat_template_args": "use --reasoning-effort, or --chat-template FILE",
    "quantization": "use --quantize",
    "gguf_file": "name the file: --model ./FILE.gguf, or llama.cpp:FILE.gguf",
    "prefix_token_id": "a text begins as the tokenizer says",
    "add_bos_token": "a text begins as the tokenizer says",
    "attn_implementation": "the engine has its own: see --engine",
}
"""Keys of the harness without an equivalent here, with what to use instead."""
_KINDS: Mapping[str, str] = {
    "hf": "hf",
    "hf-auto": "hf",
    "huggingface": "hf",
    "vllm": "vllm",
    "sglang": "sglang",
}
"""Kinds of the harness's `--model` that take the model from `pretrained`."""
_SERVERS: Mapping[str, str] = {
    "local-completions": "completions",
    "local-chat-completions": "chat",
    "openai-completions": "completions",
    "openai-chat-completions": "chat",
}
"""The same for servers, with how they are asked."""
_PATHS = ("/chat/completions", "/completions")


def read_arguments(context: click.Context, option: click.Parameter, given: tuple[str, ...]) -> None:
    """Sets the options that the arguments stand for. Raises `UserError`."""
    found: dict[str, str] = {}
    for part in (part.strip() for text in given for part in text.split(",")):
        if not part:
            continue
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not key or not value:
            raise UserError(
                f"--model-args {part}: write a key, an = and a value, with a comma before the next."
            )
        if key in found:
            raise UserError(f"--model-args gives {key} twice: leave out one of them.")
        _check(key)
        found[key] = value
    made: dict[str, object] = {}
    for key, value in found.items():
        if key in _OPTIONS:
            name = _OPTIONS[key]
            if name in made:
                raise UserError(f"--model-args gives {name.replace('_', '-')} in two ways: leave out {key}.")
            made[name] = (
                _yes(key, value) if key == "trust_remote_code" else [value] if key == "peft" else value
            )
        elif key.startswith("load_in_") and _yes(key, value):
            made["quantize"] = f"bnb-{key.removeprefix('load_in_').removesuffix('bit')}bit"
    if "base_url" in found:
        address, path = found["base_url"].rstrip("/"), ""
        for ending in _PATHS:
            if not path and address.endswith(ending):
                address, path = address.removesuffix(ending), ending
        made["base_urls"] = [address]
        if path:
            made["api"] = "chat" if "chat" in path else "completions"
    named = found.get("pretrained", found.get("model"))
    if named is not None:
        made["model"] = [_named(named, found.get("revision"), server="base_url" in found)]
    elif "revision" in found:
        made["revision"] = found["revision"]
    if made:
        take_arguments(context, made)


def read_models(context: click.Context, option: click.Parameter, models: tuple[str, ...]) -> tuple[str, ...]:
    """The models, without repetitions, from `--model` and the arguments together. Raises `UserError`."""
    found, given = tuple(dict.fromkeys(models)), arguments(context)
    if not found:
        raise UserError("--model names no model: name one, or leave it out.")
    if "model" in given and on_command_line(context, "model"):
        (named,) = given["model"]
        kind = found[0] if len(found) == 1 else ""
        bare = named.removeprefix("hf:").removeprefix("openai:")
        if kind in _SERVERS:
            found = (f"openai:{bare}",)
            context.default_map = {"api": _SERVERS[kind], **(context.default_map or {})}
        elif kind in _KINDS:
            found = (named,) if _KINDS[kind] == "hf" else (f"{_KINDS[kind]}:{bare}",)
        else:
            raise UserError(
                f"--model {found[0]} and --model-args pretrained={bare} both name a model: leave out one of the two."
            )
    if "revision" in given:
        found = tuple(_named(one, given["revision"], server=False) for one in found)
    return found


def _check(key: str) -> None:
    if key in _OPTIONS or key in _MODEL:
        return
    if key in _INSTEAD:
        raise UserError(f"--model-args {key}: {_INSTEAD[key]}.")
    near = difflib.get_close_matches(key, [*_OPTIONS, *_MODEL], n=1, cutoff=0.6)
    hint = (
        f"did you mean {near[0]!r}?" if near else "leave it out, or see `lsm-eval run --help` for the option."
    )
    raise UserError(f"--model-args {key}: no option of lsm-eval has this meaning; {hint}")


def _named(name: str, revision: str | None, *, server: bool) -> str:
    """Our name for the harness's `pretrained`: a folder, a hub id, or one of our own names."""
    from lsm_eval.paths import is_folder

    if server:
        if revision is not None:
            raise UserError(f"--model-args revision={revision}: a server serves what it does; leave it out.")
        return name if name.startswith("openai:") else f"openai:{name}"
    bare, hub = name.removeprefix("hf:"), name.startswith("hf:")
    own = (":" in name and not hub) or bare.startswith((".", "/", "~")) or is_folder(bare)
    if revision in (None, "main"):
        return name if own or hub else f"hf:{name}"
    if own or "@" in bare:
        raise UserError(
            f"--model-args revision={revision}: {name} has no other one; leave it out, or name hf:ORG/NAME."
        )
    return f"hf:{bare}@{revision}"


def _yes(key: str, value: str) -> bool:
    if value.lower() in ("true", "1", "yes"):
        return True
    if value.lower() in ("false", "0", "no"):
        return False
    raise UserError(f"--model-args {key}={value}: write True or False.")
