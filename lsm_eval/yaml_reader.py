"""The YAML of task files: version 1.2, core schema, read by libyaml.

Texts stay texts: `No`, `on`, `0123`, `12:30`, `2024-05-06` and `1_000` are strings. `true`, `null`, `12`,
`0o17`, `0x1F` and `1e-3` are what the core schema says (YAML 1.2.2, section 10.3.2), except that numbers with a leading
zero are texts. A key that is given twice is an error, and so is a file that would take too much memory.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, ClassVar

import yaml

from lsm_eval.errors import UserError

LARGEST = 10_000_000
"""The most characters that a file may have."""

MOST_NODES = 1_000_000
"""The most values that a file may hold with its aliases expanded."""

DEEPEST = 200
"""How deep lists and mappings may be nested."""

LONGEST = 40
"""The most digits that a whole number may have."""

_WORD = "tag:yaml.org,2002:"
_RULES = (
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("float", r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", "-+."),
    ("merge", r"<<", "<"),
)  # fmt: skip

_TOP_LINE = re.compile(r"^(?:(\w+):(?=[ \n]|\Z)|[^ \t\n#])", re.ASCII | re.MULTILINE)
"""A line that is not indented, and the key that it begins with, if any."""
_OTHER_BREAKS = re.compile("[\x85\u2028\u2029]")
"""Line breaks of YAML, but not of Python's `re`."""
_UNREADABLE = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError)

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Broken(Exception):
    """What is wrong with a file, and the number of the line (from 1)."""

    def __init__(self, what: str, line: int | None = None) -> None:
        super().__init__(what)
        self.what, self.line = what, line


class _Loader(_Base):  # type: ignore[misc]  # the C loader has no types
    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}

    def check_keys(self, root: Any) -> None:
        """Raises for a key that a mapping gives twice, however it is written (`1` and `0x1`)."""
        # To be called before objects are constructed, as merging (`<<`) changes the nodes.
        todo, seen = [root], set()
        while todo:
            node = todo.pop()
            if isinstance(node, yaml.ScalarNode) or id(node) in seen:
                continue
            seen.add(id(node))
            todo += _parts(node)
            if isinstance(node, yaml.MappingNode):
                keys = set()
                for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
                    name = key.value if key.tag == _WORD + "merge" else self.construct_object(key)
                    if name in keys:
                        raise _Broken(f"`{key.value}` is given twice", _line(key))
                    keys.add(name)

    def whole_number(self, node: Any) -> int:
        text = str(self.construct_scalar(node))
        line = _line(node)
        if len(text) > LONGEST:
            raise _Broken(f"a number of {len(text):,} digits: write it in quotes if it is a text", line)
        try:
            return int(text, 0 if text[:2] in ("0o", "0x") else 10)
        except ValueError as error:
            raise _Broken(f"`{text}` is no whole number: write it in quotes if it is a text", line) from error

    def number(self, node: Any) -> float:
        text = str(self.construct_scalar(node)).lower()
        try:
            return float(text.replace(".inf", "inf").replace(".nan", "nan"))
        except ValueError as error:
            raise _Broken(
                f"`{text}` is no number: write it in quotes if it is a text", _line(node)
            ) from error


for _name, _pattern, _first in _RULES:
    for _sign in [*_first, *([""] if _name == "null" else [])]:
        _Loader.yaml_implicit_resolvers.setdefault(_sign, []).append(
            (_WORD + _name, re.compile(rf"(?:{_pattern})\Z"))
        )
_Loader.add_constructor(_WORD + "int", _Loader.whole_number)
_Loader.add_constructor(_WORD + "float", _Loader.number)


