#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check_format.py passes a formatted file, fails one that is not, and takes no other release of clang-format for the pinned one."""
import os
import subprocess
import sys
import tempfile
import unittest

import check_format

SCRIPT = os.path.abspath(check_format.__file__)


class Format(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="reddiff-format-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def check(self, text, **variables):
        path = os.path.join(self.folder, "a.cpp")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        result = subprocess.run([sys.executable, SCRIPT, path], env={**os.environ, **variables}, capture_output=True, text=True,
                                check=False)
        return result.returncode, result.stdout + result.stderr

    @unittest.skipUnless(check_format.find_clang_format(), "no clang-format of the pinned release")
    def test_files(self):
        self.assertEqual(self.check("int a = 1;\n")[0], 0)
        status, said = self.check("int  a=1 ;\n")
        self.assertEqual(status, 1)
        self.assertIn("a.cpp:1:", said)

    def test_another_release_is_not_asked(self):
        program = os.path.join(self.folder, "venv", "bin", "clang-format")
        os.makedirs(os.path.dirname(program))
        with open(program, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\necho clang-format version 19.1.7\n")
        os.chmod(program, 0o755)
        status, said = self.check("int a = 1;\n", REDDIFF_CACHE=self.folder, PATH=os.path.dirname(program))
        self.assertEqual((status, said), (77, f"no clang-format {check_format.pinned_version()}: run pipelines/setup --no-build\n"))


if __name__ == "__main__":
    unittest.main()
