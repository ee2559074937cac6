#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check_sources.py RULE [ROOT]: holds the source tree against one rule; prints each breach as FILE:LINE: sentence.

The rules are the functions of the table RULES; `all` runs each of them.
"""
import os
import re
import sys

FOLDERS = ("core", "gst-plugin", "models", "pipelines", "tests", ".ci", ".githooks")
CPP = (".h", ".cpp", ".c", ".cu", ".cuh")
SKIPPED = {"__pycache__", "data"}
LONGEST = 400
PAGE, LONGEST_PAGE = "README.md", 60

# A file includes only its own group or an earlier one. Files that lie in core/ itself are the last group.
# pch/ is the precompiled header: what it includes, every file sees.
GROUPS = (("api", "pch"), ("frame",), ("temporal",), ("operators", "weights", "priors", "solvers"), ("restorations",), ("",))
RANK = {room: rank for rank, rooms in enumerate(GROUPS) for room in rooms}
TORCH = re.compile(r'#\s*include\s*[<"](torch|ATen|c10|caffe2)/')
GSTREAMER = re.compile(r'#\s*include\s*[<"](gst/|glib|gmodule|gio/)')
INCLUDE = re.compile(r'\s*#\s*include\s*"([^"]+)"')


def is_source(path):
    if path.endswith(CPP) or path.endswith(".py"):
        return True
    if "." in os.path.basename(path):
        return False
    with open(path, "rb") as file:
        return file.read(2) == b"#!"


def read_lines(path):
    with open(path, encoding="utf-8", newline="") as file:
        return file.read().split("\n")


def sources(root):
    """(path from the root, lines) of every source and script, and of every README.md."""
    if os.path.isfile(os.path.join(root, PAGE)):
        yield PAGE, read_lines(os.path.join(root, PAGE))
    for folder in FOLDERS:
        for where, names, files in os.walk(os.path.join(root, folder)):
            names[:] = sorted(set(names) - SKIPPED)
            for name in sorted(files):
                path = os.path.join(where, name)
                if name == PAGE or is_source(path):
                    yield os.path.relpath(path, root), read_lines(path)


def room_of(path):
    """Room of a file or of an include of core: `api`, ..., or "" for core itself; None outside core."""
    parts = path.split("/")
    if parts[0] != "core":
        return None
    return parts[1] if len(parts) > 2 else ""


def include_direction(path, lines):
    own = room_of(path)
    in_plugin = path.startswith("gst-plugin/")
    if own is None and not in_plugin:
        return
    if own is not None and own not in RANK:
        yield 1, f"core/{own}/ is in no group: add it to GROUPS"
        return
    for number, line in enumerate(lines, 1):
        if own is not None and GSTREAMER.match(line):
            yield number, "core knows neither GLib nor GStreamer"
        if own == "api" and TORCH.match(line):
            yield number, "core/api knows no torch"
        match = INCLUDE.match(line)
        if not match:
            continue
        other = room_of(match[1])
        if own is not None and match[1].startswith(("gst-plugin/", "tests/")):
            yield number, f"core includes {match[1]}"
        elif own is not None and "/" not in match[1]:
            yield number, f'"{match[1]}": included from the root of the project, as "core/..."'
        elif in_plugin and other is not None and other != "api":
            yield number, f"gst-plugin includes {match[1]}: only core/api is open to it"
        elif own is not None and other is not None and RANK.get(other, len(GROUPS)) > RANK[own]:
            yield number, f"core/{own} comes before {match[1]}"


def no_torch_in_plugin(path, lines):
    if path.startswith("gst-plugin/"):
        for number, line in enumerate(lines, 1):
            if TORCH.match(line) or re.search(r"\b(at|c10|torch)::", line.split("//")[0]):
                yield number, "gst-plugin never sees torch: gst-inspect would load it"


def length(path, lines):
    count = len(lines) - (lines[-1] == "")
    most = LONGEST_PAGE if os.path.basename(path) == PAGE else LONGEST
    if count > most:
        yield most + 1, f"{count} lines; {most} at most"


def spdx(path, lines):
    if os.path.basename(path) == PAGE:
        return
    expected = "SPDX-License-Identifier: LGPL-2.1-or-later"
    head = lines[:1] if path.endswith(CPP) else lines[:2]
    if not any(expected in line for line in head):
        yield 1, f"no `{expected}` at the top"


def blanks(path, lines):
    tabs_are_syntax = lines[0].startswith("#!/usr/bin/make")
    for number, line in enumerate(lines, 1):
        if "\t" in line and not tabs_are_syntax:
            yield number, "a tab"
        if line != line.rstrip():
            yield number, "trailing blanks or a carriage return"
    if lines[-1] != "" or lines[-2:] == ["", ""]:
        yield len(lines), "the file ends with exactly one newline"


RULES = {
    "include-direction": include_direction,
    "no-torch-in-plugin": no_torch_in_plugin,
    "length": length,
    "spdx": spdx,
    "blanks": blanks,
}


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[1] not in (*RULES, "all"):
        sys.exit(f"usage: check_sources.py {'|'.join(RULES)}|all [ROOT]")
    root = sys.argv[2] if len(sys.argv) == 3 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    rules = RULES.values() if sys.argv[1] == "all" else [RULES[sys.argv[1]]]
    files = breaches = 0
    for path, lines in sources(root):
        files += 1
        for rule in rules:
            for number, sentence in rule(path, lines):
                breaches += 1
                print(f"{path}:{number}: {sentence}")
    print(f"{sys.argv[1]}: {files} files, {breaches} breaches")
    sys.exit(1 if breaches or not files else 0)


if __name__ == "__main__":
    main()
