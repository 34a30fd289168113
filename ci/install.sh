#!/usr/bin/env bash
# Installs lsm-eval: what LSM_GATE_INSTALL names to pip, or else the checkout that this script is part of, at the versions that
# it is tested with.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
if [ -n "${LSM_GATE_INSTALL:-}" ]; then
  python -m pip install --quiet --disable-pip-version-check -- "$LSM_GATE_INSTALL"
else
  python -m pip install --quiet --disable-pip-version-check -c "$here/constraints.txt" -- "$here"
fi
