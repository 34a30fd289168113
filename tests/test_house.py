"""The picture of the house in CONTRIBUTING.md is what the imports say, and its arrows go down."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "lsm_eval"
SHARED = "shared"


def _groups(text: str) -> dict[str, str]:
    """Each room's group, from the table."""
    rows = re.findall(r"^\| (\w+) \| ((?:`\w+`(?:, )?)+) \|", text, re.MULTILINE)
    assert len(rows) > 5
    return {room: group for group, rooms in rows for room in re.findall(r"`(\w+)`", rooms)}


def _arrows(text: str) -> set[tuple[str, str]]:
    """Who imports whom, from the picture."""
    picture = re.search(r"```mermaid\n(.*?)```", text, re.DOTALL)
    assert picture is not None
    found = re.findall(r"^ *(\w+) --> ([\w &]+)$", picture[1], re.MULTILINE)
    return {(one, other) for one, others in found for other in others.split(" & ")}


def _rooms() -> set[str]:
    """Folders and files of the package that import something or are imported."""
    found = {
        path.stem for path in PACKAGE.iterdir() if (path.suffix == ".py" or (path / "__init__.py").is_file())
    }
    return {name for name in found if not name.startswith("_")}


def _imports() -> dict[tuple[str, str], Path]:
    """A room, another that one of its files imports (anywhere in it), and that file."""
    found = {}
    files = [(path, path.relative_to(PACKAGE).parts[0].removesuffix(".py")) for path in PACKAGE.rglob("*.py")]
    files += [(path, "benchmarks") for path in (ROOT / "tasks").rglob("*.py")]
    for path, own in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module, *(f"{node.module}.{one.name}" for one in node.names)]
            elif isinstance(node, ast.Import):
                names = [one.name for one in node.names]
            for name in names:
                parts = name.split(".")
                if parts[0] == "lsm_eval" and len(parts) > 1:
                    found[own, parts[1]] = path
    return found


def test_the_picture_is_what_the_imports_say() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    group = _groups(text)
    assert set(group) == _rooms(), "the table has each room once"
    order = list(dict.fromkeys(group.values()))
    found: dict[tuple[str, str], Path] = {}
    for (own, other), path in _imports().items():
        if own.startswith("_") or other not in group:  # the package's own names
            continue
        if group[own] != group[other]:
            found[group[own], group[other]] = path.relative_to(ROOT)
    up = {pair: path for pair, path in found.items() if order.index(pair[0]) > order.index(pair[1])}
    assert not up, "imports that go up"
    drawn = {pair for pair in found if SHARED not in pair}
    assert drawn == _arrows(text)
