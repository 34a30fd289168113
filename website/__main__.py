"""`python -m website`: builds the documentation site."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from website.build import Failed, build
from website.places import ROOT


def main() -> int:
    """Runs the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m website", description="Build the documentation site.")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "build" / "website", help="folder that is made anew"
    )
    parser.add_argument(
        "--repository",
        metavar="URL",
        help="address of the repository, for links to files that are no pages; without it they are no links",
    )
    options = parser.parse_args()
    try:
        pages = build(options.out.resolve(), options.repository or None)
    except Failed as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"site: {pages / 'index.html'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
