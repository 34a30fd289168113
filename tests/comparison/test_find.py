"""The record that somebody means: a folder, the newest in one, or one of another git revision."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from compared_runs import Runs

from lsm_eval.comparison.find import find
from lsm_eval.errors import UserError


@pytest.fixture
def tree(runs: Runs, tmp_path: Path) -> Path:
    """A folder `reports` with both records."""
    for record in (runs.first, runs.second):
        shutil.copytree(record, tmp_path / "reports" / record.parent.name / record.name)
    return tmp_path / "reports"


def test_a_record_and_the_newest_of_a_folder(runs: Runs, tree: Path) -> None:
    assert find(str(runs.first)).folder == runs.first
    folder = tree / runs.first.parent.name
    shutil.copytree(runs.first, folder / "newer")
    manifest = folder / "newer" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"created": "20', '"created": "21'))
    assert find(str(folder)).folder.name == "newer"


def test_records_of_several_models_are_to_be_told_apart(runs: Runs, tree: Path) -> None:
    with pytest.raises(UserError, match="holds records of 2 models: name one of them, such as") as error:
        find(str(tree))
    assert f"{tree}/{runs.first.parent.name}" in str(error.value)


def test_two_adapters_of_one_model_are_two_models(runs: Runs, tmp_path: Path) -> None:
    for name in ("polite", "short"):
        copy = tmp_path / name
        shutil.copytree(runs.first, copy)
        manifest = json.loads((copy / "manifest.json").read_text())
        manifest["model"]["details"]["adapter"] = f"adapters/{name}"
        (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UserError, match="holds records of 2 models: name one of them, such as"):
        find(str(tmp_path))


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("", "the name of a record's folder is empty"),
        ("nowhere", "is no folder"),
        ("git:", "names no record"),
        ("git:main", "names no record"),
        ("git:--output=x:reports", "names no record"),
    ],
)
def test_mistakes_are_sentences(reference: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        find(reference)


def test_a_folder_without_records_says_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no record"):
        find(str(tmp_path))


def test_a_record_that_cannot_be_read_may_be_the_newest(runs: Runs, tree: Path) -> None:
    """Or the one before it would be gated in its place, and nobody would know."""
    folder = tree / runs.first.parent.name
    newer = Path(shutil.copytree(runs.first, folder / "newer"))
    whole = (newer / "manifest.json").read_text()
    for text in (whole[:200], whole.replace('"schema_version": 1', '"schema_version": 2')):
        (newer / "manifest.json").write_text(text)
        with pytest.raises(
            UserError, match=r"holds a record that cannot be read, and may be the newest: .*newer"
        ):
            find(str(folder))
        assert find(str(folder / runs.first.name)).manifest.run == runs.first.name
    # Named itself, a record is the one that is meant, whatever lies in its folder.
    shutil.move(newer, folder / runs.first.name / "inner")
    assert find(str(folder / runs.first.name)).folder == folder / runs.first.name


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=n", "-c", "user.email=e@example.org", *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
    )


@pytest.mark.parametrize("folder", ["", "below/here"])
def test_a_revision_is_read_and_not_the_working_tree(
    runs: Runs, tree: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    record = tree / runs.first.parent.name / runs.first.name
    strange = Path(shutil.copytree(record, tree.parent / folder / "*" / "ü\n :(top)"))
    git(tree.parent, "init", "-q", "-b", "main")
    git(tree.parent, "add", ".")
    git(tree.parent, "commit", "-qm", "records")
    for place in (record, strange):
        manifest = place / "manifest.json"
        manifest.write_text(manifest.read_text().replace('"name": "', '"name": "dirty '))
    monkeypatch.chdir(tree.parent / folder)
    up = "../" * len(Path(folder).parts)
    for path in (
        f"{up}reports/{record.parent.name}",
        f"./{up}reports//{record.parent.name}/{record.name}/",
        "*",
        "*/ü\n :(top)",
    ):
        assert find(path).manifest.model.name.startswith("dirty ")
        assert not find(f"git:HEAD:{path}").manifest.model.name.startswith("dirty ")
    with pytest.raises(UserError, match="has an absolute path"):
        find(f"git:HEAD:{record}")
    with pytest.raises(UserError, match="is not in this git repository"):
        find(f"git:HEAD:{up}../reports")


def test_a_record_of_another_revision(runs: Runs, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tree.parent, "init", "-q", "-b", "main")
    git(tree.parent, "add", ".")
    git(tree.parent, "commit", "-qm", "records")
    shutil.rmtree(tree)
    git(tree.parent, "commit", "-qam", "gone")
    monkeypatch.chdir(tree.parent)
    found = find(f"git:main~1:reports/{runs.first.parent.name}")
    assert found.manifest.run == runs.first.name
    assert found.sample_count("choose") == 24
    with pytest.raises(UserError, match="is not in this git repository"):
        find("git:main:reports")
    with pytest.raises(UserError, match="is not in this git repository"):
        find("git:nowhere:reports")
