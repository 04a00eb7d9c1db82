#!/usr/bin/env bash
# Installs what package-lock.json names into node_modules/, unless it is there already.
# Usage: install_packages.sh NPM, in this folder.
set -euo pipefail
installed=node_modules/installed.json
cmp --silent package-lock.json "$installed" && exit 0
"$1" ci --ignore-scripts --no-audit --no-fund --loglevel=error
cp package-lock.json "$installed"
