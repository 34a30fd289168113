"""The cases of `fuzz.py` that hold runs against each other, take them from other harnesses, or count them again."""

from __future__ import annotations

import json
import random
import re
import shutil
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from fuzz_values import mutate_bytes, mutate_raw, mutate_text, mutate_tree, odd_text
from fuzz_world import Case, World, plain_rows, write_parquet

FOREIGN = Path(__file__).resolve().parent.parent / "tests" / "importing" / "files"
_GATE_CODES = frozenset({0, 1, 3, 4})
_HELD = frozenset({0, 4})
_SAID = (
    "\x1b[31mred\x1b]0;title\x07", "\x9b31m", "a\r\n::error::b\n\n# heading\n| cell |", "\n::error::x\n", "##[error]x", "##vso[task.setvariable variable=x]y",
    "]]>", "<script>alert(1)</script>", "</code></td></table></details><h1>x", "<!-- x --> -->", "@octocat #1 org/repo#2", "![x](https://example.org/x.png)",
    "$(touch pwned)`touch pwned`;touch pwned", "a\x00b", "\u202eevil\u2066", "|" * 3000, "x" * 1_000_000, "%0A::error::x", "{0} [a](b)",
)  # fmt: skip
"""What models have been seen or may be made to say."""
_POLICY: dict[str, Any] = {
    "policy": "mine", "kind": "release", "false_alarm": 0.05, "false_pass": 0.1, "inconclusive": "warn", "metrics": "primary",
    "margin": {"fraction": 0.5, "points": 20.0, "relative": 0.5},
    "rules": [{"task": "*", "metric": "*", "margin": 0.4}, {"task": "likely", "relative": 0.9, "weight": 2.0},
              {"task": "pick", "metric": "acc", "fair": 0.5}, {"task": "say", "ignore": True}],
    "limits": [{"task": "pick", "metric": "acc", "at_least": 0.1}, {"task": "say", "metric": "f1", "at_most": 0.9},
               {"task": "pick", "metric": "acc_norm", "reference": "reports/first", "margin": 0.3}],
    "shares": {"nan": 0.0, "missing": 0.5, "truncated": 1.0}, "not_comparable": {"missing": 0.5, "truncated": 1.0},
    "speed": [{"of": "decode", "slower": 0.5}],
}  # fmt: skip
_KEYS = (
    *_POLICY, "task", "metric", "at_most", "at_least", "reference", "direction", "fair", "weight", "ignore", "relative", "of", "slower",
    "fraction", "points", "missing", "truncated", "nan", "neutral", "fail", "pick", "say", "likely", "acc", "bleu", "word_perplexity", "*",
)  # fmt: skip
_REFERENCES = (
    "reports", "reports/first", "reports/second/run", "reports/nope", "", ".", "git:HEAD:reports", "git:", "git::", "git:HEAD:",
    "git:--output=x:y", "git:HEAD:/etc", "a\nb", "reports/first/run/manifest.json", "~", "x" * 5000,
)  # fmt: skip


def gate_case(draw: random.Random, folder: Path, world: World) -> Case:
    """Two runs, one of them damaged or with odd texts, and a policy; all that a gate writes."""
    _two_runs(draw, folder, world)
    arguments = ["gate", "--candidate", _named(draw, "reports/second")]
    if draw.random() < 0.9:
        arguments += ["--baseline", _named(draw, "reports/first")]
    if draw.random() < 0.6:
        _write_policy(draw, folder / "policy.yaml")
        arguments += ["--policy", "policy.yaml"]
    if draw.random() < 0.2:
        _write_calibration(draw, folder / "noise.json", world)
        arguments += ["--calibration", "noise.json"]
    if draw.random() < 0.2:
        arguments += [
            "--across",
            draw.choice(("model", "chat", "data", "lsm-eval", "metric", "version", odd_text(draw))),
        ]
    if draw.random() < 0.1:
        return Case(
            ["gate", "plan", *_without_nul(arguments[3:]), *draw.choice(_PLANS)], folder_check(_nothing_done)
        )
    outputs = [
        "--json",
        "gate.json",
        "--junit",
        "gate.xml",
        "--markdown",
        "gate.md",
        "--comment",
        "comment.md",
        "--sarif",
        "gate.sarif",
    ]
    arguments += [
        "--include",
        str(world.base / "tasks"),
        *outputs,
        "--flips",
        draw.choice(("0", "5", "1000")),
    ]
    if draw.random() < 0.3:
        arguments += ["--annotations", "github"]
    return Case(_without_nul(arguments), _check_gate, _GATE_CODES)


_PLANS: tuple[tuple[str, ...], ...] = (
    (),
    ("--n", "100"),
    ("--margin", "0.1"),
    ("--discordance", "0.1"),
    ("--n", "1", "--discordance", "0"),
)


