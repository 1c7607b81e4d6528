#!/usr/bin/env python3
"""Who may include whom.

A folder of src/ lists in .may_include the folders whose headers it may include.
Modules may include <linnet/...>, system headers, and their own files beside
them.  Only base/hash.h includes uthash.h, so that every table is keyed.
"""
import os
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
PROGRAMS = {"src/linnetd.c", "src/linnetctl.c"}


def sources(top):
    for folder, folders, files in os.walk(top):
        folders.sort()
        for name in sorted(files):
            if name.endswith((".c", ".h", ".def")):
                yield os.path.join(folder, name)


def includes(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for match in INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match[1], match[2]


def allowed_floors():
    allowed = {}
    for floor in sorted(os.listdir("src")):
        if not os.path.isdir(os.path.join("src", floor)):
            continue
        try:
            with open(os.path.join("src", floor, ".may_include"), encoding="utf-8") as file:
                allowed[floor] = set(file.read().split())
        except FileNotFoundError:
            print(f"src/{floor}: has no .may_include")
            allowed[floor] = {floor}
    return allowed


def check_floor(path, allowed):
    floor = path.split("/")[1]
    for line, kind, name in includes(path):
        to = name.split("/")[0] if "/" in name else None
        if to in allowed:
            if path not in PROGRAMS and to not in allowed[floor]:
                yield line, f"{floor} may not include {name} (src/{floor}/.may_include)"
        elif kind == '"' and not os.path.exists(os.path.join(os.path.dirname(path), name)):
            yield line, f'"{name}" is not below src/; write it relative to src/'
        elif name == "uthash.h" and path != "src/base/hash.h":
            yield line, "include base/hash.h, never uthash.h: its tables are keyed"


def check_module(path, allowed):
    test = os.path.basename(path).startswith("test_")
    for line, kind, name in includes(path):
        to = name.split("/")[0] if "/" in name else None
        beside = os.path.exists(os.path.join(os.path.dirname(path), name))
        own = beside or os.path.exists(os.path.join("modules", name))
        if to == "linnet" or own or test:
            continue
        if kind == '"' or to in allowed or name == "uthash.h":
            yield line, f"a module may include <linnet/...> and its own files, not {name}"


def main():
    allowed = allowed_floors()
    faults = []
    for path in sources("src"):
        faults += [(path, *fault) for fault in check_floor(path, allowed)]
    for path in sources("modules"):
        faults += [(path, *fault) for fault in check_module(path, allowed)]
    for path, line, text in faults:
        print(f"{path}:{line}: {text}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
