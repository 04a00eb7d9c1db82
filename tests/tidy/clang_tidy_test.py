#!/usr/bin/env python3
"""Plants violations into a source and into a header of it and expects clang_tidy.py to find both.
Usage: clang_tidy_test.py SOURCE_DIR PLUGIN."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE_DIR, PLUGIN = sys.argv[1:]

HEADER = """\
#pragma once
#include <string>
template <typename T>
T Twice(T {parameter}) {{ return {parameter} + {parameter}; }}
"""
SOURCE = """\
#include "storage/planted.h"
#include <utility>
namespace {{
std::string Both(std::string a) {{
  std::string b = std::move(a);
  return Twice(b) + {last};
}}
}}  // namespace
int main() {{ return static_cast<int>(Both("a").size()); }}
"""


class ClangTidyTest(unittest.TestCase):

    def run_on(self, parameter="value", last="b"):
        """Runs twice: what failed is looked at again, what passed is not. Returns both runs."""
        with tempfile.TemporaryDirectory() as root:
            os.mkdir(os.path.join(root, "storage"))
            shutil.copy(os.path.join(SOURCE_DIR, ".clang-tidy"), root)
            source = os.path.join(root, "storage", "planted.cc")
            with open(source, "w", encoding="utf-8") as file:
                file.write(SOURCE.format(last=last))
            with open(os.path.join(root, "storage", "planted.h"), "w", encoding="utf-8") as file:
                file.write(HEADER.format(parameter=parameter))
            with open(os.path.join(root, "compile_commands.json"), "w", encoding="utf-8") as file:
                json.dump([{"directory": root, "file": source,
                            "command": f"clang++-14 -std=c++17 -I{root} -c {source}"}], file)
            script = os.path.join(os.path.dirname(__file__), "clang_tidy.py")
            return [subprocess.run([sys.executable, "-B", script, root, root, PLUGIN],
                                   stdout=subprocess.PIPE, text=True, check=False)
                    for _ in range(2)]

    def test_a_clean_source_passes_and_is_not_looked_at_again(self):
        first, second = self.run_on()
        self.assertEqual((first.returncode, second.returncode), (0, 0), first.stdout)
        self.assertIn("1 sources passed", first.stdout)
        self.assertIn("1 had passed before", second.stdout)

    def test_a_violation_in_the_source_is_found_each_time(self):
        for run in self.run_on(last="a"):
            self.assertEqual(run.returncode, 1)
            self.assertIn("bugprone-use-after-move", run.stdout)

    def test_a_violation_in_a_header_of_ours_is_found_each_time(self):
        for run in self.run_on(parameter="Value"):
            self.assertEqual(run.returncode, 1)
            self.assertIn("planted.h:4:", run.stdout)
            self.assertIn("readability-identifier-naming", run.stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