def compare_case(draw: random.Random, folder: Path, world: World) -> Case:
    """Two runs or three, and all that a comparison writes."""
    _two_runs(draw, folder, world)
    arguments = ["compare", _named(draw, "reports/first"), _named(draw, "reports/second")]
    if draw.random() < 0.2:
        arguments.append("reports/first")
    form = draw.choice(((), ("--reveal",), ("--json",), ("--markdown",), ("--groups",)))
    arguments += ["--include", str(world.base / "tasks"), *form, "--flips", draw.choice(("0", "3", "1000"))]
    if draw.random() < 0.2:
        arguments += ["--across", draw.choice(("chat", "data", "metric", "version", odd_text(draw)))]

    def check(left: Path, out: str) -> str | None:
        if form == ("--json",):
            json.loads(out, parse_constant=_no_number)
        return _log(out, commands=False) or _nothing_done(left)

    return Case(_without_nul(arguments), check, _HELD)


def record_check_case(draw: random.Random, folder: Path, world: World) -> Case:
    """A damaged record counted again, or made a baseline."""
    _two_runs(draw, folder, world)
    record = "reports/second/run"
    if draw.random() < 0.3:
        shutil.copytree(world.base / "record", folder / "other")
        (folder / "baseline").mkdir()
        if draw.random() < 0.5:
            (folder / "baseline" / "accepted.jsonl").write_bytes(odd_text(draw).encode("utf-8", "replace"))
        why = odd_text(draw)
        return Case(_without_nul(["baseline", "accept", record, "--why", why]), folder_check(_nothing_done))
    as_json = draw.random() < 0.5

    def check(left: Path, out: str) -> str | None:
        if as_json:
            json.loads(out, parse_constant=_no_number)
        return _log(out, commands=False)

    return Case(["record", "check", record, *(["--json"] if as_json else [])], check, _HELD)


def import_case(draw: random.Random, folder: Path, world: World) -> Case:
    """A real file of another harness, damaged; what becomes of it must be a whole record."""
    source = draw.choice(sorted(path for path in FOREIGN.glob("*/*") if path.suffix in (".json", ".eval")))
    shutil.copytree(source.parent, folder / "files")
    beside = [path for path in (folder / "files").iterdir() if path.suffix == ".jsonl"]
    path = folder / "files" / source.name
    if beside and draw.random() < 0.4:
        path = draw.choice(beside)
        _damage_lines(draw, path)
    elif path.suffix == ".eval":
        path.write_bytes(mutate_bytes(draw, path.read_bytes()))
    else:
        _damage_json(draw, path, times=draw.choice((1, 2, 5)))

    def check(left: Path, out: str) -> str | None:
        from lsm_eval.recount.check import check_record

        (manifest,) = left.glob("out/*/*/manifest.json")
        found = check_record(manifest.parent)
        return _log(out, commands=False) or (
            None if found.whole else f"the record is not whole: {found.problems[0][:200]}"
        )

    return Case(["import", f"files/{source.name}", "--out", "out"], check)


KINDS: Mapping[str, Callable[[random.Random, Path, World], Case]] = {
    "gate": gate_case,
    "compare": compare_case,
    "record check": record_check_case,
    "import": import_case,
}


def folder_check(check: Callable[[Path], str | None]) -> Callable[[Path, str], str | None]:
    """A check of what was left, that does not look at what was said."""
    return lambda left, out: check(left)


def _two_runs(draw: random.Random, folder: Path, world: World) -> None:
    """`reports/first/run` and `reports/second/run`: as they are, with odd texts, or one of them damaged."""
    for name in ("first", "second"):
        shutil.copytree(world.base / name, folder / "reports" / name / "run")
    change = draw.random()
    if change < 0.1:
        return
    if change < 0.45:
        for name in ("first", "second"):
            _say(draw, folder / "reports" / name / "run")
        return
    place = folder / "reports" / draw.choice(("first", "second")) / "run"
    path = draw.choice(sorted(path for path in place.rglob("*") if path.is_file()))
    how = draw.random()
    if path.suffix == ".json" and how < 0.8:
        _damage_json(draw, path, times=1)
    elif path.suffix == ".parquet" and how < 0.7:
        write_parquet(path, mutate_tree(draw, plain_rows(path), times=draw.choice((1, 2))))
    elif how < 0.9:
        path.write_bytes(mutate_bytes(draw, path.read_bytes()))
    elif draw.random() < 0.5:
        path.unlink()
    else:
        path.unlink()
        path.symlink_to(draw.choice(("nope", ".", "/dev/null", str(path))))


