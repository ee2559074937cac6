#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Nothing that tests/run starts can hide a failure from its exit status.

The script is the real one, in a small tree of its own; meson is a function that bash takes over from the environment.
"""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
GOOD, BAD = {"result": "OK", "stdout": ""}, {"result": "FAIL", "stdout": ""}
WRITES_ITS_LOG = "cp tests/log build/meson-logs/testlog.json"


class Run(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="reddiff-run-")
        self.addCleanup(folder.cleanup)
        self.tree = folder.name
        os.makedirs(os.path.join(self.tree, "build", "meson-logs"))
        os.mkdir(os.path.join(self.tree, "tests"))
        for name in ("run", "count.py"):
            shutil.copy(os.path.join(TESTS, name), os.path.join(self.tree, "tests", name))

    def log(self, results, *path):
        with open(os.path.join(self.tree, *path), "w", encoding="utf-8") as file:
            file.writelines(json.dumps(result) + "\n" for result in results)

    def run_with(self, meson, results=()):
        """(exit status, last line) of tests/run where `meson` does this, and writes these results when asked to."""
        self.log(results, "tests", "log")
        done = subprocess.run([os.path.join(self.tree, "tests", "run"), "--no-setup"], text=True, check=False, capture_output=True,
                              env={**os.environ, "BASH_FUNC_meson%%": f"() {{ {meson}; }}"})
        return done.returncode, (done.stdout.splitlines() or [""])[-1]

    def test_all_is_well(self):
        self.assertEqual(self.run_with(WRITES_ITS_LOG, [GOOD, GOOD]), (0, "2 passed, 0 failed"))

    def test_a_failed_test(self):
        for status in (0, 1):
            self.assertEqual(self.run_with(f"{WRITES_ITS_LOG}; return {status}", [GOOD, BAD]), (1, "1 passed, 1 failed"))

    def test_meson_ends_before_its_tests_do(self):
        self.assertEqual(self.run_with(f"{WRITES_ITS_LOG}; return 137", [GOOD]), (1, "1 passed, 0 failed"))

    def test_no_test_ran(self):
        self.assertEqual(self.run_with("return 0")[0], 1)
        self.assertEqual(self.run_with(WRITES_ITS_LOG)[0], 1)

    def test_the_log_of_an_earlier_run_does_not_count(self):
        self.log([GOOD], "build", "meson-logs", "testlog.json")
        self.assertEqual(self.run_with("return 0")[0], 1)


if __name__ == "__main__":
    unittest.main()
