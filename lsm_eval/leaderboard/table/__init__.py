"""The front page's table, before it is drawn: columns with a cell for each model that has one.

`columns` makes them from a board: of areas and suites (`means`), of safety against a reference (`safety`), of every task and metric
(`tasks`), and of what it costs to run (`cost`). `rows` has what is said of each model. `data` writes both for the page's script.
"""
