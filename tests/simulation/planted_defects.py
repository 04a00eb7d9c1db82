#!/usr/bin/env python3
"""Checks the checkers: plants each defect that the code has a place for (see
storage/core/planted_defect.h), one at a time, and runs the simulation until it finds it.

    tests/simulation/planted_defects.py [--build DIR] [--seeds N] [DEFECT..]

Builds the program `simulate` with the defects in DIR (build/planted), unless told --no-build. Prints
for each defect how many seeds it took and which check spoke; exit code 1 if one was not found.
"""

import argparse
import concurrent.futures
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDERS = ("storage", "services", "clients", "tests/simulation")
SECONDS_MAX = 3600


def all_defects():
    """The names given to Planted(), in the order of files and lines."""
    names = []
    for folder in FOLDERS:
        for directory, _, files in sorted(os.walk(os.path.join(ROOT, folder))):
            for name in sorted(files):
                if not name.endswith((".cc", ".h")):
                    continue
                with open(os.path.join(directory, name), encoding="utf-8") as source:
                    for defect in re.findall(r'\bPlanted\("(\w+)"\)', source.read()):
                        if defect not in names:
                            names.append(defect)
    return names


def build(directory):
    configure = ["cmake", "-S", ROOT, "-B", directory, "-G", "Ninja",
                 "-DCMAKE_C_COMPILER=clang-14", "-DCMAKE_CXX_COMPILER=clang++-14",
                 "-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DNIGHTLOG_PLANTED_DEFECTS=ON"]
    subprocess.run(configure, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", directory, "--target", "simulate"], check=True,
                   stdout=subprocess.DEVNULL)


def hunt(program, defect, seeds):
    """(seeds until the defect was found, or 0; what found it)."""
    environment = dict(os.environ, NIGHTLOG_PLANTED_DEFECT=defect)
    try:
        ran = subprocess.run([program, "1", str(seeds), "--no-shrink"], env=environment,
                             capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    except subprocess.TimeoutExpired:
        return 0, f"nothing in {SECONDS_MAX} seconds"
    found = re.search(r"^seed (\d+): (.*)$", ran.stdout, re.MULTILINE)
    if found:
        return int(found[1]), found[2]
    if ran.returncode in (0, 2):
        return 0, ran.stdout.strip() or ran.stderr.strip()
    # A check of the code itself ended the program.
    return 1, ran.stderr.strip().splitlines()[-1] if ran.stderr.strip() else "ended by a signal"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "planted"))
    parser.add_argument("--no-build", action="store_true")
    parser.add_argument("--seeds", type=int, default=5000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("defects", nargs="*")
    arguments = parser.parse_args()
    if not arguments.no_build:
        build(arguments.build)
    program = os.path.join(arguments.build, "tests", "simulation", "simulate")
    defects = arguments.defects or all_defects()
    missed = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        hunts = [pool.submit(hunt, program, defect, arguments.seeds) for defect in defects]
        for defect, result in zip(defects, hunts):
            seeds, check = result.result()
            missed += seeds == 0
            print(f"| {defect} | {seeds or 'not found'} | {check[:110]} |", flush=True)
    print(f"{len(defects)} defects, {missed} not found")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
