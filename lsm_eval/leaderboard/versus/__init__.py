"""Comparison of two models: scores of every sample, in pieces that the page loads for the two models that a reader selects.

`packing` compresses an array of scores; `vectors` collects those of all models and writes the pieces; `answers` has the models' answers.
The page's script (`assets/compare.js`) computes differences, intervals and p values from them as `statistics.comparison` does.
"""
