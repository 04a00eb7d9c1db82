#!/usr/bin/env python3
"""Runs clang-tidy over our sources, one on each core.
Usage: clang_tidy.py SOURCE_DIR BUILD_DIR PLUGIN.

BUILD_DIR holds compile_commands.json and the generated headers, PLUGIN is own_sources.cc, built. A
source that passed is not looked at again until it, a header of ours that it includes, a proto, its
command, .clang-tidy or PLUGIN changes.
"""

import concurrent.futures
import hashlib
import json
import os
import re
import subprocess
import sys

CLANG_TIDY = "clang-tidy-14"
FOLDERS = ("storage", "services", "clients", "tests")


def read(path):
    with open(path, "rb") as file:
        return file.read()


def closure(source_dir, path):
    """The file and all headers of ours that it includes, directly or not."""
    found, waiting = set(), [path]
    while waiting:
        path = waiting.pop()
        if path in found or not os.path.isfile(path):
            continue
        found.add(path)
        waiting += [os.path.join(source_dir, name.decode())
                    for name in re.findall(rb'^\s*#\s*include "([^"]+)"', read(path), re.M)]
    return sorted(found)


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    source_dir, build_dir, plugin = map(os.path.abspath, sys.argv[1:])
    passed_dir = os.path.join(build_dir, "clang_tidy_passed")
    os.makedirs(passed_dir, exist_ok=True)

    common = hashlib.sha256(read(os.path.join(source_dir, ".clang-tidy")))
    common.update(read(plugin))
    for folder, _, names in sorted(os.walk(os.path.join(source_dir, "protos"))):
        for name in sorted(names):
            common.update(read(os.path.join(folder, name)))

    def passes(entry):
        key = common.copy()
        key.update(entry["command"].encode())
        for path in closure(source_dir, entry["file"]):
            key.update(read(path))
        marker = os.path.join(passed_dir, key.hexdigest())
        if os.path.exists(marker):
            return None
        run = subprocess.run([CLANG_TIDY, "--load", plugin, "--quiet", "-p", build_dir,
                              entry["file"]],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        if run.returncode != 0:
            print(run.stdout + run.stderr, flush=True)
            return False
        open(marker, "w", encoding="utf-8").close()
        return True

    entries = [e for e in json.loads(read(os.path.join(build_dir, "compile_commands.json")))
               if e["file"].startswith(tuple(f"{source_dir}/{f}/" for f in FOLDERS))]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(passes, entries))
    print(f"clang-tidy: {results.count(True)} sources passed, {results.count(None)} had passed "
          f"before, {results.count(False)} failed")
    sys.exit(1 if False in results or not results else 0)


if __name__ == "__main__":
    main()
