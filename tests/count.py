#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Counts the single test cases in meson's testlog.json and prints `N passed, N failed[, N skipped]`.

A test that says how many cases it had (GoogleTest, Check, Python's unittest on stdout) counts for that many, any other
for one. What meson calls a failure (a crash, a time-out) counts as at least one failed case, whatever the test printed
before.
"""
import json
import re
import sys

PASSED = {"OK", "EXPECTEDFAIL"}
SKIPPED = {"SKIP"}


def gtest_cases(output):
    if "[==========] Running" not in output:
        return None
    passed = len(re.findall(r"^\[       OK \] ", output, re.M))
    skipped = len(re.findall(r"^\[  SKIPPED \] \S+ \(\d+ ms\)", output, re.M))
    failed = len(re.findall(r"^\[  FAILED  \] .* \(\d+ ms\)", output, re.M))
    return passed, failed, skipped


def check_cases(output):
    lines = re.findall(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)", output, re.M)
    if not lines:
        return None
    total, failures, errors = (sum(int(line[i]) for line in lines) for i in range(3))
    return total - failures - errors, failures + errors, 0


def unittest_cases(output):
    ran = re.search(r"^Ran (\d+) tests? in ", output, re.M)
    if not ran:
        return None
    end = output[ran.end():]
    failures, errors, skipped = (sum(map(int, re.findall(rf"\b{what}=(\d+)", end)))
                                 for what in ("failures", "errors", "skipped"))
    return int(ran[1]) - failures - errors - skipped, failures + errors, skipped


def cases(test):
    output = test.get("stdout") or ""
    counted = gtest_cases(output) or check_cases(output) or unittest_cases(output)
    if test["result"] in SKIPPED:
        return 0, 0, max(1, counted[2] if counted else 1)
    if test["result"] in PASSED:
        return counted or (1, 0, 0)
    passed, failed, skipped = counted or (0, 0, 0)
    return passed, max(1, failed), skipped


def main():
    passed = failed = skipped = 0
    try:
        with open(sys.argv[1], encoding="utf-8") as log:
            results = [cases(json.loads(line)) for line in log if line.strip()]
    except FileNotFoundError:
        sys.exit("count: no test ran")
    for one in results:
        passed, failed, skipped = passed + one[0], failed + one[1], skipped + one[2]
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
