#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests/count.py makes of results of each kind, broken ones above all."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import count  # noqa: E402

GTEST = """[==========] Running 3 tests from 1 test suite.
[       OK ] A.one (0 ms)
[  SKIPPED ] A.two (1 ms)
[  FAILED  ] A.three, where GetParam() = 5 (2 ms)
[  SKIPPED ] 1 test, listed below:
[  FAILED  ] 1 test, listed below:
[  FAILED  ] A.three, where GetParam() = 5
"""
GTEST_GOOD = "[==========] Running 2 tests from 1 test suite.\n[       OK ] A.one (0 ms)\n[       OK ] A.two (1 ms)\n"
UNITTEST = "test_a (X.test_a) ... ok\n\nRan 5 tests in 0.1s\n\nFAILED (failures=1, errors=1, skipped=1)\n"
CHECK = "75%: Checks: 4, Failures: 1, Errors: 0\n"


class Cases(unittest.TestCase):
    def count(self, result, output):
        return count.cases({"result": result, "stdout": output})

    def test_gtest(self):
        self.assertEqual(self.count("OK", GTEST_GOOD), (2, 0, 0))
        self.assertEqual(self.count("FAIL", GTEST), (1, 1, 1))

    def test_check(self):
        self.assertEqual(self.count("FAIL", CHECK), (3, 1, 0))
        self.assertEqual(self.count("OK", "100%: Checks: 4, Failures: 0, Errors: 0\n"), (4, 0, 0))

    def test_unittest(self):
        self.assertEqual(self.count("FAIL", UNITTEST), (2, 2, 1))
        self.assertEqual(self.count("OK", "Ran 1 test in 0.1s\n\nOK\n"), (1, 0, 0))

    def test_plain(self):
        self.assertEqual(self.count("OK", ""), (1, 0, 0))
        self.assertEqual(self.count("FAIL", "x"), (0, 1, 0))
        self.assertEqual(self.count("SKIP", ""), (0, 0, 1))

    def test_a_crash_after_good_cases_is_a_failure(self):
        self.assertEqual(self.count("ERROR", GTEST_GOOD), (2, 1, 0))
        self.assertEqual(self.count("TIMEOUT", GTEST_GOOD), (2, 1, 0))
        self.assertEqual(self.count("INTERRUPT", ""), (0, 1, 0))


if __name__ == "__main__":
    unittest.main()
