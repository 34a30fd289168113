"""The policy that `lsm-eval gate init` writes: the defaults, each with its meaning."""

TEMPLATE = """\
# What a candidate must keep to. `lsm-eval gate --policy THIS-FILE --baseline REC --candidate REC`
policy: my-gate

# pull-request: not enough data is neutral (exit 3). release: every metric must pass, so that not enough data fails.
kind: pull-request

# An unchanged model fails this often at most, over all metrics together.
false_alarm: 0.01
# A loss as large as the margin passes this often at most.
false_pass: 0.05

# Not enough data: neutral (exit 3), warn (exit 0) or fail (exit 1). Without this line the kind decides.
# inconclusive: warn

# primary: the first metric of each task, and what rules name. named: only what rules name.
# Every further metric takes its part of the false alarms, so that smaller losses go unseen.
metrics: primary

# The loss that is allowed, where no rule says otherwise. `lsm-eval gate plan` says how many samples a margin needs.
margin:
  fraction: 0.02   # of metrics between 0 and 1: 2 points of 100
  points: 2.0      # of metrics between 0 and 100, such as BLEU
  relative: 0.02   # of all others, such as perplexity: 2 % of the baseline's value

# By task and metric; * and ? stand for anything, and a later rule has the last word on each key that it gives.
rules: []
# - {task: "mmlu*", margin: 0.03}                    # another margin
# - {task: gsm8k, metric: exact_match, weight: 3}    # three times the share of false alarms of another metric
# - {task: wikitext, relative: 0.01}                 # 1 % of the baseline's perplexity
# - {task: crows_pairs, metric: pct_stereotype, fair: 0.5, margin: 0.03}   # distance from the fair value
# - {task: "quickstart_*", ignore: true}

# Of the candidate itself. The bound of its interval counts: 0 hits of 20 may be 12 in 100.
limits: []
# - {task: "harmful*", metric: harmful_rate, at_most: 0.05}
# - {task: xstest, metric: refused_safe, reference: reports/last-release, margin: 0.02}

# Of the candidate's samples, task by task: more than this share fails.
shares: {}
#  nan: 0.0
#  missing: 0.02
#  truncated: 0.1

# An outage is no regression: beyond these shares the runs are not comparable (exit 4).
not_comparable:
  missing: 0.05
  truncated: 0.05

# From several runs of both that took turns on one machine, each in a folder with its model's runs.
speed: []
# - {of: decode, slower: 0.1}    # at most 10 % fewer tokens a second
"""
