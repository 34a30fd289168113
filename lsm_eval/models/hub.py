"""Fetches a checkpoint of the Hugging Face hub to a local folder."""

from __future__ import annotations

from pathlib import Path

from lsm_eval.errors import UserError
from lsm_eval.models.checkpoint_files import ADAPTER_WEIGHTS, adapter_weights, unread_patterns
from lsm_eval.models.weight_files import wanted_pickles, wanted_weights, weight_files


def fetch(
    repository: str,
    revision: str | None,
    *,
    weights: bool,
    code: bool,
    offline: bool,
    adapter: bool = False,
) -> Path:
    """The folder of a snapshot with all files that affect answers, and with `weights` also the weights (with `adapter`, those
    of a PEFT adapter).

    With `code`, also the repository's Python files, and whatever they may read. Raises `UserError` if it cannot be fetched.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    name = f"hf:{repository}" + (f"@{revision}" if revision else "")

    def bring(revision: str | None, *, allow: list[str] | None = None) -> Path:
        ignore = None if allow else unread_patterns(code=code, weights=weights)
        found = snapshot_download(
            repository,
            revision=revision,
            allow_patterns=allow,
            ignore_patterns=ignore,
            local_files_only=offline,
        )
        return Path(found)

    try:
        folder = bring(revision)
        if weights:
            # Only those that are read, as many repositories have them in two formats.
            same = commit(folder) or revision
            bring(same, allow=[ADAPTER_WEIGHTS[0]] if adapter else wanted_weights(folder))
            if not (adapter_weights(folder) if adapter else weight_files(folder)):
                bring(same, allow=[ADAPTER_WEIGHTS[1]] if adapter else wanted_pickles(folder))
    except HFValidationError as error:
        raise UserError(f"{name}: not a hub id; write hf:ORG/NAME, or the path of a local folder.") from error
    except GatedRepoError as error:
        raise UserError(
            f"{name}: its owner asks for terms to be accepted; accept them on its page, then `hf auth login`."
        ) from error
    except RevisionNotFoundError as error:
        raise UserError(f"{name}: the hub has no such revision of it.") from error
    except RepositoryNotFoundError as error:
        raise _absent(name) from error
    except LocalEntryNotFoundError as error:
        how = (
            "it is not in the local cache, and --offline does not allow the hub"
            if offline
            else "the hub cannot be reached"
        )
        raise UserError(
            f"{name}: {how}; fetch it where there is a network, or name a local folder."
        ) from error
    except HfHubHTTPError as error:
        if error.response is not None and error.response.status_code in (401, 404):
            raise _absent(name) from error
        raise UserError(f"{name}: cannot be fetched ({str(error).splitlines()[0][:200]}).") from error
    except OSError as error:
        raise UserError(f"{name}: cannot be fetched ({str(error).splitlines()[0][:200]}).") from error
    return folder


def commit(folder: Path) -> str | None:
    """The commit of a snapshot folder of the hub's cache; None for any other folder."""
    inside_cache = folder.parent.name == "snapshots"
    return folder.name if inside_cache and len(folder.name) == 40 else None


def _absent(name: str) -> UserError:
    # The hub does not distinguish missing repositories from private ones.
    return UserError(f"{name}: the hub has no such model, or it is private (then `hf auth login`).")
