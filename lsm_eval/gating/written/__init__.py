"""A gate's result in formats for pipelines: JSON, JUnit XML, Markdown, annotations and SARIF.

Each module has one function from a `GateResult` to text. All of them escape texts of models and names in records, so that these
have no effect where the output is read; texts that may be harmful are replaced by hashes.
"""
