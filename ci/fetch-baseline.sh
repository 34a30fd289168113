#!/usr/bin/env bash
# Fetches the branch that LSM_GATE_BASELINE names (git:origin/BRANCH:PATH), which a pull request's checkout lacks. For any other
# baseline there is nothing to do.
#
# LSM_GATE_TOKEN: a token that may read the repository, where git has none of its own. It reaches git by the environment, so that
# it stands in no command and in no file.
set -euo pipefail

case ${LSM_GATE_BASELINE:-} in
  git:origin/*:*) ;;
  *) exit 0 ;;
esac
branch=${LSM_GATE_BASELINE#git:origin/}
branch=${branch%%:*}
if ! git check-ref-format "refs/heads/$branch"; then
  echo "lsm-eval: $LSM_GATE_BASELINE names no branch: write git:origin/BRANCH:PATH." >&2
  exit 2
fi

if [ -n "${LSM_GATE_TOKEN:-}" ] && [ -n "${GITHUB_SERVER_URL:-}" ]; then
  secret=$(printf 'x-access-token:%s' "$LSM_GATE_TOKEN" | base64 | tr -d '\n')
  export GIT_CONFIG_COUNT=1
  export GIT_CONFIG_KEY_0="http.$GITHUB_SERVER_URL/.extraheader"
  export GIT_CONFIG_VALUE_0="AUTHORIZATION: basic $secret"
fi

# A whole clone stays whole.
depth=()
if [ "$(git rev-parse --is-shallow-repository)" = true ]; then
  depth=(--depth=1)
fi
if ! git fetch --quiet --no-tags ${depth[@]+"${depth[@]}"} origin "+refs/heads/$branch:refs/remotes/origin/$branch"; then
  echo "lsm-eval: the branch $branch of $LSM_GATE_BASELINE cannot be fetched: check its name, and that the token may read it." >&2
  exit 2
fi
