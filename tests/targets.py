#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""targets.py BUILD TEST...: prints what ninja has to build before these tests can run, a file of BUILD a line."""
import json
import os
import subprocess
import sys


def introspect(build, what):
    return json.loads(subprocess.check_output(["meson", "introspect", f"--{what}", build], text=True))


def needed(build, tests):
    ids = {depend for test in introspect(build, "tests") if test["name"] in tests for depend in test["depends"]}
    files = (file for target in introspect(build, "targets") if target["id"] in ids for file in target["filename"])
    return sorted(os.path.relpath(file, os.path.abspath(build)) for file in files)


if __name__ == "__main__":
    print("".join(f"{file}\n" for file in needed(sys.argv[1], set(sys.argv[2:]))), end="")
