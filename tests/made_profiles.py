"""Records of profiles for tests: small, whole, and written by the real writer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lsm_eval.profiling.cells import cell_name, workload_hash
from lsm_eval.profiling.record import ProfileContents, write_profile
from lsm_eval.results.model_rows import ModelRow
from lsm_eval.results.profile_rows import (
    REQUEST_COLUMNS,
    CellRow,
    MeasuredRow,
    ProfileRow,
    SelfCheckRow,
    WorkloadRow,
)

CREATED = datetime(2026, 11, 29, 12, 0, 0, tzinfo=UTC)


def requests_table(cell: str, number: int, failed: int = 0) -> dict[str, list[Any]]:
    """`number` requests one after the other, of 4 tokens each, the last `failed` of them timed out."""
    columns: dict[str, list[Any]] = {name: [] for name in REQUEST_COLUMNS}
    for at in range(number):
        lost = at >= number - failed
        row: dict[str, Any] = dict.fromkeys(REQUEST_COLUMNS)
        row |= {
            "cell": cell, "index": at, "warm_up": False, "sent": float(at), "ended": at + 0.5,
            "chunk_times": [] if lost else [at + 0.1 * k for k in range(1, 5)],
            "chunk_tokens": [] if lost else [1] * 4, "chunk_thoughts": [] if lost else [False] * 4,
            "prompt_tokens": 16, "output_tokens": None if lost else 4, "counted_by": "server",
            "failure": "timeout" if lost else None,
        }  # fmt: skip
        for name, value in row.items():
            columns[name].append(value)
    return columns


def serving_profile(
    *, failed: int = 0, client_bound: bool = False, missing: str | None = None, **changes: Any
) -> ProfileRow:
    """Two cells of a closed loop, of which the second could not be measured where `missing` says why."""
    cells = []
    for concurrency, why in ((1, None), (2, missing)):
        conditions = {
            "phase": "serving", "loop": "closed", "concurrency": concurrency, "prompt_tokens": 16, "output_tokens": 4,
        }  # fmt: skip
        cells.append(
            CellRow(
                name=cell_name(conditions),
                title=f"Serving, {concurrency} at once",
                conditions=conditions,
                metrics=[]
                if why
                else [
                    MeasuredRow(
                        metric="ttft_p50", unit="s", higher_is_better=False, value=0.1, low=0.09, high=0.12,
                        method="order statistics", n=10 - failed, missing=failed,
                    ),
                    MeasuredRow(
                        metric="ttft_p99", unit="s", higher_is_better=False, value=0.1, method="none (299 needed)",
                        n=10 - failed, missing=failed, enough=False,
                    ),
                ],
                n=0 if why else 10 - failed,
                failures={"timeout": failed} if failed and not why else {},
                missing=why,
                check=SelfCheckRow(
                    client_bound=client_bound, reasons=["The event loop was late."] if client_bound else []
                ),
            )
        )  # fmt: skip
    return ProfileRow(
        kind="serving",
        version=1,
        formulas="vllm",
        workload=WorkloadRow(name="random tokens", sha256=workload_hash({"seed": 0}), seed=0),
        asked={"concurrency": [1, 2]},
        cache="cold",
        machine="a machine",
        cells=cells,
    ).model_copy(update=changes)


def write_serving(
    out: Path, *, model: str = "openai:tiny", minutes: int = 0, failed: int = 0, **changes: Any
) -> Path:
    """The record of `serving_profile`, below `out`."""
    profile = serving_profile(failed=failed, **changes)
    tables = [requests_table(cell.name, 10, failed) for cell in profile.cells if cell.missing is None]
    requests = {name: [value for table in tables for value in table[name]] for name in REQUEST_COLUMNS}
    profiled = ProfileContents(
        profile=profile,
        model=ModelRow(name=model, fingerprint="f" * 64),
        created=CREATED + timedelta(minutes=minutes),
        tables={"requests": requests},
        command=["lsm-eval", "profile"],
        versions={"lsm-eval": "0"},
        phases={"measure": 20.0},
        seconds=21.5,
    )
    return write_profile(out, profiled)[0]
