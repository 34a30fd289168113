"""Checks the options of an export."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from lsm_eval.errors import UserError
from lsm_eval.exporting.options import ExportOptions, Format
from lsm_eval.secrets import without_secrets

_FITS: dict[str, tuple[Format, ...]] = {
    "--redact": ("every-eval-ever", "lm-eval"),
    "--model-id": ("every-eval-ever", "lm-eval"),
    "--organisation": ("every-eval-ever", "hf-eval-results"),
    "--relationship": ("every-eval-ever",),
    "--source-url": ("every-eval-ever", "hf-eval-results"),
    "--task-id": ("hf-eval-results",),
}


def checked_options(
    form: Format,
    *,
    redact: Any,
    model_id: str | None,
    organisation: str | None,
    relationship: Any,
    source_url: str | None,
    task_ids: Sequence[str],
) -> ExportOptions:
    """The checked options of format `form`. Raises `UserError` for an option that the format does not use, or with an invalid value."""
    given = {
        "--redact": redact != "none",
        "--model-id": model_id is not None,
        "--organisation": organisation is not None,
        "--relationship": relationship != "other",
        "--source-url": source_url is not None,
        "--task-id": bool(task_ids),
    }
    for option, forms in _FITS.items():
        if given[option] and form not in forms:
            raise UserError(
                f"{option} has no place in --format {form}: it is for {' and '.join(forms)}; leave it out."
            )
    if organisation is not None and not organisation.strip():
        raise UserError("--organisation is empty: give a name, or leave the option out.")
    if source_url is not None:
        _check_address(source_url)
        if source_url != without_secrets(source_url):
            raise UserError(
                "--source-url holds a token or a password, which readers would see: give it without."
            )
    if organisation is not None and form == "hf-eval-results" and source_url is None:
        raise UserError("--organisation needs --source-url: on the hub a source has an address.")
    return ExportOptions(
        redact=redact,
        model_id=model_id,
        organisation=organisation,
        relationship=relationship,
        source_url=source_url,
        task_ids=_ids(task_ids),
    )


def _check_address(address: str) -> None:
    try:
        parts = urlsplit(address)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        fits = False
    if not fits or any(sign.isspace() for sign in address):
        raise UserError(
            f"--source-url {address!r} is not an address: write one such as https://example.org/evaluation."
        )


def _ids(given: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in given:
        task, equals, own = one.partition("=")
        if not (equals and task and own):
            raise UserError(f"--task-id {one!r} is not a pair: write TASK=ID, such as gpqa=gpqa_diamond.")
        if task in found:
            raise UserError(f"--task-id names {task!r} twice: name it once.")
        found[task] = own
    return found
