#!/usr/bin/env bash
# Runs tasks and gates the record against a baseline; what pipelines want to know lies in a folder afterwards.
#
#   LSM_GATE_TASKS        tasks and suites, separated by commas
#   LSM_GATE_MODEL        as for `lsm-eval run --model`; the built-in model if empty
#   LSM_GATE_ADAPTER      a PEFT adapter of the model, as for `lsm-eval run --adapter`
#   LSM_GATE_CANDIDATE    a record that is there already, in place of a run of LSM_GATE_TASKS
#   LSM_GATE_BASELINE     the record to hold it against; empty for a policy of limits alone
#   LSM_GATE_POLICY       the policy's file; a pull request's by default
#   LSM_GATE_INCLUDE      folders with task files, one a line
#   LSM_GATE_RUN_OPTIONS  further arguments of `lsm-eval run`, one a line
#   LSM_GATE_OPTIONS      further arguments of `lsm-eval gate`, one a line
#   LSM_GATE_EARLY        true: the run ends as soon as the gate has its verdicts (`lsm-eval run --gate`)
#   LSM_GATE_OUT          the folder, lsm-eval-gate by default: gate.json, junit.xml, summary.md, comment.md, gate.sarif, the record
#   LSM_GATE_NEUTRAL      the exit code where data lacks and the policy says that it is neutral; 3 by default
#
# Exit codes are those of `lsm-eval gate`: 0 pass, 1 regression, 2 a mistake, 3 not enough data, 4 not comparable; 5 where --max-cost ended
# the run before it. On GitHub the
# step summary is written whatever happens, and answer, exit-code and record are the step's outputs.
set -uo pipefail

out=${LSM_GATE_OUT:-lsm-eval-gate}
log=$out/log.txt
record=
answer=none

# The lines of $1 that are not empty, in the array `found`.
lines() {
  found=()
  local line
  while IFS= read -r line; do
    if [ -n "$line" ]; then found+=("$line"); fi
  done <<<"$1"
}

# Says what happened, and ends.
finish() {
  if [ ! -s "$out/summary.md" ]; then
    {
      printf '### lsm-eval gate\n\nNothing was gated: the command ended with code %s.\n\n````text\n' "$1"
      tail -n 20 "$log" | tr -d '`' | cut -c -1000
      printf '````\n'
    } >"$out/summary.md"
  fi
  if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then cat "$out/summary.md" >>"$GITHUB_STEP_SUMMARY"; fi
  if [ -n "${GITHUB_OUTPUT:-}" ]; then
    # A line break in a name would begin an output of its own.
    printf 'answer=%s\nexit-code=%s\nrecord=%s\n' "$answer" "$1" "${record//[$'\n\r']/ }" >>"$GITHUB_OUTPUT"
  fi
  if [ "$1" = 3 ]; then exit "${LSM_GATE_NEUTRAL:-3}"; fi
  exit "$1"
}

mkdir -p "$out" || exit 2
rm -f "$out"/{gate.json,junit.xml,summary.md,comment.md,gate.sarif,log.txt}

include=()
lines "${LSM_GATE_INCLUDE:-}"
for folder in ${found[@]+"${found[@]}"}; do include+=(--include "$folder"); done

# What a gate takes, by itself and in a run.
gate=()
if [ -n "${LSM_GATE_BASELINE:-}" ]; then gate+=(--baseline "$LSM_GATE_BASELINE"); fi
if [ "${GITHUB_ACTIONS:-}" = true ]; then gate+=(--annotations github); fi
gate+=(--json "$out/gate.json" --junit "$out/junit.xml" --sarif "$out/gate.sarif")
gate+=(--markdown "$out/summary.md" --comment "$out/comment.md")
lines "${LSM_GATE_OPTIONS:-}"
gate+=(${found[@]+"${found[@]}"})

# The answer that gate.json has, in `answer`.
read_answer() {
  if [ -s "$out/gate.json" ]; then
    answer=$(python -c 'import json, sys; print(json.load(open(sys.argv[1], encoding="utf-8"))["answer"])' "$out/gate.json")
  fi
}

record=${LSM_GATE_CANDIDATE:-}
if [ -n "$record" ] && [ "${LSM_GATE_EARLY:-}" = true ]; then
  echo "lsm-eval: a run can end early, and $record is there already: leave one of the two out." | tee "$log" >&2
  finish 2
fi
if [ -z "$record" ]; then
  if [ -z "${LSM_GATE_TASKS:-}" ]; then
    echo "lsm-eval: name the tasks to run, or the candidate's record." | tee "$log" >&2
    finish 2
  fi
  run=(--tasks "$LSM_GATE_TASKS" --out "$out/reports" ${include[@]+"${include[@]}"})
  if [ -n "${LSM_GATE_MODEL:-}" ]; then run+=(--model "$LSM_GATE_MODEL"); fi
  if [ -n "${LSM_GATE_ADAPTER:-}" ]; then run+=(--adapter "$LSM_GATE_ADAPTER"); fi
  if [ "${LSM_GATE_EARLY:-}" = true ]; then run+=(--gate "${LSM_GATE_POLICY:-pull-request}" "${gate[@]}"); fi
  lines "${LSM_GATE_RUN_OPTIONS:-}"
  lsm-eval run "${run[@]}" ${found[@]+"${found[@]}"} 2>&1 | tee "$log"
  code=${PIPESTATUS[0]}
  record=$(sed -n 's/^record: //p' "$log" | tail -n 1)
  read_answer
  if [ "$code" != 0 ] || [ "${LSM_GATE_EARLY:-}" = true ]; then finish "$code"; fi
fi

if [ -n "${LSM_GATE_POLICY:-}" ]; then gate+=(--policy "$LSM_GATE_POLICY"); fi
lsm-eval gate --candidate "$record" ${include[@]+"${include[@]}"} "${gate[@]}" 2>&1 | tee -a "$log"
code=${PIPESTATUS[0]}
read_answer
finish "$code"
