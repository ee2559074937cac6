#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check_format.py [FILE...]: holds FILEs (default: all C++ of the source tree) against .clang-format.

Releases of clang-format differ in what they make of the same file, so only the one that pipelines/setup names and installs
is asked, or one on PATH that is the same. Exits with 77 where there is neither.
"""
import os
import re
import shutil
import subprocess
import sys

import check_sources

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def pinned_version():
    with open(os.path.join(ROOT, "pipelines", "setup"), encoding="utf-8") as setup:
        return re.search(r"^clang_format_version=(\S+)", setup.read(), re.M)[1]


def find_clang_format():
    cache = os.environ.get("REDDIFF_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "gst-reddiff")
    for program in (os.path.join(cache, "venv", "bin", "clang-format"), shutil.which("clang-format")):
        if program and os.access(program, os.X_OK):
            said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
            if f" {pinned_version()}" in said:
                return program
    return None


def main():
    program = find_clang_format()
    if not program:
        print(f"no clang-format {pinned_version()}: run pipelines/setup --no-build")
        sys.exit(77)
    files = sys.argv[1:] or [os.path.join(ROOT, path) for path, _ in check_sources.sources(ROOT)
                             if path.endswith(check_sources.CPP)]
    style = "--style=file:" + os.path.join(ROOT, ".clang-format")
    result = subprocess.run([program, style, "--dry-run", "--Werror", *files], check=False)
    print(f"{len(files)} files" + (f"; mend with {program} -i FILE" if result.returncode else ""))
    sys.exit(1 if result.returncode or not files else 0)


if __name__ == "__main__":
    main()
