#!/usr/bin/env python3
"""Checks what the compiler does not see; see RULES at the end. Usage: tidy.py SOURCE_DIR.

Prints one line a finding, `PATH:LINE: RULE: what is wrong`, and exits 1 if there is any.
"""

import os
import re
import sys

SKIPPED_DIRS = {".git", "build", "node_modules", "__pycache__"}
TOP_LEVEL = {"CMakeLists.txt", "CMakePresets.json", "README.md",
             "protos", "services", "storage", "clients", "deploy", "tests"}
COLUMNS_MAX = 100

# What a folder may include of ours, beside itself. The longest folder that holds a file counts;
# allowing a folder allows what lies below it. `grpc` also stands for generated service stubs.
# `tests` is not here: it may include everything.
MAY_INCLUDE = {
    "protos": set(),
    "storage/core": {"protos"},
    "storage/engine": {"protos", "storage/core", "rocksdb"},
    "storage": {"protos", "storage", "rocksdb"},
    "services/imports": {"protos", "storage/core"},
    "services/sleep": {"protos", "storage/core/planted_defect.h", "storage/core/proto_time.h"},
    "services": {"protos", "storage", "services", "grpc", "boost"},
    "clients/cpp": {"protos", "storage/core", "storage/engine", "grpc"},
    "clients/cli": {"protos", "storage/core", "storage/engine", "grpc", "clients/cpp",
                    "services/imports"},
}
# The part of the tree, or of the libraries we keep in their place, that an include names.
INCLUDE_PARTS = [
    ("grpc", re.compile(r"(grpc|grpcpp)/|.*\.grpc\.pb\.h$")),
    ("rocksdb", re.compile(r"rocksdb/")),
    ("boost", re.compile(r"boost/")),
    ("protos", re.compile(r"(nightlog|google/rpc)/")),
    (None, re.compile(r"(storage|services|clients|tests|protos)/")),
]
# Folders of tests/ whose test files mirror a source: tests/storage/keys_test.cc, storage/keys.h.
MIRRORING = ("tests/storage/", "tests/services/", "tests/clients/")
# Tests of what several sources do together: an exhaustive search, a page of words, a schema of
# tomorrow, worked nights, who may do what.
MIRRORS_NONE = {"tests/storage/core/merge_explorer_test.cc", "tests/storage/format_test.cc",
                "tests/services/mixed_versions_test.cc", "tests/services/sleep/vectors_test.cc",
                "tests/services/access_table_test.cc"}


def within(folder, path):
    return path == folder or path.startswith(folder + "/")


def longest(folders, path):
    return max((f for f in folders if within(f, path)), key=len, default=None)


class Tree:
    """The files below a root: path (with slashes, relative) -> lines."""

    def __init__(self, root):
        self.top_level = sorted(os.listdir(root))
        self.lines = {}
        for folder, dirs, files in os.walk(root):
            dirs[:] = [d for d in dirs if d not in SKIPPED_DIRS]
            for name in files:
                full = os.path.join(folder, name)
                path = os.path.relpath(full, root).replace(os.sep, "/")
                try:
                    with open(full, encoding="utf-8") as file:
                        self.lines[path] = file.read().splitlines()
                except UnicodeDecodeError:
                    pass  # Not text.

    def cpp(self, *endings):
        endings = endings or (".h", ".cc")
        return ((p, lines) for p, lines in sorted(self.lines.items()) if p.endswith(endings))


def check_includes(tree):
    """An include keeps to what its folder may depend on."""
    for path, lines in tree.cpp():
        folder = longest(MAY_INCLUDE, path)
        for number, line in enumerate(lines, 1):
            match = re.match(r'\s*#\s*include\s*["<]([^">]+)[">]', line)
            if not match or folder is None:
                continue
            target = match[1]
            part = next((p for p, pattern in INCLUDE_PARTS if pattern.match(target)), "")
            if part == "":
                continue  # Neither ours nor kept in its place.
            if part is None:
                if longest(MAY_INCLUDE, target) == folder:
                    continue
                allowed = any(within(a, target) for a in MAY_INCLUDE[folder])
            else:
                allowed = part in MAY_INCLUDE[folder]
            if not allowed:
                yield path, number, f"{folder} may not include {target}"


