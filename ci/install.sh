#!/usr/bin/env bash
# Installs lsm-eval: what LSM_GATE_INSTALL names to pip, or else the checkout that this script is part of, at the versions that
# it is tested with.
#
#   LSM_GATE_EXTRAS   extras of it, separated by commas: embeddings, lm-eval, peft, presidio
#   LSM_GATE_ADAPTER  an adapter that is to be run, which needs the extra peft
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
if [ -n "${LSM_GATE_INSTALL:-}" ]; then
  python -m pip install --quiet --disable-pip-version-check -- "$LSM_GATE_INSTALL"
else
  extras=${LSM_GATE_EXTRAS:-}
  extras=${extras// /}
  case $extras in
    *[!a-z,-]*)
      echo "lsm-eval: the extras are names separated by commas, such as peft,lm-eval." >&2
      exit 2
      ;;
  esac
  if [ -n "${LSM_GATE_ADAPTER:-}" ]; then extras=${extras:+$extras,}peft; fi
  python -m pip install --quiet --disable-pip-version-check -c "$here/constraints.txt" -- "$here${extras:+[$extras]}"
fi
