"""Sequential gates: interim looks during a run, which ends as soon as all verdicts are made.

`order` draws whole clusters at random, `plan` decides which metrics have interim looks and which are judged once, `watch` judges look by look
(`statistics.comparison.sequential`), and `conclude` makes the gate's result. Nothing here runs a model.
"""
