"""The table of methods of comparisons, as `statistics.methods` is that of single numbers.

It is separate, so that a run's signature does not depend on how runs are compared.
"""

from __future__ import annotations

from lsm_eval.statistics.methods import Method

METHODS = (
    Method(
        "tango(paired",
        1,
        "Tango 1998, with McNemar's mid-p (Fagerland et al. 2013) at no difference and an exact binomial floor",
        "0 or 1, pairs that stand alone",
    ),
    Method(
        "tango(effective, paired",
        2,
        "the same on effective trials: Korn & Graubard 1998, CR2 of Bell & McCaffrey 2002; in clusters no narrower than t with Hall's transformation",
        "values from 0 to 1 (0 to 100), and 0 or 1 in clusters or with weights; any values where fewer than ten pairs differ, and corpus scores where fewer than twenty do",
    ),
    Method(
        "t(paired",
        1,
        "Student's t with CR2 and Satterthwaite's degrees of freedom, Bell & McCaffrey 2002, and its transformation for skewness, Hall 1992",
        "other means, ten pairs or more that differ",
    ),
    Method(
        "jackknife", 2, "delete-a-group jackknife of the difference, Efron & Tibshirani 1993", "corpus scores"
    ),
    Method(
        "hodges-lehmann",
        1,
        "Hodges & Lehmann 1963; exact signed ranks, Wilcoxon 1945",
        "ratios of speed, from rounds that take turns",
    ),
    Method(
        "ranks",
        2,
        "Mogstad, Romano, Shaikh & Wilhelm 2024, in steps: Romano & Wolf 2005; McNemar's mid-p, or t with Hall's transformation, at Šidák's level for an effective number of comparisons (multipliers, Chernozhukov et al. 2013)",
        "ranks of many models",
    ),
    Method("none", 1, "-", "no honest interval, or no value; the reason stands in brackets"),
)
