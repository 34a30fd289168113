"""Creates a model from its name.

builtin:NAME            a model that comes with lsm-eval, or that it fetches itself
vllm:MODEL              the model that hf:MODEL, builtin:NAME or a path names, in vLLM's offline engine
sglang:MODEL            the same in SGLang's offline engine
openai:MODEL            a model behind an OpenAI-compatible server (`--base-url`)
llama.cpp:FILE.gguf     a GGUF file, computed by llama.cpp (`lsm_eval.engines`)
onnx:FOLDER             a folder with an ONNX decoder, computed by ONNX Runtime
hf:ORG/NAME[@REVISION]  a repository of the Hugging Face hub
PATH or hf:PATH         a local checkpoint folder (a path has a / or starts with . or ~), or a GGUF file to be converted
PREFIX:REST             a backend of another package: entry point PREFIX of the group `lsm_eval.models`, a
                        function (rest, options: ModelOptions) -> Model
"""

from __future__ import annotations

import logging
import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from lsm_eval import plugins
from lsm_eval.engines.refusals import refuse_engine_options
from lsm_eval.errors import UserError, unknown
from lsm_eval.models.base import Model, ModelOptions
from lsm_eval.models.gguf_file import converted, one_file
from lsm_eval.models.guarded import guarded
from lsm_eval.paths import expanded, is_file, is_folder
from lsm_eval.progress import Progress, Silent

if TYPE_CHECKING:
    from lsm_eval.models.hf import HFModel

_LOG = logging.getLogger(__name__)
CHECKPOINT_ENGINES = ("vllm", "sglang")
"""Engines that read the checkpoints that the transformers backend reads."""
_THEN = "update or remove that package"
_ENGINES = {"llama.cpp": "lsm_eval.engines.llamacpp.create", "onnx": "lsm_eval.engines.onnx.create"}
"""By prefix, the module whose `create_engine(rest, options, progress)` makes the model."""


def create(name: str, options: ModelOptions, progress: Progress | None = None) -> Model:
    """The model called `name`. Fetches a built-in checkpoint, and loads no weights. Raises `UserError`."""
    prefix, colon, rest = name.partition(":")
    if not (colon and prefix in _ENGINES):
        refuse_engine_options(name, options)
    if prefix == "openai" and colon:
        from lsm_eval.endpoints.create import create_endpoint

        return create_endpoint(rest, options, progress or Silent())
    if options.endpoint is not None:
        raise UserError(
            f"--base-url and the options that go with it have no meaning for the model {name!r}: name one that is behind a "
            "server (--model openai:MODEL), or leave them out."
        )
    if colon and prefix in _ENGINES:
        engine: Model = import_module(_ENGINES[prefix]).create_engine(rest, options, progress or Silent())
        return engine
    if prefix in CHECKPOINT_ENGINES and colon:
        from lsm_eval.engines.create import engine_model

        own, inner, after = rest.partition(":")
        make = engine_model(prefix)
        make.check_installed(name)
        if own == "builtin" and inner:
            return _builtin(after, options, progress or Silent(), make, f"{prefix}:")
        return _checkpoint(
            name, after if own == "hf" and inner else rest, options, progress or Silent(), make, prefix
        )
    if prefix == "builtin" and colon:
        return _builtin(rest, options, progress or Silent())
    if prefix == "hf" and colon:
        return _checkpoint(name, rest, options, progress or Silent())
    for entry in plugins.points("lsm_eval.models"):
        if colon and entry.name == prefix:
            make = plugins.load(entry, f"the model backend {prefix!r}")
            whose = f"the model backend {prefix!r} of the package {plugins.package(entry)}"
            try:
                with plugins.calling(whose, _THEN, passing=ImportError):
                    made: Model = make(rest, options)
                    lacking = [
                        part for part in vars(Model) if not part.startswith("_") and not hasattr(made, part)
                    ]
            except ImportError as error:
                raise UserError(
                    f"the model backend {prefix!r} lacks a package that it needs ({error}): install that."
                ) from error
            if lacking:
                raise UserError(
                    f"the model backend {prefix!r} of the package {plugins.package(entry)} made no model: it lacks "
                    f"{', '.join(lacking)} (see lsm_eval.models.base.Model); update that package."
                )
            return guarded(made, whose, _THEN)
    if (
        (name and is_folder(name))
        or name.startswith((".", "/", "~"))
        or (name.endswith(".gguf") and is_file(name))
    ):
        return _checkpoint(name, name, options, progress or Silent())
    if "/" in name and not colon:
        raise UserError(
            f"unknown model {name!r}: for a model of the hub write hf:{name}, for a folder ./{name}."
        )
    raise unknown("model", name, _names())


