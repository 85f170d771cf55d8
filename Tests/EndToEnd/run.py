#!/usr/bin/env python3
"""Runs the end-to-end tests: the real programs on real files, every process on loopback.

    FLEET_BIN=.build/release python3 Tests/EndToEnd/run.py [PATTERN...]

Needs only Python's standard library. Each test makes its own lab in a temporary folder and ends it, so two classes of
tests run side by side: most of a test's time is waiting. A class that measures time, or sees what the whole machine does,
says `alone = True` and runs when nothing else does. FLEET_LANES=1 runs all of them one after the other.
FLEET_KEEP=1 keeps the folders; FLEET_LONG=1 runs more rounds.
"""
import concurrent.futures
import os
import re
import subprocess
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
LANES = int(os.environ.get("FLEET_LANES", 2))
COUNTS = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.MULTILINE)


class Result(unittest.TextTestResult):
    """Prints how long each test took: a slow test is a defect someone should see."""

    def startTest(self, test):
        self.began = time.monotonic()
        super().startTest(test)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.stream.writeln(f"    {time.monotonic() - self.began:.1f} s")


def found(patterns):
    """The tests whose names have one of the patterns (none: all), by class."""
    classes = {}
    for module in sorted(name[:-3] for name in os.listdir(HERE) if name.startswith("test_")):
        for group in unittest.defaultTestLoader.loadTestsFromName(module):
            for test in group:
                if not patterns or any(pattern in test.id() for pattern in patterns):
                    classes.setdefault(type(test), []).append(test)
    return classes


def run_here(tests):
    """Runs tests in this process; how many passed, failed and were skipped."""
    result = unittest.TextTestRunner(verbosity=2, resultclass=Result).run(unittest.TestSuite(tests))
    failed, skipped = len(result.failures) + len(result.errors), len(result.skipped)
    return max(0, result.testsRun - failed - skipped), failed, skipped


def run_apart(tests, printing):
    """Runs the tests of one class in a process of their own, and prints what it said when it ends."""
    names = [test.id() for test in tests]
    done = subprocess.run([sys.executable, os.path.abspath(__file__), "--here", *names], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    counts = COUNTS.findall(done.stdout)
    with printing:
        print(COUNTS.sub("", done.stdout).rstrip() + "\n", flush=True)
    if counts:
        return tuple(map(int, counts[-1]))
    print(f"{names[0].rsplit('.', 1)[0]} ended with {done.returncode} and no result", flush=True)
    return 0, len(tests), 0


def run_all(classes):
    """Runs every class, those that need the machine for themselves at the end."""
    printing = threading.Lock()
    # The largest first, or one lane would be left with it at the end.
    shared = sorted((tests for kind, tests in classes.items() if not getattr(kind, "alone", False)), key=len, reverse=True)
    with concurrent.futures.ThreadPoolExecutor(LANES) as lanes:
        results = list(lanes.map(lambda tests: run_apart(tests, printing), shared))
    results += [run_apart(tests, printing) for kind, tests in classes.items() if getattr(kind, "alone", False)]
    return results


def main():
    sys.path.insert(0, HERE)
    arguments = sys.argv[1:]
    if arguments[:1] == ["--here"]:
        results = [run_here(unittest.defaultTestLoader.loadTestsFromNames(arguments[1:]))]
    else:
        classes = found(arguments)
        one = LANES < 2 or len(classes) < 2
        results = [run_here([test for tests in classes.values() for test in tests])] if one else run_all(classes)
    passed, failed, skipped = map(sum, zip(*results)) if results else (0, 0, 0)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed or not passed + skipped else 0)


if __name__ == "__main__":
    main()
