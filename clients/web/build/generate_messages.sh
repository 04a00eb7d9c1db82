#!/usr/bin/env bash
# Generates src/gen/ from the protos.
# Usage: generate_messages.sh [PROTOC]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
protos=../../protos
PATH=$PWD/node_modules/.node/bin:$PATH
mkdir -p src/gen
"${1:-protoc}" --proto_path="$protos" \
  --plugin=protoc-gen-es=node_modules/.bin/protoc-gen-es \
  --es_out=src/gen --es_opt=target=ts,import_extension=js \
  "$protos"/google/rpc/{status,error_details}.proto "$protos"/nightlog/v1/*.proto
