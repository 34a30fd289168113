"""The calibration file: the variation between runs of one model, and the records that it applies to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lsm_eval.comparison import signature
from lsm_eval.comparison.shown.escape import visible
from lsm_eval.errors import UserError
from lsm_eval.gating.speed import HARDWARE
from lsm_eval.results.reader import Record
from lsm_eval.results.schema import EstimateRow
from lsm_eval.statistics.comparison.difference import Noise

MEASURING = frozenset({"python", "datasets", "evaluate", "sacrebleu", "rouge-score", "lm_eval"})
"""Packages for reading data and computing metrics: a model's answers do not depend on them."""
_LARGEST = 64 * 2**20
"""Largest size of a file in bytes; one with ten thousand metrics is far smaller."""

Number = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class CalibratedMetric(_Strict):
    """One metric of one task over all runs (`statistics.comparison.noise.Calibration`)."""

    task: str
    metric: str
    unit: str
    signature: str
    """The signature in the first run."""
    n: int = Field(ge=1)
    """Number of samples that all runs have."""
    missing: int = Field(ge=0)
    flips: Share
    """Share of samples that differ between two runs, on average."""
    unstable: Share
    """Share of samples that are not the same in all runs."""
    between: Number
    """Variance of the runs' means, in the metric's unit squared."""
    expected: Number
    """That variance if samples flipped independently."""
    variance: Number
    """The variance that is added to that of a difference between two runs."""


class LeftOutMetric(_Strict):
    """A metric that was not calibrated."""

    task: str
    metric: str
    why: str


class Engine(_Strict):
    """The software and hardware that computed the answers; a calibration applies only to the same."""

    hardware: dict[str, str | None]
    """`HARDWARE`, and the device."""
    versions: dict[str, str]
    engine: str | None
    dtype: str | None


class CalibrationFile(_Strict):
    """Several runs of one model on the same samples."""

    schema_version: Literal[1]
    created: str
    """UTC, ISO 8601."""
    model: str
    fingerprint: str
    engine: Engine
    runs: list[str] = Field(min_length=3)
    """Names of the runs."""
    metrics: list[CalibratedMetric]
    left_out: list[LeftOutMetric]

    def of(self, row: EstimateRow) -> CalibratedMetric | None:
        """The calibration of a metric; None if there is none."""
        return next((one for one in self.metrics if (one.task, one.metric) == (row.task, row.metric)), None)

    def noise(self, row: EstimateRow) -> Noise | None:
        """The noise to add to the variance of a metric's difference; None if it was not calibrated, or with another signature."""
        found = self.of(row)
        if found is None or signature.refused(signature.differing(found.signature, row.signature), ()):
            return None
        return Noise(found.variance, len(self.runs) - 1.0)


def engine_of(record: Record) -> Engine:
    """The engine that computed a record's answers."""
    manifest = record.manifest
    known = {**{name: manifest.hardware.get(name) for name in HARDWARE}, "device": manifest.model.device}
    return Engine(
        hardware={name: None if value is None else str(value) for name, value in known.items()},
        versions={name: text for name, text in manifest.versions.items() if name not in MEASURING},
        engine=manifest.model.details.get("engine"),
        dtype=manifest.model.dtype,
    )


def engine_differences(one: Engine, other: Engine) -> list[str]:
    """The differences between two engines, by name."""
    found = [
        *_differing(one.hardware, other.hardware, ""),
        *_differing(one.versions, other.versions, "version of "),
        *_differing({"engine": one.engine, "dtype": one.dtype}, {"engine": other.engine, "dtype": other.dtype}, ""),
    ]  # fmt: skip
    return [visible(text) for text in found]


def _differing(one: Mapping[str, Any], other: Mapping[str, Any], what: str) -> list[str]:
    return [
        f"{what}{name}: {_shown(one.get(name))} against {_shown(other.get(name))}"
        for name in dict.fromkeys([*one, *other])
        if one.get(name) != other.get(name)
    ]


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)


def refusals(calibration: CalibrationFile, records: Sequence[tuple[Record, str]]) -> list[str]:
    """A sentence for each record that the calibration does not apply to; the records come with their descriptions."""
    return [
        f"The calibration is of another engine than the {which} ({'; '.join(found)}): calibrate again where the runs are made "
        "(`lsm-eval gate calibrate`)."
        for record, which in records
        if (found := engine_differences(calibration.engine, engine_of(record)))
    ]


def about(calibration: CalibrationFile, records: Sequence[Record]) -> str:
    """A sentence on the noise that is added."""
    runs = f"{len(calibration.runs)} runs of {visible(calibration.model)}"
    own = any(record.manifest.model.fingerprint == calibration.fingerprint for record in records)
    other = "" if own else ", which is none of these models"
    return f"Every difference has the noise of the engine added, calibrated from {runs}{other}."


def read_calibration(path: Path) -> CalibrationFile:
    """The calibration in a file. Raises `UserError` if it cannot be read."""
    again = "make it with `lsm-eval gate calibrate`."
    try:
        if path.stat().st_size > _LARGEST:
            raise UserError(f"{path} has more than {_LARGEST // 2**20} MiB, and is no calibration: {again}")
        text = path.read_text(encoding="utf-8-sig")
        return CalibrationFile.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "it"
        raise UserError(f"{path} is no calibration ({where}: {first['msg']}): {again}") from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "no UTF-8"
        raise UserError(f"{path} cannot be read ({why}): {again}") from error
