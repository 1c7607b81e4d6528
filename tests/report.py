#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Reads the reports of pytest for run.sh.

    report.py failed REPORT FOLDER      what to run again: file::name, if it is little
    report.py count REPORT AGAIN        the line that run.sh adds up; AGAIN may not be there
"""

import pathlib
import sys
import xml.etree.ElementTree as tree

FEW = 3     # more than that is no accident


def cases(report):
    """(classname, name, failed, skipped) of each; None if there is no report."""
    try:
        root = tree.parse(report).getroot()
    except (OSError, tree.ParseError):
        return None
    return [(case.get("classname"), case.get("name"),
             case.find("failure") is not None or case.find("error") is not None,
             case.find("skipped") is not None) for case in root.iter("testcase")]


def failed(report, folder):
    bad = sorted({case[:2] for case in cases(report) or [] if case[2]})
    files = {path.stem: path for path in pathlib.Path(folder).rglob("*.py")}
    names = [f"{files[where.split('.')[-1]]}::{name}" for where, name in bad
             if where and where.split(".")[-1] in files and " " not in name]
    if len(names) == len(bad) <= FEW:
        print(*names)


def count(report, again):
    first, second = cases(report), cases(again)
    if first is None:
        print("counted: 0 passed, 1 failed")
        return
    bad = {case[:2] for case in first if case[2]}
    if second is not None:
        still = {case[:2] for case in second if case[2]} | bad - {case[:2] for case in second}
        for where, name in sorted(bad - still):
            print(f"unsteady: {where}::{name} failed, and passed by itself")
        bad = still
    skipped = {case[:2] for case in first if case[3]}
    total = len({case[:2] for case in first})
    print(f"counted: {total - len(bad) - len(skipped - bad)} passed, {len(bad)} failed")


if __name__ == "__main__":
    {"failed": failed, "count": count}[sys.argv[1]](*sys.argv[2:])
