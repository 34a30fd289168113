"""Quality against cost: any score against what it takes to run a model, and who is not outdone in both.

`costs` has what a run cost beside what the table shows; `front` says who is surely on the Pareto front, surely off it, or may be on it;
`axis` and `labels` are the drawing's geometry; `figure` puts them together.
"""
