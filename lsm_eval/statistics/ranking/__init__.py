"""Ranks of many models on shared samples, as intervals that hold simultaneously.

Modules, each with its sources:

`pairwise`, `pair_sums`
    `pairwise_differences(values, clusters, weights) -> PairwiseDifferences`: the differences between all pairs of models, each over the
    samples that both answered.
`level`
    p-values of these pairs, and `effective_comparisons(...)`: how many independent comparisons they count as.
`ranks`
    `ranks(values, clusters, weights, *, higher_is_better, level, seed, draws) -> Ranks`, values [models, samples], NaN for missing.
`tasks`
    `Tasks`: the mean over several tasks, accumulated task by task.
"""
