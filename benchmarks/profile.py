"""What `lsm-eval profile` is held against, part by part; see benchmarks/README.md.

    python benchmarks/profile.py overhead       # what measuring costs: less than 2 % of what is measured
    python benchmarks/profile.py streams        # 500 streams of 50 tokens a second on one core
    python benchmarks/profile.py serving --peer PYTHON   # beside vLLM's `bench serve`

Python's own library has a module of this name, which this folder's would hide from whoever imports it (`cProfile` does): imported, this
file is that one.
"""

from __future__ import annotations

import sys


def _standard() -> None:
    """Take the place of the standard library's module."""
    import importlib.util
    import sysconfig
    from pathlib import Path

    path = Path(sysconfig.get_path("stdlib")) / "profile.py"
    spec = importlib.util.spec_from_file_location(__name__, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[__name__] = module
    spec.loader.exec_module(module)


if __name__ != "__main__":
    _standard()
else:
    # Not by this file's own name; see above.
    from profile_parts import main

    sys.exit(main())
