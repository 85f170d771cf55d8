#!/usr/bin/env python3
"""Runs the end-to-end tests: the real programs on real files, every process on loopback.

    FLEET_BIN=.build/release python3 Tests/EndToEnd/run.py [PATTERN...]

Needs only Python's standard library. Each test makes its own lab in a temporary folder and ends it.
FLEET_KEEP=1 keeps the folders; FLEET_LONG=1 runs more rounds.
"""
import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))


class Result(unittest.TextTestResult):
    """Prints how long each test took: a slow test is a defect someone should see."""

    def startTest(self, test):
        self.began = time.monotonic()
        super().startTest(test)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.stream.writeln(f"    {time.monotonic() - self.began:.1f} s")


def main():
    sys.path.insert(0, HERE)
    patterns = sys.argv[1:]
    suite = unittest.TestSuite()
    for module in sorted(name[:-3] for name in os.listdir(HERE) if name.startswith("test_")):
        loaded = unittest.defaultTestLoader.loadTestsFromName(module)
        for group in loaded:
            for test in group:
                if not patterns or any(pattern in test.id() for pattern in patterns):
                    suite.addTest(test)
    result = unittest.TextTestRunner(verbosity=2, resultclass=Result).run(suite)
    failed = len(result.failures) + len(result.errors)
    skipped = len(result.skipped)
    print(f"{result.testsRun - failed - skipped} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed or not result.testsRun else 0)


if __name__ == "__main__":
    main()
