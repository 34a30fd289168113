"""From a result file of another tool to the record of a profile."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from lsm_eval import __version__
from lsm_eval.errors import UserError
from lsm_eval.importing.columns import plain
from lsm_eval.importing.read import read_lines, sha256
from lsm_eval.importing.shape import wrong
from lsm_eval.profiling.cells import cell_name, workload_hash
from lsm_eval.profiling.importing.aiperf import is_aiperf, read_aiperf
from lsm_eval.profiling.importing.guidellm import is_guidellm, read_guidellm
from lsm_eval.profiling.importing.imported import ImportedCell, ImportedProfile
from lsm_eval.profiling.importing.numbers import first_start, measured, own_numbers
from lsm_eval.profiling.importing.vllm import is_vllm, read_vllm
from lsm_eval.profiling.record import ProfileContents, write_profile
from lsm_eval.profiling.serving.measure import request_row
from lsm_eval.results.model_rows import ModelRow
from lsm_eval.results.names import checked_name, model_folder
from lsm_eval.results.profile_rows import REQUEST_COLUMNS, CellRow, ProfileRow, WorkloadRow
from lsm_eval.results.schema import ImportedRow
from lsm_eval.results.writer import check_out
from lsm_eval.secrets import without_secrets

Tool = Literal["aiperf", "guidellm", "vllm"]
VERSION = 1
_MEANT = {
    "vllm": "vLLM's bench serve (--save-result)",
    "guidellm": "GuideLLM's (benchmarks.json)",
    "aiperf": "AIPerf's (profile_export_aiperf.json)",
}


def read_profile(path: Path, tool: Tool) -> ImportedProfile:
    """The content of the file. Raises `UserError` if it was not written by that tool."""
    if path.is_dir():
        raise wrong(path, f"it is a folder; name the file that is {_MEANT[tool]}")
    if not path.is_file():
        raise UserError(f"{path} is no file: name a result of {_MEANT[tool]}.")
    try:
        contents = _objects(path)
        if tool == "vllm" and contents and all(map(is_vllm, contents)):
            return read_vllm(path, contents)
        if len(contents) == 1 and tool == "guidellm" and is_guidellm(contents[0]):
            return read_guidellm(path, contents[0])
        if len(contents) == 1 and tool == "aiperf" and is_aiperf(contents[0]):
            return read_aiperf(path, contents[0])
    except RecursionError as error:
        raise wrong(path, "it is nested too deep") from error
    raise wrong(path, f"it is no result of {_MEANT[tool]}")


def _objects(path: Path) -> list[Any]:
    """One JSON object, or one on each line (vLLM's --append-result). Raises `UserError`."""
    from lsm_eval.importing.read import read_json

    try:
        return [read_json(path)]
    except UserError:
        if path.suffix not in (".json", ".jsonl") or not path.is_file():
            raise
        try:
            return list(read_lines(path))
        except UserError:
            pass
        raise


def import_profile(path: Path, tool: Tool, out: Path, *, name: str | None = None) -> tuple[Path, ProfileRow]:
    """Make a record under `out` from a file of `tool`; `name` names the model in it. Raises `UserError`."""
    found = read_profile(path, tool)
    profiled = _profiled(found, name)
    check_out(out)
    place = (
        out
        / model_folder(profiled.model)
        / f"{profiled.created.strftime('%Y%m%dT%H%M%S.%fZ')}{profiled.run_suffix}"
    )
    if place.exists():
        raise UserError(
            f"{path} was imported before, as {place}: remove that, or name another folder with --out."
        )
    record, manifest, _ = write_profile(out, profiled)
    assert manifest.profile is not None
    return record, manifest.profile


def _profiled(found: ImportedProfile, name: str | None) -> ProfileContents:
    own = without_secrets(found.model)
    called = own if name is None else checked_name(name, own)
    files = {file.name: sha256(file) for file in found.files}
    first = files[found.files[0].name]
    cells: list[CellRow] = []
    numbers: dict[tuple[str, str], Mapping[str, Any]] = {}
    table: dict[str, list[Any]] = {column: [] for column in REQUEST_COLUMNS}
    for cell in found.cells:
        row = _cell(cell, {one.name for one in cells})
        cells.append(row)
        numbers |= {
            (row.name, metric): own_number for metric, own_number in own_numbers(cell, row.metrics).items()
        }
        for one in cell.requests or () if cell.between else ():
            for column, value in request_row(one, row.name, first_start(cell.requests or [])).items():
                table[column].append(value)
    whole = all(cell.between for cell in found.cells)
    profile = ProfileRow(
        kind="serving",
        version=VERSION,
        formulas="vllm" if any(cell.requests for cell in found.cells) else found.tool,
        workload=WorkloadRow(
            name=found.workload,
            # The prompts are not known, so that no other workload is the same.
            sha256=workload_hash({"imported": first}),
            seed=found.seed,
            requests=sum(cell.completed + sum(cell.failures.values()) for cell in found.cells),
        ),
        asked={},
        cache="unknown",
        machine="?",
        cells=cells,
        stopped=found.stopped,
        notes=[*found.notes, "Whether the client kept up is not known: it is another tool's measurement."],
    )
    return ProfileContents(
        profile=profile,
        model=ModelRow(
            name=called,
            fingerprint=hashlib.sha256(json.dumps([found.tool, found.model]).encode()).hexdigest(),
            own_name=own if called != own else None,
            details={"measured_by": f"{found.tool} {found.version or ''}".strip()},
        ),
        created=found.created,
        tables={"requests": table} if whole and table["cell"] else {},
        settings=json.loads(without_secrets(json.dumps(plain(dict(found.settings)), default=str))),
        versions={"lsm-eval": __version__},
        imported=ImportedRow(
            tool=found.tool,
            version=found.version,
            files=files,
            lacking=[*found.lacking, "the weights", "the client's own share of what was measured"],
        ),
        own_numbers=numbers,
        run_suffix=f"-{first[:8]}",
    )


def _cell(cell: ImportedCell, taken: set[str]) -> CellRow:
    conditions = {key: value for key, value in cell.conditions.items() if value is not None}
    name = own = cell_name(conditions)
    number = 2
    while own in taken:
        own, number = f"{name}_{number}", number + 1
    rows = measured(cell) if cell.completed else []
    return CellRow(
        name=own,
        title=cell.title,
        conditions=conditions,
        metrics=rows,
        n=cell.completed,
        failures=cell.failures,
        seconds=cell.seconds,
        missing=None if rows else "No request was answered whole.",
    )
