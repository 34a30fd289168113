"""Reads from the Hugging Face hub, through `datasets` and `huggingface_hub`; each failure is explained in one sentence."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lsm_eval.data.parquet import check_columns, read_parts
from lsm_eval.errors import UserError

if TYPE_CHECKING:
    import datasets
    import pyarrow as pa

CONVERTED = "refs/convert/parquet"
"""The branch in which the hub keeps every data set converted to Parquet."""

TIMEOUT = 10.0
"""Seconds to wait for the hub's first answer, in a single try, so that a dead network is reported at once."""

_COMMIT = re.compile(r"[0-9a-f]{40}")
_LOG = logging.getLogger(__name__)
_MIRROR_HINT = "or read a copy with --data-mirror DIR"


@dataclass(frozen=True, slots=True)
class HubTables:
    """One split of a hub data set."""

    tables: Mapping[str, pa.Table]
    """Config → its rows, with the requested columns."""
    revision: str | None
    """Commit that was read; None if the local cache does not record it."""


def read_hub(
    hub: str,
    configs: Sequence[str],
    split: str,
    columns: Sequence[str] | None,
    *,
    revision: str | None,
    converted: bool,
    offline: bool,
) -> HubTables:
    """Read a split of a hub data set, from the local cache if it is there.

    `columns` None reads all. `revision` is a commit of the repository, or of its converted branch with `converted`. `offline`, or
    HF_HUB_OFFLINE in the environment, reads the local cache only; where the hub cannot be reached the cache is
    used too, with a warning. Raises `UserError` for an unknown id, revision, config, split or column, a gated
    or private set without a token, a loading script, and no network without a cached copy.
    """
    import huggingface_hub.constants as hub_constants

    offline = offline or bool(hub_constants.HF_HUB_OFFLINE)
    wanted = revision or (CONVERTED if converted else None)
    commit = None if offline else _resolve(hub, wanted)
    with _offline_mode(commit is None):
        if converted:
            # By its name, so that the cache records the branch's commit and can serve it offline.
            return _read_converted(hub, configs, split, columns, wanted, offline)
        return _read_plain(hub, configs, split, columns, commit or wanted, offline)


