"""Comparing two runs: finding their records, deciding whether they are comparable, pairing their samples, and testing the differences.

`find` gets a record from a user's reference, `signature` decides whether two numbers may be compared, `pairs` matches samples,
`tables` reads the sample tables, `compare` puts them together, and `shown` formats the result.
"""
