"""A gate that looks while a run asks, and ends it as soon as all verdicts are made.

`order` draws whole clusters, `plan` says which questions are looked at on the way and which are judged once, `watch` judges look by look
(`statistics.comparison.sequential`), and `conclude` makes the gate's result. Nothing here asks a model.
"""
