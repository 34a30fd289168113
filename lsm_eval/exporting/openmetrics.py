"""Records in the text format of OpenMetrics 1.0 (github.com/prometheus/OpenMetrics), for Prometheus and compatible tools."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from lsm_eval.results.names import shown_name
from lsm_eval.results.profile_rows import unranked
from lsm_eval.results.reader import Record

Labels = dict[str, str]


@dataclass
class _Family:
    """A gauge with all its samples, which the format requires to be together."""

    name: str
    help: str
    unit: str = ""
    kind: str = "gauge"
    samples: list[tuple[Labels, float]] = field(default_factory=list)


def openmetrics_parts(records: Sequence[Record]) -> Iterator[str]:
    """The lines. Unknown values have no sample."""
    for family in _families(records):
        if not family.samples:
            continue
        yield f"# TYPE {family.name} {family.kind}\n"
        if family.unit:
            yield f"# UNIT {family.name} {family.unit}\n"
        yield f"# HELP {family.name} {_escaped(family.help)}\n"
        suffix = "_info" if family.kind == "info" else ""
        for labels, value in family.samples:
            pairs = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
            yield f"{family.name}{suffix}{{{pairs}}} {_number(value)}\n"
    yield "# EOF\n"


def _families(records: Sequence[Record]) -> Iterable[_Family]:
    run = _Family("lsm_eval_run", "What was evaluated, and by which version.", kind="info")
    created = _Family("lsm_eval_run_created_seconds", "When the run began, in seconds since 1970.", "seconds")
    took = _Family("lsm_eval_run_duration_seconds", "Wall time of the run.", "seconds")
    tokens = _Family("lsm_eval_run_tokens", "Tokens of the run, by what became of them.")
    requests = _Family("lsm_eval_run_requests", "Requests of the run, by what became of them.")
    dollars = _Family(
        "lsm_eval_run_cost_dollars", "What the servers charged, where prices are known.", "dollars"
    )
    latency = _Family(
        "lsm_eval_run_latency_seconds",
        "Percentiles of how long requests took, by kind and what was timed.",
        "seconds",
    )
    rate = _Family("lsm_eval_run_requests_per_second", "Requests that were answered a second, by kind.")
    score = _Family("lsm_eval_score", "Value of a metric, in its unit.")
    low = _Family("lsm_eval_score_low", "Lower end of its confidence interval.")
    high = _Family("lsm_eval_score_high", "Upper end of its confidence interval.")
    error = _Family("lsm_eval_score_stderr", "Its standard error.")
    counted = _Family("lsm_eval_score_samples", "Samples that the value is made of.")
    missing = _Family("lsm_eval_score_missing", "Samples that have no score.")
    for record in records:
        manifest, model = record.manifest, record.manifest.model
        own = {"model": shown_name(model), "run": manifest.run}
        facts = {
            "fingerprint": model.fingerprint,
            "revision": model.revision,
            "dtype": model.dtype,
            "device": model.device,
            "lsm_eval": manifest.versions.get("lsm-eval"),
            "imported_from": manifest.imported.tool if manifest.imported else None,
        }
        run.samples.append((own | {key: text for key, text in facts.items() if text is not None}, 1))
        created.samples.append((own, record.created.timestamp()))
        if manifest.work is not None:
            took.samples.append((own, manifest.work.seconds))
        if manifest.cost is not None and manifest.cost.dollars is not None:
            dollars.samples.append((own, float(manifest.cost.dollars)))
        tokens.samples += [(own | {"kind": kind}, count) for kind, count in manifest.tokens.items()]
        requests.samples += [(own | {"kind": kind}, count) for kind, count in manifest.requests.items()]
        for kind in manifest.latency or ():
            rate.samples.append((own | {"request": kind.request}, kind.requests_per_second))
            for timed in kind.times:
                where = own | {"request": kind.request, "timed": timed.what}
                latency.samples += [
                    (where | {"quantile": f"{one.share:g}"}, one.seconds) for one in timed.reliable
                ]
        for row in record.estimates:
            labels = own | {"task": row.task, "metric": row.metric, "unit": row.unit, "area": row.area}
            if (doubt := unranked(row.signature)) is not None:
                labels["unranked"] = doubt
            for family, value in (
                (score, row.value), (low, row.low), (high, row.high), (error, row.stderr), (counted, row.n),
                (missing, row.missing),
            ):  # fmt: skip
                if value is not None:
                    family.samples.append((labels, value))
    runs = (run, created, took, requests, tokens, dollars, rate, latency)
    return (*runs, score, low, high, error, counted, missing)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return repr(value) if math.isfinite(value) else "+Inf" if value > 0 else "-Inf"
