"""Decides which records belong to one model, and names its row. The fingerprint identifies the model; the name is only shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from lsm_eval.leaderboard.show import clip
from lsm_eval.results.model_rows import ModelRow
from lsm_eval.results.names import MOST, as_it_comes, shown_name
from lsm_eval.results.reader import Record

Identity = tuple[str, ...]
"""Records with equal identities are of one model, run in one way."""


def identity(record: Record) -> Identity:
    """The identity of the record's model: name and fingerprint.

    A built-in checkpoint is pinned by its name and package, so a fingerprint that another version of lsm-eval computed
    differently is still the same model; the rest of what its fingerprint covers is compared directly.
    """
    model = record.manifest.model
    built_in = model.name.startswith("builtin:") and model.own_name is None and model.dtype is not None
    if built_in and as_it_comes(model):
        ways = (_dtype(record), _device(record), _engine(record), _overflow(record))
        return (model.name, model.details.get("source", ""), *ways)
    return (model.name, model.fingerprint)


def source_name(model: ModelRow) -> str:
    """The model's own name, regardless of `--name`."""
    return model.own_name or model.name


def row_names(records: Sequence[Record]) -> list[str]:
    """A unique name for each of several models, given one record of each.

    The name includes the adapter and the bits of quantized weights. Equal names are followed by what differs: package, folder, revision,
    adapter, dtype, device, engine, overflow; if that is not enough, by the first digits of the fingerprint.
    """
    plain = [clip(shown_name(record.manifest.model), MOST) for record in records]
    more: list[list[str]] = [[] for _ in records]

    def alike() -> list[list[int]]:
        return _alike([_with(name, found) for name, found in zip(plain, more, strict=True)])

    for places in alike():
        folders = _folders([records[at] for at in places])
        facets = [
            [folder, *(facet(records[at]) for facet in _FACETS)]
            for at, folder in zip(places, folders, strict=True)
        ]
        differing = [n for n in range(1 + len(_FACETS)) if len({own[n] for own in facets}) > 1]
        for at, own in zip(places, facets, strict=True):
            more[at] = [own[n] for n in differing if own[n]]
    for digits in (8, 16, 64):
        for places in alike():
            for at in places:
                whole = records[at].manifest.model.fingerprint
                kept = [part for part in more[at] if part not in (whole[:8], whole[:16])]
                more[at] = [*kept, whole[:digits]]
    for places in alike():
        for number, at in enumerate(places):
            more[at] = [*more[at], f"no. {number + 1}"]
    return [_with(name, found) for name, found in zip(plain, more, strict=True)]


def _alike(names: Sequence[str]) -> list[list[int]]:
    """For each name that occurs several times, its positions."""
    places: dict[str, list[int]] = defaultdict(list)
    for at, name in enumerate(names):
        places[name].append(at)
    return [found for found in places.values() if len(found) > 1]


def _with(name: str, more: Sequence[str]) -> str:
    return f"{name} ({', '.join(more)})" if more else name


def _folders(records: Sequence[Record]) -> list[str]:
    """For each record the shortest end of its folder's path that is unique; empty if the folder is not known."""
    parts = [PurePosixPath(record.manifest.model.details.get("folder", "")).parts for record in records]
    known = {own for own in parts if own}
    if len(known) < 2:
        return [""] * len(records)
    length = next((n for n in range(1, 4) if len({own[-n:] for own in known}) == len(known)), 3)
    return ["/".join(own[-length:-1]) or "/".join(own[-1:]) for own in parts]


def _dtype(record: Record) -> str:
    return record.manifest.model.dtype or ""


def _device(record: Record) -> str:
    return (record.manifest.model.device or "").partition(":")[0]


def _engine(record: Record) -> str:
    return "plain engine" if record.manifest.settings.get("engine") == "plain" else ""


def _overflow(record: Record) -> str:
    how = record.manifest.settings.get("overflow", "error")
    return "" if how == "error" else f"overflow {how}"


def _revision(record: Record) -> str:
    return (record.manifest.model.revision or "")[:12]


def _adapter(record: Record) -> str:
    return record.manifest.model.details.get("adapter", "")


def _package(record: Record) -> str:
    return record.manifest.model.details.get("source", "")


_FACETS: tuple[Callable[[Record], str], ...] = (
    _package, _revision, _adapter, _dtype, _device, _engine, _overflow,
)  # fmt: skip
