"""Two runs held against each other: which records, whether they can be compared, their pairs, and what differs.

`find` gets a record from what a user wrote, `signature` says whether two numbers may be compared, `pairs` matches samples,
`tables` holds what each metric has of each pair, `compare` puts them together, and `show` writes the result down.
"""
