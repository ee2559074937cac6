#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pipelines/setup configures again when packages have changed, and only then.

The script is the real one, run in a small project of its own; dpkg-query is a function that bash takes over from the
environment.
"""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import installed

MESON_BUILD = """project('later')
message('later:', import('fs').exists('later.h') ? 'there' : 'absent')
"""
DPKG_QUERY = '() { case "$2" in *Version*) echo "package $PACKAGE_VERSION installed" ;; *) printf installed ;; esac; }'


class Setup(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="reddiff-setup-")
        self.addCleanup(folder.cleanup)
        self.tree = folder.name
        os.mkdir(self.path("pipelines"))
        for name in ("setup", "torch-root"):
            shutil.copy(os.path.join(installed.SOURCE, "pipelines", name), self.path("pipelines", name))
        self.write(MESON_BUILD, "meson.build")
        self.write("option('cuda', type: 'feature')\n", "meson_options.txt")
        version = self.pinned("torch_version")
        # A LibTorch and a clang-format that need not be fetched.
        lib = ("cache", "venv", "lib", "python3", "site-packages", "torch", "lib")
        os.makedirs(self.path(*lib))
        self.write("", *lib, "libtorch_cpu.so")
        self.write(f"{version} cpu", "cache", "venv", "reddiff-set")
        os.mkdir(self.path("cache", "venv", "bin"))
        self.write(f"#!/bin/sh\necho clang-format version {self.pinned('clang_format_version')}\n", "cache", "venv", "bin", "clang-format")
        os.chmod(self.path("cache", "venv", "bin", "clang-format"), 0o755)

    def path(self, *names):
        return os.path.join(self.tree, *names)

    def write(self, text, *names):
        with open(self.path(*names), "w", encoding="utf-8") as file:
            file.write(text)

    def pinned(self, name):
        with open(self.path("pipelines", "setup"), encoding="utf-8") as script:
            return re.search(rf"^{name}=(\S+)", script.read(), re.M)[1]

    def set_up(self, package_version):
        """What meson said of the library; None when it was not asked."""
        environment = {**os.environ, "BASH_FUNC_dpkg-query%%": DPKG_QUERY, "PACKAGE_VERSION": package_version,
                       "REDDIFF_CACHE": self.path("cache")}
        done = subprocess.run([self.path("pipelines", "setup"), "--cpu", "--no-build"], env=environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=100, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        with open(self.path("cache", "setup.log"), encoding="utf-8") as log:
            said = re.search(r"^Message: later: (\w+)", log.read(), re.M)
        return said and said[1]

    def test_what_is_installed_later_is_looked_for(self):
        self.assertEqual(self.set_up("1"), "absent")
        self.write("", "later.h")
        self.assertIsNone(self.set_up("1"))
        self.assertEqual(self.set_up("2"), "there")
        self.assertIsNone(self.set_up("2"))

    def test_editors_find_how_files_are_compiled(self):
        self.set_up("1")
        self.assertEqual(os.readlink(self.path("compile_commands.json")), "build/compile_commands.json")


if __name__ == "__main__":
    unittest.main()