def _resolve(hub: str, revision: str | None) -> str | None:
    """Asks the hub once for the commit of `revision`; None, with a warning, if the hub does not answer."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    api = HfApi(library_name="lsm-eval")
    try:
        info = api.dataset_info(hub, revision=revision, timeout=TIMEOUT)
        if getattr(info, "gated", False):
            api.auth_check(hub, repo_type="dataset")
    except GatedRepoError as error:
        raise UserError(
            f"the data set {hub} is gated: accept its terms at {_page(hub)}, log in with `hf auth login` (or set "
            f"HF_TOKEN), {_MIRROR_HINT}."
        ) from error
    except RepositoryNotFoundError as error:
        raise _not_there(hub) from error
    except RevisionNotFoundError as error:
        what = "no converted Parquet branch" if revision == CONVERTED else f"no revision {revision}"
        raise UserError(
            f"the data set {hub} has {what} on the hub: correct `dataset.revision` and `dataset.converted`, "
            f"{_MIRROR_HINT}."
        ) from error
    except HFValidationError as error:
        raise UserError(f"{hub!r} is no hub id (it reads `org/name`): correct `dataset.hub`.") from error
    except HfHubHTTPError as error:
        if error.response.status_code in (401, 403, 404):
            raise _not_there(hub) from error
        _LOG.warning("the hub refuses %s (%s); trying the local cache", hub, error.response.status_code)
        return None
    except (OSError, _http_error()) as error:
        _LOG.warning("cannot reach the hub for %s (%s); trying the local cache", hub, type(error).__name__)
        return None
    return info.sha


def _not_there(hub: str) -> UserError:
    return UserError(
        f"the hub has no data set {hub}, or it is private: check the id, log in with `hf auth login` (or set "
        f"HF_TOKEN), {_MIRROR_HINT}."
    )


def _read_plain(
    hub: str,
    configs: Sequence[str],
    split: str,
    columns: Sequence[str] | None,
    revision: str | None,
    offline: bool,
) -> HubTables:
    import datasets
    from datasets.exceptions import DatasetsError

    # A folder of that name in the working directory would otherwise be read instead of the hub.
    path = f"hf://datasets/{hub}" if Path(hub).exists() else hub
    tables: dict[str, pa.Table] = {}
    commit = None
    for config in configs:
        try:
            data = datasets.load_dataset(path, name=config, split=split, revision=revision)
        except (DatasetsError, _http_error(), OSError, ValueError, RuntimeError) as error:
            raise _explained(error, hub, config, split, offline) from error
        commit = _commit_of(data)
        if revision and commit and _COMMIT.fullmatch(revision) and commit != revision:
            raise UserError(
                f"the local cache has {hub} ({config}) at commit {commit}, and the task file names {revision}: run "
                f"once without --offline (HF_HUB_OFFLINE) where the hub can be reached, {_MIRROR_HINT}."
            )
        if columns is not None:
            check_columns(columns, data.column_names, f"{hub} ({config}, {split})")
            data = data.select_columns(list(columns))
        table = data.with_format("arrow")[:]
        # The feature description carries the names of class labels.
        tables[config] = table.replace_schema_metadata(data.features.arrow_schema.metadata)
    return HubTables(tables, commit)


def _commit_of(data: datasets.Dataset) -> str | None:
    """The commit, taken from the name of the cache folder: `datasets` records it nowhere else."""
    folders = {Path(file["filename"]).parent.name for file in data.cache_files}
    return next((name for name in folders if _COMMIT.fullmatch(name)), None)


def _read_converted(
    hub: str,
    configs: Sequence[str],
    split: str,
    columns: Sequence[str] | None,
    revision: str | None,
    offline: bool,
) -> HubTables:
    from huggingface_hub import snapshot_download

    # The hub names a partly converted split `partial-<split>`.
    folders = {config: (f"{config}/{split}", f"{config}/partial-{split}") for config in configs}
    patterns = [f"{folder}/*.parquet" for pair in folders.values() for folder in pair]
    try:
        root = Path(
            snapshot_download(
                hub, repo_type="dataset", revision=revision, allow_patterns=patterns, etag_timeout=TIMEOUT
            )
        )
    except (OSError, _http_error()) as error:
        raise _explained(error, hub, ", ".join(configs), split, offline) from error
    tables: dict[str, pa.Table] = {}
    for config, pair in folders.items():
        parts = next((found for folder in pair if (found := sorted((root / folder).glob("*.parquet")))), [])
        if not parts:
            place = "local copy of the converted branch" if offline else "converted branch"
            raise UserError(
                f"the {place} of {hub} has no {config}/{split}: check config and split in the task file, "
                f"{_MIRROR_HINT}."
            )
        tables[config] = read_parts(parts, columns)
    return HubTables(tables, root.name)


def _explained(error: Exception, hub: str, config: str, split: str, offline: bool) -> UserError:
    """The libraries' various errors, as one sentence."""
    import huggingface_hub.constants as hub_constants

    text = str(error)
    first = text.strip().splitlines()[0].rstrip(".") if text.strip() else type(error).__name__
    what = f"{hub} ({config}, {split})"
    if "scripts are no longer supported" in text:
        return UserError(
            f"{hub} is a loading script, which is never run: set `converted: true` in the task file to read the "
            f"hub's Parquet copy, {_MIRROR_HINT}."
        )
    if "BuilderConfig" in text or "Unknown split" in text:
        return UserError(
            f"{what} is not on the hub ({first}): correct `config` and `split` in the task file."
        )
    if hub_constants.HF_HUB_OFFLINE:
        if offline:
            return UserError(
                f"{what} is not in the local cache: run once without --offline (HF_HUB_OFFLINE), {_MIRROR_HINT}."
            )
        return UserError(
            f"cannot reach the hub, and {what} is not in the local cache: check the network (or HF_ENDPOINT), "
            f"{_MIRROR_HINT}."
        )
    return UserError(f"{what} cannot be read from the hub ({first}): try again, {_MIRROR_HINT}.")


def _http_error() -> type[Exception]:
    """The base of all errors of the HTTP library that `huggingface_hub` uses (it has changed twice)."""
    from huggingface_hub.errors import HfHubHTTPError

    return HfHubHTTPError.__bases__[0]


def _page(hub: str) -> str:
    import huggingface_hub.constants as hub_constants

    return f"{hub_constants.ENDPOINT}/datasets/{hub}"


@contextlib.contextmanager
def _offline_mode(wanted: bool) -> Iterator[None]:
    """Sets the constants of both libraries, which read HF_HUB_OFFLINE only once, on import."""
    if not wanted:
        yield
        return
    import datasets.config
    import huggingface_hub.constants as hub_constants

    places = [(hub_constants, "HF_HUB_OFFLINE"), (datasets.config, "HF_HUB_OFFLINE")]
    before = [getattr(module, name) for module, name in places]
    for module, name in places:
        setattr(module, name, True)
    try:
        yield
    finally:
        for (module, name), value in zip(places, before, strict=True):
            setattr(module, name, value)
