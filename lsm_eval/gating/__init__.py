"""Gates: a candidate is tested against a baseline under a policy, with the answers pass, fail or not enough data and stated error rates.

`policy` has a team's requirements, `decide` applies them to a comparison, `result` is the outcome, and `written` formats it for
pipelines.
"""
