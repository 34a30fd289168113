"""The model of a run, in the record's schema."""

from __future__ import annotations

from collections.abc import Mapping

from lsm_eval.models.base import ModelInfo
from lsm_eval.results.model_rows import LimitRow, ModelRow, ServerRow
from lsm_eval.secrets import without_secrets


def model_row(
    info: ModelInfo,
    fingerprint: str,
    details: Mapping[str, str],
    *,
    name: str | None = None,
    spec: str | None = None,
) -> ModelRow:
    """The record's row for a model. `details` are those of `info` and what the run adds, `name` is the name given by the user, and
    `spec` is the value of `--model`. None of them contains a secret."""
    return ModelRow(
        name=without_secrets(info.name if name is None else name),
        fingerprint=fingerprint,
        parameters=info.parameters,
        revision=info.revision,
        dtype=info.dtype,
        device=info.device,
        context=info.context,
        chat_template=info.chat_template,
        licence=info.licence,
        details={key: without_secrets(value) for key, value in details.items()},
        spec=spec,
        probed=None if info.probed is None else dict(info.probed),
        own_name=None if name is None or name == info.name else without_secrets(info.name),
        servers=[
            ServerRow(
                url=without_secrets(one.url),
                answered=one.answered,
                faults=dict(one.faults),
                outs=one.outs,
                limits=[LimitRow(seconds=at, limit=limit, why=why) for at, limit, why in one.limits],
            )
            for one in info.servers
        ],
    )
