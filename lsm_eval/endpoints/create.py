"""Makes the model for `openai:MODEL` and a run's options."""

from __future__ import annotations

from lsm_eval.endpoints.address import read_address
from lsm_eval.errors import UserError
from lsm_eval.models.base import Model, ModelOptions
from lsm_eval.progress import Progress


def create_endpoint(model: str, options: ModelOptions, progress: Progress) -> Model:
    """The model that the server calls `model`; nothing is sent yet. Raises `UserError` for options that cannot be honoured."""
    if not model.strip():
        raise UserError("--model openai: names no model: write openai:MODEL, as the server calls it.")
    if options.endpoint is None:
        raise UserError(
            f"--model openai:{model} needs the address of its server: add --base-url URL, such as "
            "http://localhost:8000/v1."
        )
    set_options = {
        "--device": options.device != "auto",
        "--dtype": options.dtype != "auto",
        "--batch-tokens": options.batch_tokens is not None,
        "--engine": options.engine != "auto",
        "--adapter": options.adapter is not None,
        "--quantize": options.quantize is not None,
        "--chat-template": options.chat_template is not None,
        "--trust-remote-code": options.trust_remote_code,
    }
    meaningless = [name for name, is_set in set_options.items() if is_set]
    if meaningless:
        raise UserError(
            f"{', '.join(meaningless)} has no meaning for a model behind an endpoint, which its server runs: leave it out."
        )
    if options.offline and not all(read_address(url).loopback for url in options.endpoint.base_urls):
        raise UserError(
            "--offline asks no network, and --base-url is on another machine: leave out one of the two."
        )
    try:
        from lsm_eval.endpoints.model import EndpointModel
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "aiohttp":
            raise
        raise UserError(
            "a model behind an endpoint needs the package aiohttp: pip install 'lsm-eval[endpoints]'."
        ) from error
    return EndpointModel(
        model, options.endpoint, note=progress.note, overflow=options.overflow, offline=options.offline
    )
