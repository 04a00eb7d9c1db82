#!/usr/bin/env bash
# Installs what nightlog is built with, from Debian 12's own packages; with --test also what its
# tests use. Says and does nothing where all of it is there already.
set -euo pipefail

packages=(
  clang-14 ninja-build cmake ccache
  libgrpc-dev libgrpc++-dev protobuf-compiler protobuf-compiler-grpc libprotobuf-dev
  librocksdb-dev libjemalloc-dev libabsl-dev libssl-dev libboost1.81-dev zlib1g-dev
  libspdlog-dev prometheus-cpp-dev
  # Zone rules: the server turns instants into nights with them.
  tzdata ca-certificates
)
# For the web app. A newer Node from elsewhere serves as well; its package and npm's then differ from
# Debian's.
command -v node >/dev/null || packages+=(nodejs)
command -v npm >/dev/null || packages+=(npm)
if [[ "${1:-}" == --test ]]; then
  packages+=(
    libgtest-dev libgmock-dev libbenchmark-dev nlohmann-json3-dev
    clang-format-14 clang-tidy-14 libclang-14-dev libclang-rt-14-dev llvm-14 llvm-14-dev
    python3 openssl git chromium
    # promtool, which checks the alerts; what checks the unit, the packages, and a Debian for them.
    prometheus systemd dpkg-dev lintian debootstrap
  )
elif [[ $# -gt 0 ]]; then
  echo "usage: $0 [--test]" >&2
  exit 2
fi

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ "$status" == installed* ]] || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

as_root=()
[[ $EUID -eq 0 ]] || as_root=(sudo)
echo "installing: ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
