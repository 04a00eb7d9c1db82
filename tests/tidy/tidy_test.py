#!/usr/bin/env python3
"""Plants one violation after the other into a clean tree and expects its rule, alone, to fire."""

import os
import tempfile
import unittest

import tidy

CLEAN = {
    "README.md": "nightlog\n",
    "build/junk.cc": "// TODO\n",
    "storage/CMakeLists.txt": "add_library(nightlog_storage keys.cc)\n",
    "storage/core/ids.h": "// Sixteen bytes.\nstruct Id {\n};\nclass Later;\n",
    "storage/core/CMakeLists.txt": "add_library(core INTERFACE)\n",
    "storage/keys.h": '#include "storage/core/ids.h"\n#include <rocksdb/db.h>\n',
    "storage/keys.cc": '#include "storage/keys.h"\n#include "nightlog/v1/sync.pb.h"\n',
    "services/server.h": "#include <grpcpp/grpcpp.h>\n#include \"storage/keys.h\"\n",
    "clients/cpp/outbox.h": "// Promises.\ntemplate <typename T>\nclass Outbox final : Base {\n};\n",
    "tests/storage/keys_test.cc": '#include "services/server.h"\n',
    "tests/storage/CMakeLists.txt": "nightlog_test(keys_test keys_test.cc LINK storage)\n",
}


class TidyTest(unittest.TestCase):

    def rules_fired(self, changes):
        with tempfile.TemporaryDirectory() as root:
            for path, text in {**CLEAN, **changes}.items():
                full = os.path.join(root, path)
                os.makedirs(os.path.dirname(full), exist_ok=True)
                with open(full, "w", encoding="utf-8") as file:
                    file.write(text)
            return sorted((path, rule) for path, _, rule, _ in tidy.findings(root))

    def expect_only(self, rule, path, text):
        self.assertEqual(self.rules_fired({path: text}), [(path, rule)], text)

    def test_a_clean_tree_has_no_findings(self):
        self.assertEqual(self.rules_fired({}), [])

    def test_every_folder_keeps_to_its_dependencies(self):
        for path, include in [
            ("storage/core/a.h", "storage/engine/engine.h"),
            ("storage/core/a.h", "storage/keys.h"),
            ("storage/core/a.h", "rocksdb/db.h"),
            ("storage/engine/a.h", "storage/keys.h"),
            ("storage/a.h", "grpcpp/server.h"),
            ("storage/a.h", "nightlog/v1/sync_service.grpc.pb.h"),
            ("storage/a.h", "services/server.h"),
            ("services/a.h", "rocksdb/db.h"),
            ("services/a.h", "clients/cpp/outbox.h"),
            ("services/sleep/a.h", "storage/core/ids.h"),
            ("services/sleep/a.h", "services/server.h"),
            ("services/sleep/a.h", "grpcpp/server.h"),
            ("clients/cpp/a.h", "storage/keys.h"),
            ("clients/cpp/a.h", "services/server.h"),
            ("clients/cpp/a.h", "clients/cli/a.h"),
            ("clients/cli/a.h", "storage/keys.h"),
            ("clients/cli/a.h", "services/server.h"),
            ("storage/core/a.h", "tests/testing/fake_clock.h"),
            ("services/a.h", "tests/testing/fake_clock.h"),
        ]:
            self.expect_only("includes", path, f'#include "{include}"\n')
            self.expect_only("includes", path, f"#include <{include}>\n")

    def test_what_a_folder_may_include_is_let_through(self):
        for path, include in [
            ("storage/core/a.h", "nightlog/v1/sync.pb.h"),
            ("storage/engine/a.h", "rocksdb/db.h"),
            ("storage/a.h", "storage/engine/engine.h"),
            ("services/a.h", "services/sleep/night.h"),
            ("services/sleep/a.h", "services/sleep/night.h"),
            ("clients/cpp/a.h", "storage/engine/engine.h"),
            ("clients/cli/a.h", "clients/cpp/outbox.h"),
            ("tests/testing/a.h", "clients/cli/a.h"),
        ]:
            self.assertEqual(self.rules_fired({path: f'#include "{include}"\n'}), [])

    def test_long_lines_are_found_and_urls_are_let_through(self):
        self.expect_only("columns", "storage/keys.h", "// " + "x" * 98 + "\n")
        self.assertEqual(self.rules_fired({"storage/keys.h": "// " + "x" * 97 + "\n"}), [])
        self.assertEqual(self.rules_fired({"storage/keys.h": "// https://" + "x" * 99 + "\n"}), [])

    def test_notes_without_an_owner_are_found(self):
        for note in ["TODO: later", "FIXME later", "XXX"]:
            self.expect_only("todos", "storage/keys.h", f"// {note}\n")
        self.assertEqual(self.rules_fired({"storage/keys.h": "// TODO(sam): later\n"}), [])

    def test_files_that_no_target_builds_are_found(self):
        self.expect_only("built", "storage/lost.cc", "")
        # The name in another folder's list, or in a comment, builds nothing here.
        self.expect_only("built", "storage/core/keys.cc", "")
        self.assertEqual(self.rules_fired({"storage/CMakeLists.txt": "# keys.cc\n"}),
                         [("storage/keys.cc", "built")])

    def test_classes_without_a_contract_are_found(self):
        for declaration in ["class A {", "struct A final {", "class A : public B {", "class A",
                            "template <typename T>\nclass A {"]:
            self.expect_only("contracts", "storage/keys.h", f"\n{declaration}\n")

    def test_pages_that_are_not_there_are_found(self):
        # In two parts, so that this line names none.
        self.expect_only("pages", "storage/keys.h", "// As LOST" + ".md says.\n")
        self.assertEqual(self.rules_fired({"storage/keys.h": "// As FORMAT" + ".md says.\n",
                                           "storage/FORMAT" + ".md": ""}), [])

    def test_strangers_at_the_top_are_found(self):
        self.expect_only("top-level", "notes.txt", "")
        self.assertEqual(self.rules_fired({"src/a.txt": ""}), [("src", "top-level")])

    def test_tests_of_nothing_are_found(self):
        cmake = "nightlog_test(keys_test keys_test.cc)\nnightlog_test(gone_test gone_test.cc)\n"
        self.assertEqual(self.rules_fired({"tests/storage/CMakeLists.txt": cmake,
                                           "tests/storage/gone_test.cc": ""}),
                         [("tests/storage/gone_test.cc", "mirror")])


if __name__ == "__main__":
    unittest.main()
