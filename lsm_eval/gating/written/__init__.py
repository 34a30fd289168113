"""A gate's result written down for pipelines: JSON, JUnit XML, Markdown, annotations and SARIF.

Each module is one function from a `GateResult` to text. None of them lets what a model said, or what a record calls things,
mean anything where it is read; texts that may be harmful are hashes in all of them.
"""
