"""The data of the front page's table: columns with a cell for each model that has a value.

Columns are made from a board: for areas and suites (`means`), for safety relative to a reference (`safety`), and for every task and
metric and the costs of running (`tasks`). `rows` describes each model. `data` writes both for the page's script.
"""
