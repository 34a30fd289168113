"""Under what a model's answers are stored: its identity, and the versions of all that computed them."""

from __future__ import annotations

import hashlib
import json

from lsm_eval import __version__
from lsm_eval.models.base import Model, Versioned


def store_key(model: Model, fingerprint: str) -> str:
    """SHA-256 (hex) over the model's fingerprint, the version of lsm-eval, and those that the model names
    (`models.base.Versioned`).

    The fingerprint alone says which model it is, whatever the versions; answers are those of one set of versions.
    """
    versions = dict(model.versions()) if isinstance(model, Versioned) else {}
    content = json.dumps([fingerprint, {"lsm-eval": __version__, **versions}], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()
