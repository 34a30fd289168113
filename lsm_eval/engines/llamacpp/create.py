"""Makes the model for `llama.cpp:FILE.gguf` and a run's options."""

from __future__ import annotations

from pathlib import Path

from lsm_eval.engines.llamacpp.header import Header, parts_of, read_header
from lsm_eval.engines.llamacpp.sizes import context_and_slots
from lsm_eval.engines.refusals import refuse_options
from lsm_eval.engines.threads import threads
from lsm_eval.errors import UserError
from lsm_eval.models.base import Model, ModelOptions
from lsm_eval.paths import expanded
from lsm_eval.progress import Progress

_PREFIX = "llama.cpp"
_CONTEXT = (
    8192  # tokens, where the model's own is longer: keys and values of 128,000 would fill most machines
)
_SLOTS = 4
_CACHES = ("float32", "float16", "bfloat16")
_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}


def create_engine(file: str, options: ModelOptions, progress: Progress) -> Model:
    """The model in `file`, of which only the header is read. Raises `UserError` for options that cannot be honoured."""
    if not file.strip():
        raise UserError(f"--model {_PREFIX}: names no file: write {_PREFIX}:FILE.gguf.")
    refuse_options(
        f"{_PREFIX}:",
        {
            "--batch-tokens": options.batch_tokens is not None,
            "--engine": options.engine != "auto",
            "--adapter": options.adapter is not None,
            "--quantize": options.quantize is not None,
            "--trust-remote-code": options.trust_remote_code,
            "--overflow truncate": options.overflow == "truncate",
        },
    )
    if options.dtype not in ("auto", *_CACHES):
        raise UserError(
            f"--dtype {options.dtype}: of {_PREFIX}: it is that of keys and values (the weights have the file's): use auto, "
            f"{', '.join(_CACHES)}."
        )
    path = expanded(file)
    if path.is_dir():
        raise UserError(f"--model {_PREFIX}:{file}: is a folder: name the GGUF file in it{_those_in(path)}.")
    if not path.is_file():
        raise UserError(f"--model {_PREFIX}:{file}: no such file.")
    path = path.absolute()
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise UserError(
            f"--model {_PREFIX}:{file}: its path is no UTF-8, as llama.cpp wants it: rename it."
        ) from error
    header = read_header(path)
    files = parts_of(path, header)
    headers = [header, *(read_header(one) for one in files[1:])]
    _check_kind(path, header)
    try:
        import xllamacpp  # noqa: F401

        from lsm_eval.engines.llamacpp.model import LlamaCppModel
        from lsm_eval.engines.llamacpp.server import Settings
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("xllamacpp", "aiohttp"):
            raise
        raise UserError(
            f"--model {_PREFIX}:{file} needs the package {error.name}: pip install 'lsm-eval[llama-cpp]'."
        ) from error
    device = _device(options.device)
    cache = "float16" if options.dtype == "auto" else options.dtype
    per_token = header.bytes_per_token(_BYTES[cache]) if device == "cpu" else None
    context, slots = context_and_slots(path, options, header.of_architecture("context_length"), per_token)
    settings = Settings(
        path=path,
        context=context,
        slots=slots,
        threads=threads(options.threads),
        cache=cache,
        device=device,
        template=None if options.chat_template is None else _template(options.chat_template),
    )
    return LlamaCppModel(settings, files, headers, progress.note)


def _those_in(folder: Path) -> str:
    names = sorted(one.name for one in folder.glob("*.gguf"))
    return f" ({', '.join(names[:5])})" if names else ", and this one has none"


def _check_kind(path: Path, header: Header) -> None:
    """Raises `UserError` if the file holds no language model."""
    if not header.architecture:
        raise UserError(f"{path}: does not state its architecture: name a file that holds a model.")
    if header.metadata.get("general.type", "model") != "model":
        raise UserError(
            f"{path}: holds a {header.metadata['general.type']}, and no language model: name that."
        )
    causal = header.metadata.get(f"{header.architecture}.attention.causal", True)
    if not causal or f"{header.architecture}.pooling_type" in header.metadata:
        raise UserError(f"{path}: holds an embedding model ({header.architecture}), which writes no text.")


def _device(device: str) -> str:
    """`cpu` or `cuda:N`, if this build of llama.cpp supports it. Raises `UserError` otherwise."""
    from lsm_eval.engines.llamacpp.server import devices

    if device == "cpu":
        return device
    found = devices()
    if device == "auto":
        return "cuda:0" if found else "cpu"
    kind, _, index = device.partition(":")
    if kind not in ("cuda", "mps") or (index and not index.isdecimal()):
        raise UserError(f"--device {device}: no such device; use auto, cpu, cuda, cuda:0 or mps.")
    if int(index or 0) >= len(found):
        have = f"finds only {len(found)}" if found else "computes on the CPU alone"
        raise UserError(
            f"--device {device}: the installed llama.cpp {have}: install a build of xllamacpp for that device, or use "
            "--device cpu."
        )
    return f"cuda:{index or 0}"


def _template(chosen: str) -> str:
    path = expanded(chosen)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UserError(
            f"--chat-template {chosen}: no such file; of {_PREFIX}: name a Jinja file, or leave it out for the file's own."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--chat-template {chosen}: cannot be read as UTF-8 text ({error}).") from error
    if not text.strip():
        raise UserError(f"--chat-template {chosen}: is empty; name a file that holds a Jinja template.")
    return text
