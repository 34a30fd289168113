"""How often the intervals of percentiles hold the truth where values come in clusters: gaps between the tokens of answers, each of which has a
speed of its own. (Of values that stand alone it is a sum over the binomial, which `tests/statistics/test_quantiles.py` makes.)

    python benchmarks/coverage_quantiles.py [--draws 200]

A line a cell: answers, gaps of each, how much answers and gaps vary (σ of log-normal factors), the percentile, draws with an interval of all, and of
these how many held the truth, were above it and below it. Two minutes on one core.
"""

from __future__ import annotations

import argparse
from statistics import NormalDist

import numpy as np

from lsm_eval.statistics.quantiles import PERCENTILES, quantile

_SIZES = ((30, 20), (60, 20), (300, 20), (60, 100))
_SPREADS = ((0.5, 0.2), (0.1, 0.5), (0.3, 0.3))


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--draws", type=int, default=200)
    draws = parser.parse_args().draws
    rng = np.random.default_rng(5)
    print("| answers | gaps | between | within | percentile | intervals | held | above | below |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for answers, gaps in _SIZES:
        names = [str(at // gaps) for at in range(answers * gaps)]
        for between, within in _SPREADS:
            for percentile in PERCENTILES:
                share = percentile / 100
                truth = float(np.exp(NormalDist().inv_cdf(share) * np.hypot(between, within)))
                given = above = below = 0
                for _ in range(draws):
                    speeds = np.repeat(rng.lognormal(sigma=between, size=answers), gaps)
                    found = quantile(speeds * rng.lognormal(sigma=within, size=answers * gaps), share, names)
                    if found.low is None or found.high is None:
                        continue
                    given += 1
                    above += found.low > truth
                    below += found.high < truth
                held = f"{100 * (1 - (above + below) / given):.1f} %" if given else "-"
                print(
                    f"| {answers} | {gaps} | {between} | {within} | p{percentile:g} | {given} of {draws} | {held} | {above} | {below} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
