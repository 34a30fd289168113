"""How a server is asked, from options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsm_eval.errors import UserError

if TYPE_CHECKING:
    from lsm_eval.models.base import EndpointOptions


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
