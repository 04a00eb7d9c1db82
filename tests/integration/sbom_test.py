"""The list of what a build contains, against the programs themselves and the lock file of npm."""
import json
import os
import pathlib
import re
import subprocess
import unittest

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAMS = [os.environ["NIGHTLOGD"], os.environ["NIGHTLOG"]]


def sbom():
    return subprocess.run([SOURCE / "deploy/sbom", *PROGRAMS], stdout=subprocess.PIPE, text=True,
                          check=True).stdout


class SbomTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.text = sbom()
        cls.components = json.loads(cls.text)["components"]

    def test_every_library_that_a_program_says_it_needs_is_of_a_listed_package(self):
        listed = {pathlib.Path(p["value"]).name for component in self.components
                  for p in component.get("properties", []) if p["name"] == "file"}
        for program in PROGRAMS:
            dynamic = subprocess.run(["readelf", "-d", program], stdout=subprocess.PIPE, text=True,
                                     check=True).stdout
            needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic))
            self.assertTrue(any("rocksdb" in name or "grpc" in name for name in needed), needed)
            self.assertLessEqual(needed, listed)

    def test_every_package_of_npm_is_listed_and_build_tools_are_told_apart(self):
        lock = json.loads((SOURCE / "clients/web/package-lock.json").read_text())["packages"]
        scopes = {c["bom-ref"].rpartition("#")[2]: c["scope"] for c in self.components
                  if c["purl"].startswith("pkg:npm/")}
        self.assertEqual(scopes, {path: "excluded" if entry.get("dev") else "required"
                                  for path, entry in lock.items() if path})

    def test_the_same_build_gives_the_same_list_and_nothing_is_in_it_twice(self):
        self.assertEqual(self.text, sbom())
        references = [component["bom-ref"] for component in self.components]
        self.assertEqual(len(references), len(set(references)))


if __name__ == "__main__":
    unittest.main()