def _builtin(
    rest: str, options: ModelOptions, progress: Progress, make: type[HFModel] | None = None, before: str = ""
) -> Model:
    from lsm_eval.models.builtin import BUILTINS, checkpoint, provenance

    if rest not in BUILTINS or (make is not None and BUILTINS[rest].source is None):
        raise unknown("model", f"builtin:{rest}", _names())
    entry = BUILTINS[rest]
    if entry.source is None:
        from lsm_eval.models.baselines import Baseline

        return Baseline(rest, options)
    from lsm_eval.models.hf import HFModel

    folder = checkpoint(rest, offline=options.offline, progress=progress.note)
    _LOG.info("model builtin:%s: read from %s", rest, folder)
    origin = provenance(folder)
    details = {
        "title": entry.title,
        "quantisation": str(origin["quantisation"]),
        "source": "{package} {version}".format(**origin["source"]),
    }
    return (make or HFModel)(
        f"{before}builtin:{rest}",
        options,
        folder=folder,
        licence=entry.licence,
        details=details,
        note=progress.note,
    )


def _checkpoint(
    name: str,
    rest: str,
    options: ModelOptions,
    progress: Progress,
    make: type[HFModel] | None = None,
    prefix: str = "hf",
) -> Model:
    """A folder's or a repository's checkpoint; `make` and `prefix`: those of the engine that runs it."""
    from lsm_eval.models.hf import HFModel

    make = make or HFModel
    if rest and is_folder(rest):
        folder = expanded(rest).resolve()
        file = one_file(folder)
        if file is not None:
            return _gguf(file, options, progress, make, prefix)
        _LOG.info("model %s: read from %s", name, folder)
        return make(
            f"{prefix}:{_text(folder.name)}",
            options,
            folder=folder,
            details={"folder": _place(folder)},
            note=progress.note,
        )
    if rest.endswith(".gguf") and is_file(rest):
        return _gguf(expanded(rest).resolve(), options, progress, make, prefix)
    if rest.startswith((".", "/", "~")):
        what = "not a folder" if os.path.lexists(expanded(rest)) else "no such folder"
        if what != "not a folder" and rest.endswith(".gguf"):
            raise UserError(f"--model {name}: no such file.")
        raise UserError(f"--model {name}: {what}; name a folder that holds a transformers checkpoint.")
    repository, _, revision = rest.partition("@")
    if not repository:
        raise UserError(f"--model {name}: write {prefix}:ORG/NAME, or {prefix}:ORG/NAME@REVISION.")
    return make(
        f"{prefix}:{rest}", options, repository=repository, revision=revision or None, note=progress.note
    )


def _gguf(file: Path, options: ModelOptions, progress: Progress, make: type[HFModel], prefix: str) -> Model:
    """A GGUF file, converted."""
    return make(
        f"{prefix}:{_text(file.name)}",
        options,
        folder=converted(file, progress.note),
        details={"file": _place(file), "converted": "from GGUF to float32"},
        note=progress.note,
    )


def _place(folder: Path) -> str:
    """The end of a folder's path, below the home folder, to tell checkpoints of the same name apart."""
    home = Path("~").expanduser() if "HOME" in os.environ else folder.parent
    parts = folder.relative_to(home).parts if folder.is_relative_to(home) else folder.parts[1:]
    return _text("/".join(parts[-3:]) or folder.name)


def _text(name: str) -> str:
    """A file's name as text that a record can store, whatever its bytes are."""
    return os.fsencode(name).decode("utf-8", "replace")


def _names() -> list[str]:
    from lsm_eval.models.builtin import BUILTINS

    return [f"builtin:{name}" for name in BUILTINS]