def read_yaml(path: Path) -> Any:
    """The content of a YAML file: dicts, lists, texts, numbers, booleans and None (of an empty file None).

    Numbers in `fewshot.examples` whose spelling Python would not give back (`1.50`) stay texts. Raises `UserError`, one
    sentence with file and line, for anything that cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); check its rights.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 text; save it as UTF-8.") from error
    try:
        return _read(text)
    except _Broken as error:
        where = f", line {error.line}" if error.line else ""
        raise UserError(f"{path}{where}: {error.what}; correct it.") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else _line_of(error, text)
        raise UserError(f"{path}{where}: is not valid YAML ({_problem(error)}); correct it.") from error
    except _UNREADABLE as error:
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(f"{path}: holds a value that cannot be read ({why}); correct it.") from error


def read_parts(path: Path, keys: Collection[str]) -> dict[str, Any] | None:
    """The values of some top-level keys of a YAML file; of the rest only the syntax is checked.

    None if the file is not a plain mapping, or has an error: `read_yaml` reads it, or reports the error.
    """
    try:
        parts = _lines_of_keys(path.read_text(encoding="utf-8-sig"))
        return _read("".join(part for key, part in parts.items() if key in keys)) or {}
    except (OSError, _Broken, yaml.YAMLError, *_UNREADABLE):
        return None


def _lines_of_keys(text: str) -> dict[str, str]:
    """The lines of each top-level key of a file.

    Each part must be valid YAML by itself, so that no line inside quotes or brackets was taken for a key: these would be left open.
    """
    if len(text) > LARGEST or "&" in text or _OTHER_BREAKS.search(text):
        raise _Broken("can be read as a whole only")
    lines = list(_TOP_LINE.finditer(text))
    ends = [*(line.start() for line in lines[1:]), len(text)]
    parts = {line[1]: text[line.start() : end] for line, end in zip(lines, ends, strict=True)}
    if None in parts or len(parts) < len(lines):
        raise _Broken("can be read as a whole only")
    _Base("---\n".join(parts.values())).raw_parse()
    return parts


def _read(text: str) -> Any:
    if len(text) > LARGEST:
        raise _Broken(f"holds more than {LARGEST:,} characters, which is no task file")
    # libyaml recurses without a limit, and a stack overflow ends the process.
    if sum(map(text.count, ("[", "{", "- ", "? "))) > DEEPEST:
        _check_depth(text)
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        if "&" in text:
            _check_size(root)
        loader.check_keys(root)
        for node in _example_scalars(root):
            _keep_spelling(node)
        return loader.construct_document(root)
    finally:
        loader.dispose()


def _check_depth(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Base):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                raise _Broken(
                    f"more than {DEEPEST} lists and mappings are nested in one another", _line(event)
                )
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _check_size(root: Any) -> None:
    """Raises if the aliases expand to too many values, or an anchor holds itself."""
    sizes: dict[int, int] = {}
    within: set[int] = set()

    def size(node: Any) -> int:
        if isinstance(node, yaml.ScalarNode):
            return 1
        at = id(node)
        if at in within:
            raise _Broken("an anchor (&) holds its own alias (*)", _line(node))
        if at not in sizes:
            within.add(at)
            sizes[at] = 1 + sum(size(part) for part in _parts(node))
            within.discard(at)
        if sizes[at] > MOST_NODES:
            raise _Broken(f"its aliases (*) stand for more than {MOST_NODES:,} values", _line(node))
        return sizes[at]

    size(root)


def _parts(node: Any) -> Iterator[Any]:
    for part in node.value:
        yield from part if isinstance(part, tuple) else (part,)


def _example_scalars(root: Any) -> Iterator[Any]:
    """The scalars of the few-shot examples that a task file contains."""
    todo = [
        examples
        for key, few in (root.value if isinstance(root, yaml.MappingNode) else ())
        if key.value == "fewshot" and isinstance(few, yaml.MappingNode)
        for key, examples in few.value
        if key.value == "examples"
    ]
    while todo:
        node = todo.pop()
        if isinstance(node, yaml.ScalarNode):
            yield node
        else:
            todo += [part[1] if isinstance(part, tuple) else part for part in node.value]


def _keep_spelling(node: Any) -> None:
    """Makes a number in an example a text if Python would write it in another way: examples are shown as they are written."""
    kinds = {_WORD + "int": int, _WORD + "float": float}
    kind = None if node.style else kinds.get(node.tag)
    if kind is None:
        return
    try:
        same = str(kind(node.value)) == node.value
    except ValueError:
        same = False
    if not same:
        node.tag = _WORD + "str"


def _line(thing: Any) -> int:
    return int(thing.start_mark.line) + 1


def _line_of(error: Exception, text: str) -> str:
    position = getattr(error, "position", None)
    return f", line {text.count(chr(10), 0, position) + 1}" if isinstance(position, int) else ""


def _problem(error: yaml.YAMLError) -> str:
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be parsed"
    if "but found another document" in str(problem):
        return "it holds several documents, and a file defines one task or suite"
    if "cannot start any token" in str(problem):
        return "a character that cannot stand there, such as a tab before a key, or % @ ` outside quotes"
    return " ".join(str(problem).split())
