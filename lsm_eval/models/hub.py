"""A checkpoint of the Hugging Face hub as a local folder."""

from __future__ import annotations

from pathlib import Path

from lsm_eval.errors import UserError

_TEXT = ("*.json", "*.model", "*.txt", "*.jinja", "*.tiktoken")


def fetch(repository: str, revision: str | None, *, weights: bool, code: bool, offline: bool) -> Path:
    """The folder of a snapshot: configuration and tokenizer, and the weights if asked for.

    `code` brings the repository's Python files too. Raises `UserError` where it cannot be had.
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

    patterns = [*_TEXT, *(["*.py"] if code else []), *(["*.safetensors"] if weights else [])]
    name = f"hf:{repository}" + (f"@{revision}" if revision else "")
    try:
        folder = Path(
            snapshot_download(
                repository, revision=revision, allow_patterns=patterns, local_files_only=offline
            )
        )
        if weights and not any(folder.glob("*.safetensors")):
            folder = Path(
                snapshot_download(
                    repository,
                    revision=revision,
                    allow_patterns=[*patterns, "pytorch_model*.bin"],
                    local_files_only=offline,
                )
            )
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
            "it is not in the local cache, and --offline keeps the hub out"
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
    # The hub says the same of what is not there and of what is private.
    return UserError(f"{name}: the hub has no such model, or it is private (then `hf auth login`).")
