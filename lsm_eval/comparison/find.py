"""Finds the record that a user refers to: a record's folder, the newest in a folder, or one of another git revision."""

from __future__ import annotations

import atexit
import io
import posixpath
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from lsm_eval.errors import UserError
from lsm_eval.results.names import shown_name
from lsm_eval.results.reader import Record, find_records

GIT = "git:"


def find(reference: str) -> Record:
    """The record that `reference` names: the folder of a record; a folder with records of one model, of which the newest is
    taken (profiles only if there is nothing else); or `git:REVISION:PATH`, the same in a revision of the current folder's git
    repository.

    Raises UserError, which says what to name instead, if there is no record, if there are records of several models, or if one of
    them cannot be read, since that may be the newest."""
    if reference.startswith(GIT):
        return _newest(_of_revision(reference), reference)
    if not reference:
        raise UserError("the name of a record's folder is empty: name one, such as reports/MODEL.")
    return _newest(Path(reference), reference)


def _newest(folder: Path, reference: str) -> Record:
    records, broken = find_records(folder)
    if (own := next((record for record in records if record.folder == folder), None)) is not None:
        return own
    if not records:
        if broken:
            raise UserError(broken[0].why)
        raise UserError(
            f"{reference} holds no record: name a folder that `lsm-eval run` wrote, or one above it."
        )
    if broken:
        raise UserError(
            f"{reference} holds a record that cannot be read, and may be the newest: {broken[0].why}"
        )
    # Profiles lie in the same folder as the runs of their model, and have no answers to compare.
    records = [record for record in records if record.manifest.profile is None] or records
    models = {shown_name(record.manifest.model): record.folder.parent for record in records}
    if len(models) > 1:
        choices = ", ".join(_shown(parent, folder, reference) for parent in list(models.values())[:5])
        raise UserError(
            f"{reference} holds records of {len(models)} models: name one of them, such as {choices}."
        )
    return records[-1]


def _shown(folder: Path, root: Path, reference: str) -> str:
    return (
        f"{reference.rstrip('/')}/{folder.relative_to(root)}" if folder.is_relative_to(root) else str(folder)
    )


def _of_revision(reference: str) -> Path:
    """A temporary folder with the content of `git:REVISION:PATH`; it is removed when the process ends."""
    revision, _, path = reference.removeprefix(GIT).partition(":")
    if not revision or not path.strip("/") or revision.startswith("-"):
        raise UserError(
            f"{reference} names no record: write git:REVISION:PATH, such as git:origin/main:reports."
        )
    # Relative to the current folder, like any other path; an absolute path would mean the working tree.
    if path.startswith("/"):
        raise UserError(f"{reference} has an absolute path: write it relative to the current folder.")
    above = (
        _git("rev-parse", "--show-cdup", reference=reference).decode(errors="surrogateescape").rstrip("\n")
    )
    here = (
        _git("rev-parse", "--show-prefix", reference=reference).decode(errors="surrogateescape").rstrip("\n")
    )
    path = posixpath.normpath(posixpath.join(here, path))
    commit = _git(
        "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}", reference=reference
    )
    content = _git(
        "-C", above or ".", "--literal-pathspecs", "archive", "--format=tar", commit.decode().strip(), "--", path, reference=reference
    )  # fmt: skip
    folder = Path(tempfile.mkdtemp(prefix="lsm-eval-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            archive.extractall(folder, filter="data")
    except (tarfile.TarError, OSError) as error:
        raise UserError(
            f"{reference} cannot be read ({error}): check out the revision and name its folder."
        ) from error
    return folder / path


def _git(*arguments: str, reference: str) -> bytes:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, check=False)
    except OSError as error:
        raise UserError(
            f"{reference} needs git, which cannot be run ({error.strerror}): install it."
        ) from error
    if done.returncode:
        said = " ".join(done.stderr.decode(errors="replace").split()) or "no such revision"
        raise UserError(
            f"{reference} is not in this git repository ({said[:200]}): check the revision and the path."
        )
    return done.stdout
