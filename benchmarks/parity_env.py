"""The environment of lm-evaluation-harness, apart from ours: made once, then used again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.paths import cache_dir

PEER_VERSION = "0.4.13"
_SHARED = ("torch", "transformers", "tokenizers")
"""Packages that decide what a checkpoint computes: the same versions on both sides."""
_PINNED = ("accelerate", "datasets", "jinja2", "numpy", "pyarrow", "safetensors", "sacrebleu")
"""Further packages that are brought to the versions of `constraints.txt`."""


def peer_python(folder: Path | None, say: Callable[[str], None]) -> Path:
    """Python of an environment that has lm-eval and our versions of torch, transformers and tokenizers.

    `folder` is an environment of the caller's, which is left as it is; None for one in the user's cache
    folder, which is made (a gigabyte of downloads) or made anew where it is missing or has other versions.
    Raises `UserError` where there is no such environment.
    """
    wanted = {"lm_eval": PEER_VERSION, **{name: _plain(metadata.version(name)) for name in _SHARED}}
    if folder is not None:
        python = _python(folder.absolute())
        found = _versions(python, wanted)
        if found != wanted:
            raise UserError(
                f"--peer-env {folder}: has {_list(found)}, and {_list(wanted)} are needed: install them there, "
                "or leave the option out."
            )
        return python
    folder = cache_dir() / "parity" / f"lm-eval-{PEER_VERSION}"
    python = _python(folder)
    if _versions(python, wanted) != wanted:
        _make(folder, python, wanted, say)
    return python


def run_peer(python: Path, script: str, order: Mapping[str, Any], work: Path) -> dict[str, Any]:
    """What `script`, a file beside this one, makes of `order` in the peer's environment, without the network.

    The script is called with the paths of two JSON files in `work`: the order, and the answer to write.
    Raises `UserError` where it fails.
    """
    asked, answer = work / "order.json", work / "answer.json"
    asked.write_text(json.dumps(order), encoding="utf-8")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    environment |= {
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_DATASETS_CACHE": str(work / "datasets"),
        "TOKENIZERS_PARALLELISM": "false",
    }
    command = [str(python), str(Path(__file__).resolve().with_name(script)), str(asked), str(answer)]
    done = subprocess.run(command, cwd=work, env=environment, stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise UserError(f"{script} ended with code {done.returncode}: see its words above.")
    found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    return found


def _make(folder: Path, python: Path, wanted: dict[str, str], say: Callable[[str], None]) -> None:
    say(f"installing lm-eval {PEER_VERSION} into {folder}; this takes minutes")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        venv.create(folder, with_pip=True, clear=True)
        constraints = folder / "constraints.txt"
        constraints.write_text(_constraints(wanted), encoding="utf-8")
    except (OSError, subprocess.CalledProcessError) as error:
        raise UserError(
            f"no environment can be made in {folder} ({error}): set LSM_EVAL_CACHE, or name one with --peer-env."
        ) from error
    pins = [f"{name}=={wanted[name]}" for name in _SHARED]
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["-c", str(constraints), f"lm-eval[hf]=={PEER_VERSION}", *pins]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or _versions(python, wanted) != wanted:
        lines = done.stderr.strip().splitlines() or ["pip said nothing"]
        raise UserError(
            f"lm-eval {PEER_VERSION} cannot be installed into {folder} ({lines[-1]}): see to pip's index and the "
            "network, or name an environment that has it with --peer-env."
        )


def _constraints(wanted: dict[str, str]) -> str:
    """The versions that this environment really has, and the repository's for what else numbers hang on.

    Not the whole file: lm-eval needs older versions of some packages that have no part in a number, and pip
    would look for a way around them for many minutes.
    """
    file = Path(__file__).resolve().parent.parent / "constraints.txt"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    kept = [line for line in lines if line.partition("==")[0].lower() in _PINNED]
    return "\n".join([*kept, *(f"{name}=={wanted[name]}" for name in _SHARED), ""])


def _versions(python: Path, names: dict[str, str]) -> dict[str, str]:
    """Versions of the packages in the environment of `python`; those that it lacks are left out."""
    program = (
        "import importlib.metadata as m, json, sys\n"
        "found = {d.metadata['Name'].replace('-', '_'): d.version for d in m.distributions()}\n"
        "print(json.dumps(found))"
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    try:
        done = subprocess.run(
            [str(python), "-c", program], capture_output=True, text=True, check=True, env=environment
        )
    except (OSError, subprocess.CalledProcessError):
        return {}
    found: dict[str, str] = json.loads(done.stdout)
    return {name: _plain(found[name]) for name in names if name in found}


def _plain(version: str) -> str:
    """A version without its local part: torch's CPU and CUDA builds compute the same on a CPU."""
    return version.partition("+")[0]


def _python(folder: Path) -> Path:
    scripts = sysconfig.get_path("scripts", "venv", vars={"base": str(folder)})
    return Path(scripts) / ("python.exe" if sys.platform == "win32" else "python")


def _list(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items()) or "none of the packages"
