"""Comparison of two runs, sample by sample: pure functions over arrays that know no models, tasks or records.

A difference is always *candidate minus baseline*; a loss is positive if the candidate is worse. Values are float arrays of the same samples
in the same order (matched by id before), NaN for missing. Modules, each with its sources:

`pairs`
    `pairs(baseline, candidate, clusters=None, weights=None) -> Pairs`: leaves out and counts missing pairs.
`difference`
    `difference(pairs, scale, *, top=1.0, level=0.95, noise=None) -> Difference`, scale "binary", "bounded" (0 to `top`) or "mean":
    value, low, high, stderr, p, n, missing, discordant, gains, clusters, method, reason. From it, and consistent with its interval:
    `p_value(difference, margin, side)`, `bound(difference, alpha, side)`, `equivalence(difference, margin)`; `side` is the alternative,
    "greater" or "less".
`corpus`
    `corpus_difference(compute, clusters, *, missing=0, seed=0, level=0.95, noise=None) -> Difference`: BLEU, chrF; `compute(indices)`
    gives the difference between the two scores over these samples.
`permutation`
    `sign_flip(pairs, alternative, *, seed, draws) -> PermutationTest` and `approximate_randomisation(aggregate, baseline, candidate,
    alternative, *, seed, draws) -> PermutationTest`: p-values without an assumed distribution.
`mcnemar`, `paired_shares`
    `mcnemar(gains, losses, kind)`; `newcombe_interval(Counts, level)`, `tango_interval(Counts, level)`: the textbook methods, from counts.
`multiple`
    `holm(p)`, `benjamini_hochberg(p)`: adjusted p-values.
`verdicts`
    `verdicts([Claim(name, difference, margin, higher_is_better)], *, false_alarm, false_pass) -> tuple[Verdict, ...]` and
    `overall(verdicts)`: fail, pass, undecided. In two steps: `evidence(claim)` and `judged(evidence)`.
`distance`
    `distance_evidence(name, pairs, target, margin, scale, ...) -> Evidence` for `judged`: for a metric with a fair value in between.
`limit`
    `limit_evidence(name, value, interval, limit, *, higher_is_better=False) -> Evidence` for `judged`: one run against an absolute limit;
    `interval(level)` gives the ends.
`power`
    `pairs_to_pass(margin, spread)`, `pairs_to_fail(loss, spread)`, `smallest_margin(n, spread)`, `smallest_loss(n, spread)` with
    `Shares(discordance, design)`, `Means(deviation, design)` or `spread_of(difference)`.
`sequential`, `boundaries`, `spending`
    `sequential([Look(share, evidence), ...], *, spending, false_alarm, false_pass) -> tuple[SequentialVerdict, ...]`: verdicts at interim looks; stop when
    none is undecided. `limits(alpha, shares, spending)`: the p-value that each look needs; `boundaries(...)`: the same as z;
    `inflation(alpha, power, shares, spending)`: the factor on the number of samples compared with a single look.
`noise`
    `calibration(runs) -> Calibration` from values [runs, samples] of one model: flips, and `.noise` for `difference(noise=)`.
`speed`
    `speed_ratio(baseline, candidate, *, level) -> SpeedRatio` of medians by round, and `speed_p(ratio, margin, side)`.
`methods`
    The table of methods (docs/comparison.md).
"""
