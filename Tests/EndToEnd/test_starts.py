"""What a start costs does not grow with what the store holds."""
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time
import unittest

import trees
from lab import BIN, LONG, LabTest, wait_until

CALLS = "openat,openat2,newfstatat,statx,getdents64,renameat,renameat2,unlinkat,linkat,mkdirat,pread64,pwrite64,fsync,fdatasync,syncfs"


class Starts(LabTest):
    mirrors = 1

    def start(self, *before):
        """Starts the origin's agent by itself, after `before`; seconds until it is ready."""
        home = self.fleet.host("origin")
        ready = os.path.join(home, "starts.ready")
        if os.path.exists(ready):
            os.unlink(ready)
        began = time.monotonic()
        process = subprocess.Popen([*before, os.path.join(BIN, "fleet-agent"), "--config", "agent.yaml", "--ready-file", ready],
                                   cwd=home, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   start_new_session=True)
        wait_until(lambda: os.path.exists(ready), "the agent is ready")
        seconds = time.monotonic() - began
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)
        return seconds

    def calls(self):
        """System calls on files until it is ready."""
        trace = os.path.join(self.fleet.folder, "trace")
        self.start("strace", "-f", "-qq", "-e", f"trace={CALLS}", "-o", trace)
        with open(trace, errors="replace") as file:
            lines = file.read().splitlines()
        ready = next(n for n, line in enumerate(lines) if "starts.ready" in line)
        return len([line for line in lines[:ready] if re.match(r"\d+ +\w+\(", line)])

    def publish(self, count, folder):
        source = self.fleet.scratch("source")
        trees.many_files(os.path.join(source, folder), count, low=10, high=60, seed=count)
        self.fleet("publish", "debian", source, timeout=3_600)
        self.fleet.lab("stop", "origin")
        # The database's log, at most 64 MiB whatever the store holds, is read at a start: not what is counted here.
        database = sqlite3.connect(self.fleet.host("origin", "srv", ".store", "store.db"))
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()

    @unittest.skipIf(shutil.which("strace") is None, "no strace")
    def test_a_start_makes_as_many_system_calls_with_five_times_the_files(self):
        self.publish(2_000, "a")
        few = self.calls()
        self.fleet.lab("start", "origin")
        self.publish(10_000, "b")
        many = self.calls()
        print(f"\n    system calls on files until ready: {few} with 2,000 files, {many} with 12,000")
        self.assertLess(many, few + max(50, few // 10))

    @unittest.skipUnless(LONG, "FLEET_LONG is not set")
    def test_a_store_of_a_million_files_is_ready_in_a_second(self):
        self.publish(1_000_000, "million")
        seconds = sorted(self.start() for _ in range(5))
        print(f"\n    ready after {seconds[2]:.2f} s (median of 5; longest {seconds[-1]:.2f})")
        self.assertLess(seconds[2], 1.0)
