#!/usr/bin/env bash
# This repository gates itself: a suite is run on a model and held against the record that a folder has.
#
#   ci/self-gate.sh [MODEL FOLDER [SUITE [INCLUDE]]]
#
# By default a row that needs no model, on the quickstart suite, against its record in reports/. Red is what the gate fails or
# cannot compare, and a number that is another one, however little: the row answers alike everywhere. Whoever changes a number
# on purpose accepts the new record in the same commit, with the reason:
#
#   lsm-eval baseline accept RECORD --why TEXT --to FOLDER
#
# A folder with an accepted.jsonl must hold the record that its last line names.
set -euo pipefail

model=${1:-builtin:longest}
folder=${2:-reports/builtin--longest}
suite=${3:-quickstart}
more=()
if [ -n "${4:-}" ]; then more=(--include "$4"); fi

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

lsm-eval run --tasks "$suite" --model "$model" --store none --out "$out" ${more[@]+"${more[@]}"} >"$out/log" 2>&1 ||
  { cat "$out/log" >&2; exit 2; }
record=$(sed -n 's/^record: //p' "$out/log" | tail -n 1)

code=0
lsm-eval gate --baseline "$folder" --candidate "$record" ${more[@]+"${more[@]}"} || code=$?
# So small a suite has not enough data for a gate; that its numbers are the same is asked next.
if [ "$code" != 0 ] && [ "$code" != 3 ]; then
  echo "self-gate: $model is not what $folder says. If that is meant: lsm-eval baseline accept RECORD --why TEXT --to $folder" >&2
  exit "$code"
fi
python "$here/same_numbers.py" "$folder" "$record"
