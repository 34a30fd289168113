"""Copies result files as they came from the tools, without what tells of the machine or is only bulk.

    python scrub.py FROM... TO

Of a results file of lm-eval `pretty_env_info` goes; of a log of Inspect the events, and tracebacks. In the place of each stands
`removed for the repository`. Zip files keep their members' names and their kind of compression. Nothing else is changed.
"""

from __future__ import annotations

import json
import struct
import sys
import zipfile
import zlib
from pathlib import Path
from typing import Any

REMOVED = "removed for the repository"
ZSTANDARD = 93


def scrubbed(value: Any) -> Any:
    """A JSON value without what goes."""
    if isinstance(value, dict):
        found = {key: scrubbed(part) for key, part in value.items()}
        for key in ("pretty_env_info", "traceback", "traceback_ansi"):
            if key in found:
                found[key] = REMOVED
        for key in ("events", "events_data"):
            if key in found:
                found[key] = [] if isinstance(found[key], list) else {}
        return found
    return [scrubbed(part) for part in value] if isinstance(value, list) else value


def archive(source: Path, to: Path) -> None:
    """A zip file with zstandard inside, as Inspect writes it (Python's zipfile cannot before 3.14)."""
    import pyarrow as pa

    from lsm_eval.importing.read import Archive

    old = Archive(source)
    codec, body, directory = pa.Codec("zstd"), b"", b""
    names = [name for name in old.names() if not name.startswith("_journal/")]
    for name in names:
        content = json.dumps(scrubbed(old.json(name)), indent=1).encode()
        packed = codec.compress(content, asbytes=True)
        common = struct.pack(
            "<5H3L2H", 63, 0, ZSTANDARD, 0, 33, zlib.crc32(content), len(packed), len(content), len(name), 0
        )
        directory += (
            b"PK\x01\x02" + struct.pack("<H", 63) + common + struct.pack("<3H2L", 0, 0, 0, 0, len(body))
        )
        directory += name.encode()
        body += b"PK\x03\x04" + common + name.encode() + packed
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, len(names), len(names), len(directory), len(body), 0)
    to.write_bytes(body + directory + end)
    assert zipfile.ZipFile(to).namelist() == names


def main() -> None:
    """Copy."""
    *sources, to = map(Path, sys.argv[1:])
    for source in sources:
        if source.suffix == ".eval":
            archive(source, to / source.name)
        elif source.suffix == ".jsonl":
            (to / source.name).write_bytes(source.read_bytes())
        else:
            content = json.dumps(scrubbed(json.loads(source.read_text())), indent=1, ensure_ascii=False)
            (to / source.name).write_text(content + "\n")


if __name__ == "__main__":
    main()
