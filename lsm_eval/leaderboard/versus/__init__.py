"""Two models against each other: scores of every sample in pieces that the page loads for the two that a reader names.

`packing` makes an array of scores short; `vectors` collects those of all models and writes the pieces; `answers` has what models
said. The page's script (`assets/compare.js`) makes differences, intervals and p from them as `statistics.comparison` does.
"""
