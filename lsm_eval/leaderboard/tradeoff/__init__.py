"""Quality against cost: any score against what it takes to run a model, and the Pareto front of the models.

`costs` has the costs of a run that the table does not show; `front` says who is surely on the Pareto front, surely off it, or may be on it;
`axis` and `labels` are the chart's geometry; `figure` puts them together.
"""
