"""What the package's metadata say beyond pyproject.toml: the README, read where its relative links would lead nowhere, and addresses.

LSM_EVAL_REPOSITORY is the repository's address and LSM_EVAL_REVISION the tag or commit that is built (HEAD where it is not named); the
release workflow sets both. Without an address the README has no links to files of the repository, and no picture.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_CODE_OR_LINK = re.compile(
    r"^```.*?^```|(`+)(?!`).*?(?<!`)\1(?!`)|(?P<image>!?)\[(?P<text>(?:[^\[\]`]|`[^`]*`)*)\]\((?P<to>[^)\s]+)\)",
    re.DOTALL | re.MULTILINE,
)


class CustomMetadataHook(MetadataHookInterface):
    """Called by hatchling for each build, by the name that it asks for."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Fill in `readme` and `urls`."""
        repository = os.environ.get("LSM_EVAL_REPOSITORY", "").rstrip("/")
        revision = os.environ.get("LSM_EVAL_REVISION") or "HEAD"
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": read_elsewhere(text, repository, revision),
        }
        metadata["urls"] = addresses(repository)


def addresses(repository: str) -> dict[str, str]:
    """The project's addresses; none where the repository's is not known."""
    if not repository:
        return {}
    return {
        "Repository": repository,
        "Documentation": f"{repository}/blob/HEAD/docs/README.md",
        "Changelog": f"{repository}/blob/HEAD/CHANGELOG.md",
        "Issues": f"{repository}/issues",
    }


def read_elsewhere(readme: str, repository: str, revision: str) -> str:
    """The README with whole addresses in place of relative ones; without a repository, with the words of links alone."""

    def changed(found: re.Match[str]) -> str:
        to = found["to"]
        if to is None or re.match(r"[a-z]+:", to):
            return found[0]
        if not repository:
            return "" if found["image"] else found["text"]
        kind = "raw" if found["image"] else "blob"
        path = f"README.md{to}" if to.startswith("#") else to
        return f"{found['image']}[{found['text']}]({repository}/{kind}/{revision}/{path})"

    return _CODE_OR_LINK.sub(changed, readme)
