#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check_linking.py LIBRARY TORCH_ROOT: the dynamic linker finds everything LIBRARY needs, and only where it belongs.

Allowed are the system's library folders and the site-packages (or LibTorch folder) that TORCH_ROOT lies in. A path
elsewhere, such as a CUDA toolkit in /usr/local, would hide that a package is missing on another machine.
"""
import os
import re
import subprocess
import sys

SYSTEM = ("/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/")


def main():
    library, torch_root = sys.argv[1:]
    # The linker looks into LD_LIBRARY_PATH before a RUNPATH: what it adds is not there on the next machine.
    environment = {name: value for name, value in os.environ.items() if name not in ("LD_LIBRARY_PATH", "LD_PRELOAD")}
    environment["LC_ALL"] = "C"
    result = subprocess.run(["ldd", library], env=environment, capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"ldd {library}: {result.stderr or result.stdout}")
    packages = os.path.realpath(os.path.join(torch_root, "..")) + "/"
    roots = SYSTEM + (packages, os.path.realpath(torch_root) + "/", os.path.realpath(os.path.dirname(library)) + "/")
    entries = bad = 0
    for line in result.stdout.splitlines():
        entry = re.match(r"\s*(\S+) => (not found|\S+)", line)
        if not entry:
            continue
        entries += 1
        path = entry[2]
        if path == "not found":
            bad += 1
            print(f"{entry[1]}: not found")
        elif not (path.startswith(SYSTEM) or os.path.realpath(path).startswith(roots)):
            bad += 1
            print(f"{entry[1]}: found in {path}, which is neither a system folder nor beside LibTorch")
    torch_found = "libtorch_cpu.so" in result.stdout
    if not torch_found:
        print("libtorch_cpu.so is not needed: this is not the torch module")
    print(f"{os.path.basename(library)}: {entries} libraries, {bad} misplaced")
    sys.exit(1 if bad or not torch_found else 0)


if __name__ == "__main__":
    main()