def check_columns(tree):
    """C++ lines are at most 100 columns, but for a URL."""
    for path, lines in tree.cpp():
        for number, line in enumerate(lines, 1):
            if len(line) > COLUMNS_MAX and "://" not in line:
                yield path, number, f"{len(line)} columns, more than {COLUMNS_MAX}"


def check_todos(tree):
    """A note to do something later names who does it: TODO(name): .."""
    for path, lines in sorted(tree.lines.items()):
        if path.startswith("tests/tidy/"):
            continue
        for number, line in enumerate(lines, 1):
            if re.search(r"\b(TODO|FIXME|XXX)\b(?!\([\w.-]+\):)", line):
                yield path, number, "nobody owns this note; write TODO(name): or do it"


def check_built(tree):
    """Every .cc file is listed by a CMakeLists.txt or .cmake file above it."""
    listed = set()
    for path, lines in tree.lines.items():
        if os.path.basename(path) == "CMakeLists.txt" or path.endswith(".cmake"):
            text = "\n".join(re.sub(r"#.*", "", line) for line in lines)
            for word in re.findall(r"[\w./-]+\.cc\b", text):
                # A path may begin with a variable, such as ${CMAKE_CURRENT_LIST_DIR}/.
                word = word.lstrip("/")
                listed.add(os.path.normpath(os.path.join(os.path.dirname(path), word)))
    for path, _ in tree.cpp(".cc"):
        if path not in listed:
            yield path, 1, "no CMake target builds this file"


def check_contracts(tree):
    """A class in a header stands under a comment that says what it promises."""
    for path, lines in tree.cpp(".h"):
        for number, line in enumerate(lines, 1):
            match = re.match(r"(?:class|struct)\b(?!.*;\s*$).*?(\w+)(?: final)?\s*(?::|\{|$)", line)
            if not match:
                continue
            above = number - 2
            while above >= 0 and re.match(r"(template\b|\[\[)", lines[above]):
                above -= 1
            if above < 0 or not lines[above].startswith("//"):
                yield path, number, f"{match[1]} has no comment that says what it promises"


def check_pages(tree):
    """A page that a source names is in the tree."""
    pages = {os.path.basename(path) for path in tree.lines if path.endswith(".md")}
    for path, lines in sorted(tree.lines.items()):
        for number, line in enumerate(lines, 1):
            for page in re.findall(r"(?<![-\w])[A-Z]+\.md\b", line):
                if page not in pages:
                    yield path, number, f"there is no {page}"


def check_top_level(tree):
    """The top folder holds what README.md says and no more."""
    for name in tree.top_level:
        if name not in TOP_LEVEL and name != "build" and not name.startswith("."):
            yield name, 1, "does not belong at the top"


def check_mirror(tree):
    """A unit test stands at the path of what it tests."""
    for path, _ in tree.cpp("_test.cc"):
        if path.startswith(MIRRORING) and path not in MIRRORS_NONE:
            source = path[len("tests/"):-len("_test.cc")]
            if source + ".h" not in tree.lines and source + ".cc" not in tree.lines:
                yield path, 1, f"tests neither {source}.h nor {source}.cc"


RULES = {
    "includes": check_includes,
    "columns": check_columns,
    "todos": check_todos,
    "built": check_built,
    "contracts": check_contracts,
    "pages": check_pages,
    "top-level": check_top_level,
    "mirror": check_mirror,
}


def findings(root):
    """All findings below `root`: (path, line, rule, message)."""
    tree = Tree(root)
    return [(path, line, rule, message)
            for rule, check in RULES.items() for path, line, message in check(tree)]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    found = findings(sys.argv[1])
    for path, line, rule, message in found:
        print(f"{path}:{line}: {rule}: {message}")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
