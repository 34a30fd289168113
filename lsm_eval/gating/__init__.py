"""A candidate held to a policy against a baseline: pass, fail, or not enough data, with stated error rates.

`policy` is what a team asks, `decide` applies it to a comparison, `result` is what comes out, `written` writes it down for
pipelines.
"""
