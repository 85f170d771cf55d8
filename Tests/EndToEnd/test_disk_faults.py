"""Errors of the disk at each kind of write of a running agent: the old release stays served, the error is told in
words, nothing is left behind, and the next sync or publish converges. Calls are made to fail with strace."""
import os
import shutil
import subprocess
import unittest

import trees
from lab import LONG, LabTest, listing, wait_until, write

CALLS = ["pwrite64", "fallocate", "renameat2,renameat,rename", "syncfs", "fdatasync,fsync", "linkat", "mkdirat", "openat2",
         "utimensat", "symlinkat"]
ERRORS = ["ENOSPC", "EDQUOT", "EIO", "EROFS"]
if LONG:
    FAULTS = [(call, error) for call in CALLS for error in ERRORS]
else:
    FAULTS = [("pwrite64", "ENOSPC"), ("syncfs", "EIO"), ("linkat", "EDQUOT"), ("fdatasync,fsync", "EIO")]


@unittest.skipUnless(shutil.which("strace"), "strace is not installed")
class DiskFaults(LabTest):
    mirrors = 1

    def broken(self, name, calls, error):
        """strace on an agent: the first calls of each thread fail."""
        trace = os.path.join(self.fleet.folder, "trace")
        process = subprocess.Popen(
            ["strace", "-f", "-qq", "-o", trace, "-e", f"trace={calls}", "-e", f"inject={calls}:error={error}:when=1..3",
             "-p", str(self.fleet.pid(name))], stderr=subprocess.DEVNULL)
        tasks = f"/proc/{self.fleet.pid(name)}/task"
        wait_until(lambda: process.poll() is not None or all(
            "TracerPid:\t0" not in open(f"{tasks}/{task}/status").read() for task in os.listdir(tasks)), "strace is there")
        self.assertIsNone(process.poll(), "strace cannot trace here")
        self.addCleanup(lambda: process.poll() is None and process.kill())
        return process, trace

    def change(self, source, number):
        trees.random_file(os.path.join(source, "large"), 2_000_000, seed=number)
        write(os.path.join(source, f"d{number}", "small"), b"%d" % number * 500)

    def test_errors_of_a_mirrors_disk(self):
        source = self.fleet.scratch("source")
        trees.many_files(source, 100)
        self.fleet("publish", "debian", source)
        self.fleet("sync", "--wait")
        for number, (calls, error) in enumerate(FAULTS):
            with self.subTest(calls=calls, error=error):
                before = listing(self.fleet.served("m1"))
                self.change(source, number)
                self.fleet("publish", "debian", source)
                process, trace = self.broken("m1", calls, error)
                failed = self.fleet("sync", "--wait", "--timeout", "5s", expect=None)
                process.terminate()
                process.wait(30)
                with open(trace, errors="replace") as file:
                    self.assertIn("INJECTED", file.read(), "the call was never made")
                self.assertIn(failed.code, (0, 3), failed)
                self.assertIn(listing(self.fleet.served("m1")), (before, listing(source)), "a torn tree is served")
                self.fleet("sync", "--wait")
                self.assertServed(source)
                self.assertEqual(os.listdir(self.fleet.host("m1", "srv", ".store", "staging")), [])
        self.fleet("collect", "m1")
        self.assertRegex(self.fleet("collect", "m1").out, "freed 0 B: 0 releases, 0 blobs, 0 files")
        self.fleet("verify", "m1")

    def test_errors_of_an_origins_disk(self):
        source = self.fleet.scratch("source")
        trees.many_files(source, 100)
        self.fleet("publish", "debian", source)
        for number, (calls, error) in enumerate(FAULTS[:None if LONG else 2]):
            with self.subTest(calls=calls, error=error):
                before = listing(self.fleet.served("origin"))
                self.change(source, number)
                process, trace = self.broken("origin", calls, error)
                failed = self.fleet("publish", "debian", source, expect=None)
                process.terminate()
                process.wait(30)
                if failed.code != 0:
                    self.assertRegex(failed.err, error + "|disk|space|read-only")
                    self.assertEqual(listing(self.fleet.served("origin")), before)
                self.fleet("publish", "debian", source)
                self.assertServed(source, mirrors=["origin"])
        self.fleet("verify", "origin")
