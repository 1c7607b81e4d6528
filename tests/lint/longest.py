#!/usr/bin/env python3
"""The ten longest functions, sources and headers, so that the trend is seen.

Reads the house style: a function starts with its name at the beginning of a
line and its braces stand in column one.  Never fails.
"""
import re
import statistics
import subprocess

NAME = re.compile(r"^(?:START_TEST\()?([A-Za-z_][A-Za-z0-9_]*)")


def functions(path, lines):
    name, start = None, None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            yield number - start - 1, f"{path}: {name}()"
            start = None
        elif start is None and (match := NAME.match(line)) and "(" in line:
            name = line[6:].rstrip(")\n{ (") if line.startswith("START_TEST(") else match[1]


def table(title, rows):
    print(title)
    for size, what in sorted(rows, reverse=True)[:10]:
        print(f"  {size:5}  {what}")


def main():
    files = subprocess.run(["git", "ls-files", "src/*.[ch]", "modules/*.[ch]"],
        capture_output=True, text=True, check=True).stdout.split()
    found, sources, headers = [], [], []
    for path in files:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
        (headers if path.endswith(".h") else sources).append((len(lines), path))
        if path.endswith(".c") and "/test_" not in path:
            found += functions(path, lines)
    sizes = [size for size, _ in found] or [0]
    table(f"functions: {len(found)}, median {statistics.median(sizes):.0f} lines, "
        f"{sum(s > 45 for s in sizes)} above 45, {sum(s > 80 for s in sizes)} above 80", found)
    table("sources, in lines (600 is plenty)", sources)
    table("headers, in lines (200 is plenty)", headers)


if __name__ == "__main__":
    main()
