"""Ranks as intervals that hold all at once, for many models on samples that they share.

Modules, each with its sources:

`apart`
    `apart(values, clusters, weights) -> Apart`: the differences of all pairs of models, each over the samples that both answered.
`level`
    p-values of these pairs, and `effective(...)`: how many independent comparisons they count as.
`ranks`
    `ranks(values, clusters, weights, *, higher_is_better, level, seed, draws) -> Ranks`, values [models, samples], NaN for missing.
`tasks`
    `Tasks`: the mean over several tasks, added up task by task.
"""
