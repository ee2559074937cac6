#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""under_valgrind.py PROGRAM: runs it under valgrind; fails for every error that has one of our libraries, or the program, among
its callers, a leak that nothing points to any more included. What LibTorch, GLib and their like do among themselves is theirs.
Exit status 77: there is no valgrind.
"""
import collections
import os
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

OURS = ("libgstreddiff.so", "libreddiff-torch.so")
# Made once and kept until the process ends: GLib's and GStreamer's types and tables, and what libraries do when they are loaded.
ONCE = ("g_type_", "g_once_", "g_intern_", "gst_type_mark", "gst_init", "gst_update_registry", "dlopen", "_dl_open", "_dl_init")


def frames(error):
    return [frame for stack in error.findall("stack")[:1] for frame in stack.findall("frame")]


def library(frame):
    return os.path.basename(frame.findtext("obj", ""))


def ours(error, program):
    stack = frames(error)
    # An exception on its way: the unwinder reads registers from stack that valgrind takes for dead.
    if any(library(frame).startswith("libunwind") for frame in stack):
        return False
    if any((frame.findtext("fn") or "").startswith(ONCE) for frame in stack):
        return False
    return any(library(frame) in OURS + (os.path.basename(program),) for frame in stack)


def main():
    program = sys.argv[1]
    if not shutil.which("valgrind"):
        print("SKIP: no valgrind (apt-get install valgrind)")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, "report.xml")
        # ATen's own vector code asks the CPU what it can; valgrind answers with AVX2 at most.
        run = subprocess.run(["valgrind", "--xml=yes", f"--xml-file={report}", "--leak-check=full",
                              "--show-leak-kinds=definite", "--num-callers=40", "--max-stackframe=8000000", program],
                             env={**os.environ, "ORC_CODE": "backup", "G_SLICE": "always-malloc", "OMP_NUM_THREADS": "1",
                                  "GST_REGISTRY_FORK": "no"}, check=False)
        errors = ET.parse(report).getroot().findall("error")
    kinds = collections.Counter()
    bad = 0
    for error in errors:
        kind = error.findtext("kind", "?")
        mine = ours(error, program)
        kinds[kind + (" (ours)" if mine else "")] += 1
        if not mine:
            continue
        bad += 1
        print(f"{kind}: {error.findtext('what') or error.findtext('xwhat/text')}")
        for frame in frames(error)[:25]:
            print(f"    {frame.findtext('fn')} ({library(frame)} "
                  f"{frame.findtext('file') or ''}:{frame.findtext('line') or ''})")
    print(f"exit status {run.returncode}; " + (", ".join(f"{n} {k}" for k, n in sorted(kinds.items())) or "no errors"))
    return 1 if bad or run.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
