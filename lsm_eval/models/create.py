"""From a model's name to a model.

builtin:NAME            a model that lsm-eval brings or fetches itself
hf:ORG/NAME[@REVISION]  a repository of the Hugging Face hub
PATH or hf:PATH         a local checkpoint folder (a path has a / or starts with . or ~)
PREFIX:REST             a backend of another package: entry point PREFIX of the group `lsm_eval.models`, a
                        function (rest, options: ModelOptions) -> Model
"""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

from lsm_eval import plugins
from lsm_eval.errors import UserError, unknown
from lsm_eval.models.base import Model, ModelOptions
from lsm_eval.progress import Progress, Silent


def create(name: str, options: ModelOptions, progress: Progress | None = None) -> Model:
    """The model called `name`. Fetches a built-in checkpoint, and loads no weights. Raises `UserError`."""
    prefix, colon, rest = name.partition(":")
    if prefix == "builtin" and colon:
        return _builtin(rest, options, progress or Silent())
    if prefix == "hf" and colon:
        return _checkpoint(name, rest, options, progress or Silent())
    for entry in entry_points(group="lsm_eval.models"):
        if colon and entry.name == prefix:
            make = plugins.load(entry, f"the model backend {prefix!r}")
            try:
                made: Model = make(rest, options)
            except ImportError as error:
                raise UserError(
                    f"the model backend {prefix!r} lacks a package that it needs ({error}): install that."
                ) from error
            lacking = [part for part in vars(Model) if not part.startswith("_") and not hasattr(made, part)]
            if lacking:
                raise UserError(
                    f"the model backend {prefix!r} of the package {plugins.package(entry)} made no model: it lacks "
                    f"{', '.join(lacking)} (see lsm_eval.models.base.Model); update that package."
                )
            return made
    if (name and Path(name).expanduser().is_dir()) or name.startswith((".", "/", "~")):
        return _checkpoint(name, name, options, progress or Silent())
    if "/" in name and not colon:
        raise UserError(
            f"unknown model {name!r}: for a model of the hub write hf:{name}, for a folder ./{name}."
        )
    raise unknown("model", name, _names())


def _builtin(rest: str, options: ModelOptions, progress: Progress) -> Model:
    from lsm_eval.models.builtin import BUILTINS, checkpoint, provenance

    if rest not in BUILTINS:
        raise unknown("model", f"builtin:{rest}", _names())
    entry = BUILTINS[rest]
    if entry.source is None:
        from lsm_eval.models.baselines import Baseline

        return Baseline(rest, options)
    from lsm_eval.models.hf import HFModel

    folder = checkpoint(rest, offline=options.offline, progress=progress.note)
    origin = provenance(folder)
    details = {
        "title": entry.title,
        "quantisation": str(origin["quantisation"]),
        "source": "{package} {version}".format(**origin["source"]),
    }
    return HFModel(
        f"builtin:{rest}",
        options,
        folder=folder,
        licence=entry.licence,
        details=details,
        note=progress.note,
    )


def _checkpoint(name: str, rest: str, options: ModelOptions, progress: Progress) -> Model:
    from lsm_eval.models.hf import HFModel

    folder = Path(rest).expanduser()
    if rest and folder.is_dir():
        folder = folder.resolve()
        return HFModel(f"hf:{folder.name}", options, folder=folder, note=progress.note)
    if rest.startswith((".", "/", "~")):
        what = "not a folder" if folder.exists() else "no such folder"
        raise UserError(f"--model {name}: {what}; name a folder that holds a transformers checkpoint.")
    repository, _, revision = rest.partition("@")
    if not repository:
        raise UserError(f"--model {name}: write hf:ORG/NAME, or hf:ORG/NAME@REVISION.")
    return HFModel(
        f"hf:{rest}", options, repository=repository, revision=revision or None, note=progress.note
    )


def _names() -> list[str]:
    from lsm_eval.models.builtin import BUILTINS

    return [f"builtin:{name}" for name in BUILTINS]
