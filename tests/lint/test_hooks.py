#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The commit hooks of .githooks refuse what they are there to refuse."""
import os
import subprocess
import tempfile
import unittest

HOOKS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".githooks")


class Hooks(unittest.TestCase):
    def title(self, message):
        with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
            file.write(message)
            file.flush()
            return subprocess.run([os.path.join(HOOKS, "commit-msg"), file.name], capture_output=True, text=True, check=False)

    def test_titles(self):
        self.assertEqual(self.title("tests: " + "x" * 65 + "\n\n" + "y" * 100 + "\n").returncode, 0)
        self.assertEqual(self.title("# a comment of git's: " + "x" * 80 + "\ntests: Say é " + "x" * 59 + "\n").returncode, 0)
        refused = self.title("tests: " + "x" * 66 + "\n")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("has 73 characters, 72 at most", refused.stderr)

    def test_both_can_be_run(self):
        for name in ("pre-commit", "commit-msg"):
            path = os.path.join(HOOKS, name)
            self.assertTrue(os.access(path, os.X_OK), name)
            subprocess.run(["bash", "-n", path], check=True)


if __name__ == "__main__":
    unittest.main()