def _say(draw: random.Random, record: Path) -> None:
    """Let the model have said odd things; the counts stay what they were."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for path in sorted((record / "samples").glob("*.parquet")):
        with path.open("rb") as file:
            table = pq.read_table(file)
        for name in ("completion", "prompt", "metadata", "target", "choices", "sample"):
            at = table.column_names.index(name)
            values = table[name].to_pylist()
            for row, value in enumerate(values):
                text = draw.choice(_SAID)
                if name == "sample":
                    values[row] = f"{row} {text}" if row % 5 == 0 else value
                elif isinstance(value, list):
                    values[row] = [text if part and not part.isdecimal() else part for part in value]
                elif isinstance(value, str):
                    values[row] = text
            if name == "sample" and draw.random() < 0.7:
                # The same in both records, so that there still are pairs.
                values = [f"{row} {_SAID[row % len(_SAID)]}" for row in range(len(values))]
            table = table.set_column(
                at, table.schema.field(name), pa.array(values, table.schema.field(name).type)
            )
        pq.write_table(table, path)
    manifest = json.loads((record / "manifest.json").read_text(encoding="utf-8"))
    manifest["model"]["name"] = draw.choice(_SAID[:-4])
    (record / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def _damage_json(draw: random.Random, path: Path, *, times: int) -> None:
    tree = json.loads(path.read_text(encoding="utf-8"))
    how = draw.random()
    if how < 0.4:
        text = json.dumps(mutate_tree(draw, tree, times=times), default=str)
    elif how < 0.7:
        text = json.dumps(_with_odd_texts(draw, tree, draw.choice((0.02, 0.1, 0.5))))
    elif how < 0.85:
        text = mutate_raw(draw, tree, json.dumps)
    else:
        text = mutate_text(draw, path.read_text(encoding="utf-8"))
    path.write_bytes(text.encode("utf-8", "surrogatepass"))


def _with_odd_texts(draw: random.Random, tree: Any, share: float) -> Any:
    """Values that are texts, and now and then a key, made what a model may say."""
    if isinstance(tree, dict):
        return {
            f"{key}{draw.choice(_SAID[:10])}" if draw.random() < share / 10 else key: _with_odd_texts(
                draw, part, share
            )
            for key, part in tree.items()
        }
    if isinstance(tree, list):
        return [_with_odd_texts(draw, part, share) for part in tree]
    return draw.choice(_SAID) if isinstance(tree, str) and draw.random() < share else tree


def _damage_lines(draw: random.Random, path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    at = draw.randrange(len(lines))
    how = draw.random()
    if how < 0.7:
        lines[at] = json.dumps(mutate_tree(draw, json.loads(lines[at]), times=2), default=str)
    elif how < 0.8:
        lines.append(lines[at])
    elif how < 0.9:
        lines[at] = mutate_text(draw, lines[at])
    else:
        del lines[at:]
    path.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))


def _write_policy(draw: random.Random, path: Path) -> None:
    names = draw.sample(sorted(_POLICY), draw.randrange(len(_POLICY) + 1))
    policy: Any = {name: _POLICY[name] for name in names}
    if draw.random() < 0.5 and policy:
        policy = mutate_tree(draw, policy, keys=_KEYS, times=draw.choice((1, 1, 2)))
    text = yaml.safe_dump(policy, sort_keys=False)
    if draw.random() < 0.15:
        text = mutate_text(draw, text)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))


def _write_calibration(draw: random.Random, path: Path, world: World) -> None:
    content = json.loads((world.base / "noise.json").read_text(encoding="utf-8"))
    if draw.random() < 0.5:
        content = mutate_tree(draw, content)
    path.write_bytes(json.dumps(content, default=str).encode("utf-8", "surrogatepass"))


def _named(draw: random.Random, usual: str) -> str:
    return usual if draw.random() < 0.9 else draw.choice(_REFERENCES)


def _without_nul(arguments: list[str]) -> list[str]:
    """No process can be given a NUL, or half a character."""
    return [text.replace("\x00", "").encode("utf-8", "replace").decode() for text in arguments]


def _check_gate(left: Path, out: str) -> str | None:
    """Every file can be read by what reads it, says the same, and holds nothing that means more than it says."""
    from lsm_eval.gating.written.as_json import read_json

    found = read_json((left / "gate.json").read_text(encoding="utf-8"))
    ElementTree.fromstring((left / "gate.xml").read_bytes())
    json.loads((left / "gate.sarif").read_text(encoding="utf-8"), parse_constant=_no_number)
    comment = (left / "comment.md").read_text(encoding="utf-8")
    if len(comment.encode()) > 65_536:
        return "the comment is too long"
    for name in ("gate.json", "gate.xml", "gate.md", "comment.md", "gate.sarif"):
        if wrong := _log((left / name).read_text(encoding="utf-8"), commands=False):
            return f"{name}: {wrong}"
    for name in ("gate.md", "comment.md"):
        text = (left / name).read_text(encoding="utf-8").lower()
        for sign in ("<script", "<h1", "](http", "@octocat"):
            if sign in text:
                return f"{name} holds {sign}"
    if f"{found.answer.upper()}. " not in out:
        return f"gate.json says {found.answer}, and the terminal does not"
    return _log(out, commands=True) or _nothing_done(left)


_UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f]")


def _log(text: str, *, commands: bool) -> str | None:
    """What is wrong with a text that stands in a log of a CI machine; `commands`: some are meant."""
    if unseen := _UNSEEN.search(text):
        return f"{unseen[0]!r} reaches the reader"
    if not commands and re.search(r"^\s*::", text, re.MULTILINE):
        return "a line is a command to GitHub's runner"
    if re.search(r"##\w*\[", text):
        return "a command to Azure's agent"
    return None


def _nothing_done(left: Path) -> str | None:
    return "a text was run by a shell" if (left / "pwned").exists() else None


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")
