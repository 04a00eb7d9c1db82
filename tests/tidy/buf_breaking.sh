#!/usr/bin/env bash
# Compares protos/ with the last release. Usage: buf_breaking.sh BUF, in the source folder.
# Exits 77 (skipped) before the first release. See "Compatible protos" in tests/README.md.
set -euo pipefail
buf=$1

# The version in work is the one that CMakeLists.txt names; the last release is the last commit
# before it was named.
version=$(grep -oE 'project\(nightlog VERSION [0-9.]+' CMakeLists.txt)
named=$(git log --format=%H -S"$version " -- CMakeLists.txt | tail -n 1)
released=HEAD  # The new version is not committed yet.
[[ -z "$named" ]] || released=$named^
if ! git rev-parse --quiet --verify "$released^{commit}" >/dev/null; then
  echo "no release before '$version' in this history: nothing has been promised yet"
  exit 77
fi

before=$(mktemp -d)
trap 'rm -rf "$before"' EXIT
git archive "$released" protos | tar -x -C "$before"
echo "comparing protos/ with $(git log -1 --format='commit %h of %cs' "$released")"
cd protos
"$buf" breaking --against "$before/protos"
