#!/usr/bin/env python3
"""What no text of the repository should hold: paths of a machine, notes about
work left to do, blanks at line ends, conflict marks.  Sources carry their
licence.  Shell scripts must parse.
"""
import re
import subprocess
import sys

# Spelled so that this file does not find itself.
RULES = [
    (re.compile(r"(?<![\w.$}])/(?:work|root|farm|home/\w+)/"), "a path of one machine"),
    (re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b"), "work left to do"),
    (re.compile(r"^(?:<{7} |>{7} |={7}$)"), "a conflict mark"),
    (re.compile(r"[ \t]+$"), "blanks at the end of the line"),
]
VERBATIM = ("tests/fuzz/corpus/", "tests/data/")


def tracked():
    listing = subprocess.run(["git", "ls-files", "-z"], capture_output=True, check=True).stdout
    return [name for name in listing.decode().split("\0") if name]


def check_text(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, what in RULES:
            if pattern.search(line):
                yield f"{path}:{number}: {what}"
    if path.endswith((".c", ".h")) and "SPDX-License-Identifier: MIT" not in text[:4000]:
        yield f"{path}:1: no SPDX-License-Identifier: MIT in the head comment"


def check_shell(path, text):
    first = text.split("\n", 1)[0]
    if not (path.endswith(".sh") or first.startswith("#!")):
        return
    shell = "bash" if "bash" in first else "sh"
    if path.endswith(".sh") or first.endswith("sh") or first.endswith("sh -e"):
        done = subprocess.run([shell, "-n", path], capture_output=True, text=True)
        if done.returncode != 0:
            yield done.stderr.strip()


def main():
    faults = []
    for path in tracked():
        if path.startswith(VERBATIM):
            continue
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
        faults += check_text(path, text)
        faults += check_shell(path, text)
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
