"""Explains in one sentence why transformers cannot use a part of a checkpoint."""

from __future__ import annotations

from pathlib import Path

from lsm_eval.errors import UserError


def unusable(folder: Path, part: str, error: BaseException) -> UserError:
    """The error for a `part` of `folder`, such as `its tokenizer`."""
    text = _first_line(error)
    if "trust_remote_code" in str(error):
        return UserError(
            f"{folder}: the checkpoint brings its own code, which is not run unless you pass "
            "--trust-remote-code; do so only if you trust its author."
        )
    if "Unrecognized configuration class" in text:
        kind = text.partition("configuration_")[2].partition(".")[0]
        return UserError(
            f"{folder}: a model of type {kind!r} is no language model that transformers can score: name another --model."
        )
    return UserError(
        f"{folder}: {part} cannot be used ({type(error).__name__}: {text.rstrip('.:')}); fetch the checkpoint "
        "again, or name another --model."
    )


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).strip().splitlines()]
    if not lines:
        return type(error).__name__
    text = " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]
    return text[:300]


def quiet() -> None:
    """Silences transformers' log and progress bars, as important messages are raised as errors here."""
    import logging as of_python

    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    # torchao, which peft imports if it is installed, logs every kernel that was built for another PyTorch.
    for name in ("torchao", "torch.utils._pytree"):
        of_python.getLogger(name).setLevel(of_python.ERROR)
