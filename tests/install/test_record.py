#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pipelines/record writes what a command printed below what it was measured with, and nothing when the command fails."""
import hashlib
import os
import subprocess
import tempfile
import unittest

import installed


class Record(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="reddiff-record-")
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "MEASUREMENTS.md")

    def record(self, *command):
        script = os.path.join(installed.SOURCE, "pipelines", "record")
        return subprocess.run([script, self.path, *command], capture_output=True, text=True, check=False)

    def written(self):
        with open(self.path, encoding="utf-8") as file:
            return file.read()

    def test_a_command_that_succeeds(self):
        done = self.record("printf", "%s\\n", "a b", "c")
        self.assertEqual((done.returncode, done.stdout), (0, "a b\nc\n"))
        head, _, rest = self.written().partition("\n\n")
        with open(os.path.join(installed.SOURCE, "models", "default.safetensors"), "rb") as file:
            self.assertIn("default " + hashlib.sha256(file.read()).hexdigest()[:12], head)
        self.assertRegex(head, r"(unknown commit|commit [0-9a-f]{12} of \d{4}-\d\d-\d\d)")
        self.assertEqual(rest, "    printf '%s\\n' 'a b' c\n\n```\na b\nc\n```\n")

    def test_a_command_that_fails_leaves_the_file(self):
        self.record("echo", "before")
        before = self.written()
        self.assertEqual(self.record("sh", "-c", "echo half; exit 3").returncode, 3)
        self.assertEqual(self.written(), before)


if __name__ == "__main__":
    unittest.main()
