"""Finds what looks like a token or a password, so that none gets into a record or a log."""

from __future__ import annotations

import re

_TOKENS = r"""
      \b(?:hf_|gh[a-z]_|AKIA|ASIA)[A-Za-z0-9]{14,}       # tokens that say whose they are
    | \b(?:sk-|sk_|pk_|github_pat_|glpat-|xox[a-z]-|pypi-)[A-Za-z0-9_-]{14,}
    | \beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*                 # JSON Web Tokens
"""
_SECRETS = re.compile(
    rf"""
      {_TOKENS}
    | (?<=//)[^/@\s]+(?=@) | (?<=/)[^/@\s:]+:[^/@\s]+(?=@)  # user and password in a URL
    | (?<=bearer\s)[\w.~+/-]{{8,}}
    | (?<=token=)[^&\s]+ | (?<=secret=)[^&\s]+ | (?<=password=)[^&\s]+ | (?<=key=)[^&\s]+ | (?<=signature=)[^&\s]+
    """,
    re.VERBOSE | re.IGNORECASE,
)
_TOKEN = re.compile(_TOKENS, re.VERBOSE | re.IGNORECASE)


def without_secrets(text: str) -> str:
    """`text` with three stars for whatever looks like a token or a password."""
    return _SECRETS.sub("***", text)


def without_tokens(text: str) -> str:
    """The same for a model's text, where only what has the form of a token is hidden: `key=len` is code."""
    return _TOKEN.sub("***", text)
