"""Odd values and odd texts for `fuzz.py`: what broke evaluation tools, and what breaks parsers."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

DIGITS = "9" * 5000
DEEP = "[" * 3000 + "]" * 3000

TEXTS: tuple[str, ...] = (
    "", " ", "\n", "\t", "a", "None", "null", "nan", "No", "0123", "12:30", "2024-05-06", "2024-13-45", "1_000", "\x00",
    "\x1b[31m", "\u202e", "\u2028", "\ufeff", "\ud800", "a\udfffb", "😀", "ａ１", "é" * 3, "中文", "<script>alert(1)</script>",
    "../outside", "/etc/passwd", "a/b", "a\\b", "con", "a.", "a-", "-", ".", "..", "~", "*", "?", "[", "{", "%s", "%n", "{0}",
    "a\nb", "x" * 5000, "s3:x", "reports:v1", "file:///tmp/x", "os:getcwd", "json:loads", "lsm_eval.errors:UserError", "nope:nope",
    "builtin:first", "builtin:nope", "hf:", "hf:a/b", "hf:../x", "evaluate:nope", "lsm_eval", "test+validation", "a,b", ",", "=",
    DIGITS, "1e400", "-1", "0", "1.5", "true", "0x1F", "1,5", "١٢",
)  # fmt: skip
"""Plain texts."""

TEMPLATES: tuple[str, ...] = (
    "{{", "}}", "{{ }}", "{{ nope }}", "{{ question", "{% for x in %}", "{% if %}", "{{ question }} {{ answer }}", "{{ row }}",
    "{{ self }}", "{{ question.nope.nope }}", "{{ question[0] }}", "{{ choices[99] }}", "{{ 'a' * 10**10 }}", "{{ 10 ** 10 ** 10 }}",
    "{{ range(10**9) | list }}", "{{ [0] * 10**10 }}", "{{ 'x' | center(10**10) }}", "{{ '%1000000000d' % 1 }}",
    "{{ '{:>1000000000}'.format(1) }}", "{{ question | random }}", "{{ lipsum(1000) }}", "{{ ''.__class__.__mro__ }}",
    "{{ cycler.__init__.__globals__ }}", "{{ 1 / 0 }}", "{{ question | nope }}", "{{ question | int }}", "{{ none }}", "{{ [none] }}",
    "{{ {} }}", "{{ choices | join }}", "{{ choices | map('upper') | list }}", "{% raw %}{{ x }}{% endraw %}",
    "{% set ns = namespace(x=1) %}{{ ns.x }}", "{% include 'x' %}", "{% extends 'x' %}", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}", "{{ 'é' | urlize }}", "{{ dict(a=1) }}",
    "{{ question is none }}", "{{ question ~ none }}", "{{ true }}", "{{ 0.9 }}", "{{ 1e400 }}", "{{ [0, 1] }}", "{{ '\\ud800' }}",
    "{{ joiner() }}", "{{ question.format }}", "{{ 'a'.join(choices) }}", "{{ caller() }}", "{{ loop.index }}", "{{ super() }}",
)  # fmt: skip
"""Templates, in and out of reason."""

_OTHERS: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2**31, 2**63, 2**64, -(2**70), 10**400, 0.9, 1.0, -0.0, 1e308, float("inf"), float("-inf"), float("nan"),
    [], {}, [[]], [None], [1, "a", None], {"": ""}, {"a": {"b": {"c": []}}}, {1: 2}, ["a"] * 300, [[[[[[["x"]]]]]]], b"\x00\xff",
)  # fmt: skip

CHUNKS: tuple[str, ...] = (
    "\x00", "\ufeff", "\t", "\r", "\r\n", "\n\n", "---\n", "...\n", "- ", ": ", "? ", "| ", "> ", "&a ", "*a", "<<: *a\n", "!!python/name:os.system ",
    "!!binary x", "!!set {a}", "!!timestamp ", "!x ", "%YAML 9.9\n", "{", "}", "[", "]", '"', "'", ",", ",,", "\\", "\\u", "\\ud800", "#", "@", "`",
    "2024-13-45", "0o8", "1e999", ".inf", ".nan", "0b2", "null", "~", "true", "No", DIGITS, DEEP, "\x1f", "\x7f", "\x85", "\u2028", "é", "中", "\udcff",
    "NaN", "Infinity", "-Infinity", '{"a": 1, "a": 2}', "{{ question }}", "{%", "x" * 200_000, "\"\"\"",
)  # fmt: skip

RAW: tuple[str, ...] = (
    DIGITS, f"-{DIGITS}", f"0.{DIGITS}", f"1e{DIGITS}", DEEP, "{" * 3000, '{"a":' * 3000 + "1" + "}" * 3000, "NaN", "Infinity", "-Infinity", "1e400",
    "2024-13-45", "2024-05-06", "2024-05-06T25:61:61Z", "0001-01-01", "12:30", "190:20:30", "0123", "0x", "0o9", "0b2", "1_000", ".inf", "~", "No", "yes",
    "[a, b", "{a: 1, a: 2}", '{"a": 1, "a": 2}', "!!int x", "!!float x", "!!timestamp x", "!!python/object/apply:os.getcwd []", "!!binary '???'", "&a [*a]",
    "*nope", "[" * 50 + "]" * 50, "'unfinished", '"\\x"', '"\\ud800"', "\u0000", "| \n x", "true", "[null]", "", "a: b: c", "@", "%", "`",
)  # fmt: skip
"""What may stand where a value should."""

_TOKEN = "RAW-VALUE-HERE"


def odd(draw: random.Random, *, keys: tuple[str, ...] = ()) -> Any:
    """A value that somebody might have written. `keys`: words that belong where it will stand."""
    kind = draw.random()
    if kind < 0.4:
        return draw.choice(TEXTS)
    if kind < 0.6:
        return draw.choice(TEMPLATES)
    if kind < 0.7 and keys:
        return draw.choice(keys)
    return copy.deepcopy(draw.choice(_OTHERS))


def odd_text(draw: random.Random) -> str:
    """The same, but always text."""
    return draw.choice(TEXTS if draw.random() < 0.7 else TEMPLATES)


def mutate_tree(draw: random.Random, tree: Any, *, keys: tuple[str, ...] = (), times: int = 1) -> Any:
    """A copy of nested dicts and lists with so many places changed: a value replaced or removed, a key renamed,
    a value wrapped in a list or put somewhere else."""
    tree = copy.deepcopy(tree)
    for _ in range(times):
        places = [*_places(tree)]
        if not places:
            return odd(draw, keys=keys)
        holder, name = draw.choice(places)
        change = draw.choice((_replace, _replace, _replace, _remove, _rename, _wrap, _move))
        change(draw, holder, name, keys, places)
    return tree


def mutate_raw(draw: random.Random, tree: Any, dump: Callable[[Any], str]) -> str:
    """`dump(tree)` with one value, or one key, written as no writer of the format would write it."""
    tree = copy.deepcopy(tree)
    holder, name = draw.choice(_places(tree))
    if isinstance(holder, dict) and draw.random() < 0.2:
        holder[_TOKEN] = holder.pop(name)
    else:
        holder[name] = _TOKEN
    text = dump(tree)
    bare = draw.choice(RAW)
    for quoted in (f'"{_TOKEN}"', f"'{_TOKEN}'"):
        text = text.replace(quoted, bare)
    return text.replace(_TOKEN, bare)


def mutate_text(draw: random.Random, text: str, *, times: int = 1) -> str:
    """`text` with so many spots changed: a chunk put in, a span left out or said twice, lines swapped, the end lost."""
    for _ in range(times):
        at = draw.randrange(len(text) + 1)
        end = min(len(text), at + draw.choice((1, 1, 2, 5, 40)))
        change = draw.randrange(6)
        if change <= 1:
            text = text[:at] + draw.choice(CHUNKS) + text[at:]
        elif change == 2:
            text = text[:at] + text[end:]
        elif change == 3:
            text = text[:end] + text[at:]
        elif change == 4:
            text = text[:at]
        else:
            lines = text.split("\n")
            draw.shuffle(lines)
            text = "\n".join(lines)
    return text


def mutate_bytes(draw: random.Random, content: bytes) -> bytes:
    """`content` with bytes changed, left out or added, or cut short."""
    at = draw.randrange(len(content) + 1)
    change = draw.randrange(5)
    if change == 0:
        return content[:at]
    if change == 1:
        return content[:at] + draw.randbytes(draw.choice((1, 4, 64))) + content[at:]
    if change == 2:
        return content[:at] + draw.randbytes(1) + content[at + 1 :]
    if change == 3:
        return b""
    return content[:at] + content[at + draw.choice((1, 8, 200)) :]


Holder = dict[Any, Any] | list[Any]
Place = tuple[Holder, Any]
Change = Callable[[random.Random, Holder, Any, tuple[str, ...], list[Place]], None]


def _places(tree: Any) -> list[Place]:
    found: list[Place] = []
    if isinstance(tree, dict):
        items: list[tuple[Any, Any]] = list(tree.items())
    elif isinstance(tree, list):
        items = list(enumerate(tree))
    else:
        return found
    for name, value in items:
        found.append((tree, name))
        found += _places(value)
    return found


def _replace(
    draw: random.Random, holder: Holder, name: Any, keys: tuple[str, ...], places: list[Place]
) -> None:
    holder[name] = odd(draw, keys=keys)


def _remove(
    draw: random.Random, holder: Holder, name: Any, keys: tuple[str, ...], places: list[Place]
) -> None:
    del holder[name]


def _rename(
    draw: random.Random, holder: Holder, name: Any, keys: tuple[str, ...], places: list[Place]
) -> None:
    if isinstance(holder, dict):
        new = draw.choice(keys) if keys and draw.random() < 0.5 else odd_text(draw)
        holder[new] = holder.pop(name)


def _wrap(draw: random.Random, holder: Holder, name: Any, keys: tuple[str, ...], places: list[Place]) -> None:
    holder[name] = draw.choice(([holder[name]], {"x": holder[name]}, [holder[name], holder[name]]))


def _move(draw: random.Random, holder: Holder, name: Any, keys: tuple[str, ...], places: list[Place]) -> None:
    other, there = draw.choice(places)
    try:
        holder[name] = copy.deepcopy(other[there])
    except (KeyError, IndexError):
        holder[name] = None
