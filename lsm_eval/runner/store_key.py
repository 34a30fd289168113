"""The key of a model's answers in the store: its identity, and the versions of everything that computed them."""

from __future__ import annotations

import hashlib
import json

from lsm_eval import __version__
from lsm_eval.models.base import Model, Versioned
from lsm_eval.results.names import shown_name
from lsm_eval.runner.model_row import model_row


def store_key(model: Model, fingerprint: str) -> str:
    """SHA-256 (hex) over the model's fingerprint, the version of lsm-eval, and those that the model names
    (`models.base.Versioned`).

    The fingerprint alone says which model it is, regardless of versions; answers depend on the versions, too.
    """
    versions = dict(model.versions()) if isinstance(model, Versioned) else {}
    content = json.dumps([fingerprint, {"lsm-eval": __version__, **versions}], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def about_store(model: Model, fingerprint: str, name: str | None = None) -> dict[str, str]:
    """Describes a store file for people: the model's name in records, and the version of lsm-eval."""
    row = model_row(model.info, fingerprint, model.info.details or {}, name=name)
    return {"model": shown_name(row), "fingerprint": fingerprint, "lsm-eval": __version__}
