"""Writes a gate's result as JSON, and reads it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from pydantic import ValidationError

import lsm_eval
from lsm_eval.comparison.flips import Flip
from lsm_eval.comparison.shown.as_json import record
from lsm_eval.errors import UserError
from lsm_eval.gating.result import GateResult
from lsm_eval.gating.written.schema import SCHEMA_VERSION, GateFile
from lsm_eval.gating.written.wording import shown_flips
from lsm_eval.json_text import json_text


def to_json(result: GateResult) -> str:
    """The whole result as one object; unknown values, NaN and infinities are null."""
    return json_text(
        {
            "schema_version": SCHEMA_VERSION,
            "created": result.created,
            "lsm_eval": lsm_eval.__version__,
            "answer": result.answer,
            "exit_code": result.exit_code,
            "policy": {
                "name": result.policy,
                "sha256": result.policy_sha256,
                "false_alarm": result.false_alarm,
                "false_pass": result.false_pass,
                "inconclusive": result.inconclusive,
            },
            "baseline": None if result.baseline is None else record(result.baseline),
            "candidate": record(result.candidate),
            "reasons": list(result.reasons),
            "findings": [asdict(one) for one in result.findings],
            "notes": list(result.notes),
            "looking": None if result.looking is None else asdict(result.looking),
            "flips": [_flip(one) for one in shown_flips(result)],
        }
    )


def _flip(flip: Flip) -> dict[str, Any]:
    content = asdict(flip)
    del content["candidate"]  # a gate has one
    return content


def read_json(text: str) -> GateFile:
    """Reads what `to_json` wrote. Raises UserError if it is something else, or of a newer version."""
    try:
        content = json.loads(text.removeprefix("\ufeff"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise _broken(error) from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise UserError(
            f"this result of a gate has schema version {version}, and this lsm-eval reads up to {SCHEMA_VERSION}: "
            "upgrade lsm-eval."
        )
    try:
        return GateFile.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise _broken(f"{'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}") from error


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def _broken(why: object) -> UserError:
    reason = " ".join(str(why).split())[:300]
    return UserError(f"this is no result of a gate ({reason}): name a gate.json that `lsm-eval gate` wrote.")
