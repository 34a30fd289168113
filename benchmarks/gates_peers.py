"""The rules re-stated in `gates_rules.py`, held against the packages' own code.

    python benchmarks/gates_peers.py --python PYTHON [--counts N] [--seed N] [--out FILE]

PYTHON is an interpreter (3.12 or newer) with `nemo-evaluator==0.3.0` and `evalsig==0.1.2` installed. Of every cell counts are drawn, as they come
in a simulation, and each is put to the packages' functions that make the verdict (`_paired_delta_ci` and `_apply_thresholds` of nel gate,
`mcnemar_test` and `_compute_verdict` of nel compare, `gate` of evalsig) in a process of its own. The exit code is 1 if any verdict differs.
evalsig's bootstrap of clusters takes seconds a call, and is not held against ours.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from gates_cells import drawn, grid
from gates_rules import MARGIN, PAIRED

HERE = Path(__file__).parent
WORKER = """
import json, sys
import numpy as np
from evalsig.compare.gate import gate
from nemo_evaluator.config.gate_policy import GatePolicy
from nemo_evaluator.engine import comparison as c
from nemo_evaluator.engine import gate as g
from nemo_evaluator.metrics.paired_tests import mcnemar_test

asked = json.load(sys.stdin)
margin = asked["margin"]
policy = GatePolicy().resolve("any")
assert policy.max_drop == margin
compared = sys.modules["evalsig.compare.compare"]
codes = {"PASS": 0, "INSUFFICIENT_EVIDENCE": 1, "BREACH": 2, "INCONCLUSIVE": 1, "WARN": 1, "BLOCK": 2, "ALLOW": 0, "REJECT": 2}


def deltas_of(n, gained, lost):
    return [1.0] * gained + [-1.0] * lost + [0.0] * (n - gained - lost)


def nel_gate(deltas, clusters):
    found = g.BenchmarkGateResult(delta=round(float(np.mean(deltas)), 6), baseline_score=0.7)
    found.delta_ci_lower, found.delta_ci_upper = g._paired_delta_ci(deltas, clusters=clusters)
    g._apply_thresholds(found, policy, allow_point_estimate=False)
    return codes[found.status]


def nel_compare(n, gained, lost):
    report = c.RegressionReport(test_used="mcnemar", threshold=margin)
    report.flip_report = c.FlipReport()
    report.flip_report.summary = c.FlipSummary(n_paired=n, n_regressions=lost, n_improvements=gained)
    report.mcnemar = mcnemar_test({"baseline_only_correct": lost, "candidate_only_correct": gained}, n)
    return codes[c._compute_verdict(report, margin)[0]]


def evalsig_gate(n, gained, lost):
    first = np.zeros(n)
    first[gained:gained + lost] = 1.0
    second = np.zeros(n)
    second[:gained] = 1.0
    compared.align_runs = lambda a, b: (first, second, None, [])
    return codes[gate(None, None, min_delta=margin).verdict.value]


answers = []
for one in asked["cases"]:
    n, up, down = one["n"], one["gained"], one["lost"]
    if one["sizes"] is None:
        answers.append([nel_gate(deltas_of(n, up, down), None), nel_compare(n, up, down), evalsig_gate(n, up, down)])
        continue
    deltas, clusters = [], []
    for at, (a, b, size) in enumerate(zip(up, down, one["sizes"])):
        deltas += deltas_of(size, a, b)
        clusters += [str(at)] * size
    answers.append([nel_gate(deltas, clusters), nel_compare(n, sum(up), sum(down))])
json.dump(answers, sys.stdout)
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="gates_peers.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--python", required=True, metavar="PYTHON", help="one that has both packages")
    parser.add_argument(
        "--counts", type=int, default=100, metavar="N", help="of each cell; a tenth of those in clusters"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--out", type=Path, default=HERE / "gates_peers.json", metavar="FILE")
    options = parser.parse_args(arguments)
    cases, expected = _cases(options.counts, options.seed)
    done = subprocess.run(
        [options.python, "-c", WORKER],
        input=json.dumps({"margin": MARGIN, "cases": cases}),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    answers = json.loads(done.stdout)
    found: dict[str, dict[str, int]] = {name: {"held": 0, "differ": 0} for name in PAIRED}
    for case, own, theirs in zip(cases, expected, answers, strict=True):
        for name, one, other in zip(PAIRED, own, theirs, strict=False):
            found[name]["held"] += 1
            if one != other:
                found[name]["differ"] += 1
                print(f"{name}: {one} here, {other} there: {case}")
    for name, row in found.items():
        print(f"{name}: {row['held']:,} counts, {row['differ']} verdicts differ")
    options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return int(any(row["differ"] for row in found.values()))


def _cases(counts: int, seed: int) -> tuple[list[dict[str, Any]], list[list[int]]]:
    """What is asked, and what the rules say as they are re-stated."""
    cases: list[dict[str, Any]] = []
    expected = []
    for clustered in (False, True):
        for at, cell in enumerate(cell for cell in grid(clustered=clustered) if cell.metrics == 1):
            rng = np.random.default_rng([seed, at, clustered])
            seen = drawn(cell, max(counts // 10, 1) if clustered else counts, rng)
            codes = [rule(seen)[:, 0] for rule in PAIRED.values()]
            for place in range(len(seen.gained)):
                case: dict[str, Any] = {"n": cell.n, "sizes": None, "gained": int(seen.gained[place, 0]), "lost": int(seen.lost[place, 0])}  # fmt: skip
                if seen.clusters is not None:
                    gained, lost, sizes = seen.clusters
                    case |= {"gained": gained[place, 0].tolist(), "lost": lost[place, 0].tolist(), "sizes": sizes.tolist()}  # fmt: skip
                cases.append(case)
                expected.append([int(code[place]) for code in codes])
    return cases, expected


if __name__ == "__main__":
    sys.exit(main())
