#!/usr/bin/env bash
# Writes a gate's comment to a pull request: the one that is there anew, or a first one. Whatever hinders it is a warning.
#
# GH_TOKEN, GITHUB_REPOSITORY: of GitHub. LSM_GATE_COMMENT: the file. LSM_GATE_PULL_REQUEST: its number. LSM_GATE_FORK: true where
# the pull request comes from a fork, whose token may not comment.
set -uo pipefail

marker='<!-- lsm-eval gate -->'

warn() {
  echo "::warning title=lsm-eval gate::$1"
  exit 0
}

file=${LSM_GATE_COMMENT:?}
number=${LSM_GATE_PULL_REQUEST:-}
if [ "${LSM_GATE_FORK:-false}" = true ]; then
  warn "The token of a fork's pull request may not comment. The step summary holds the answer; lsm-eval-comment.yml comments on forks too."
fi
case $number in
  '' | *[!0-9]*) warn "No open pull request was found to comment on." ;;
esac
if [ ! -f "$file" ] || [ -L "$file" ] || [ "$(head -n 1 "$file" | tr -d '\r')" != "$marker" ]; then
  warn "The gate left no comment; its step summary says why."
fi
if [ "$(wc -c <"$file")" -gt 262144 ]; then
  warn "The gate's comment is longer than a comment may be."
fi
comments="repos/$GITHUB_REPOSITORY/issues/$number/comments"
own=".[] | select(.user.login == \"github-actions[bot]\" and (.body | startswith(\"$marker\"))) | .id"
ids=$(gh api --paginate "$comments?per_page=100" --jq "$own") || warn "The comments of pull request $number cannot be read."
id=${ids##*$'\n'}
if [ -n "$id" ]; then
  gh api --silent --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" -F "body=@$file" ||
    warn "The comment on pull request $number cannot be written: the job needs the permission pull-requests: write."
else
  gh api --silent --method POST "$comments" -F "body=@$file" ||
    warn "The comment on pull request $number cannot be written: the job needs the permission pull-requests: write."
fi
