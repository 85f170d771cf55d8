"""Collection on real agents: what old releases alone named goes, from disk as well, and everything else stays served."""
import os
import signal
import threading

import trees
from lab import LONG, LabTest, write


class Collect(LabTest):
    mirrors = 1

    def setUp(self):
        super().setUp()
        # A tree keeps its release's content for as long as somebody may be in it.
        self.fleet.reconfigure(("{name: debian,", "{name: debian, linger: 0s,"))

    def publish(self, source, number):
        trees.random_file(os.path.join(source, "changing"), 3_000_000, seed=number)
        write(os.path.join(source, "kept"), b"kept" * 1_000, modified=1_600_000_000)
        self.fleet("publish", "debian", source)

    def blobs(self, name):
        return sum(len(files) for _, _, files in os.walk(self.fleet.host(name, "srv", ".store", "blobs")))

    def test_old_releases_are_collected_and_the_rest_is_served(self):
        source = self.fleet.scratch("source")
        for number in range(7):
            self.publish(source, number)
            self.fleet("sync", "--wait")
        # The agents collect by themselves, too: on a slow machine they may have been faster.
        before = self.blobs("m1")
        self.assertIn(before, (6, 7, 8))
        dry = self.fleet("collect", "m1", "--dry-run")
        self.assertRegex(dry.out, r"^m1: would free .*: [0-2] releases?, [0-2] blobs?, [0-2] files? in ")
        freed = self.fleet("collect")
        for name in ["origin", "m1"]:
            self.assertRegex(freed.out, rf"(?m)^{name}: freed .*: [0-2] releases?, [0-2] blobs?, [0-2] files? in ")
        for name in ["origin", "m1"]:
            self.assertEqual(self.blobs(name), 6)
        self.assertServed(source)
        self.fleet("verify")
        self.assertRegex(self.fleet("collect").out, r"(?m)^m1: freed 0 B: 0 releases, 0 blobs, 0 files in ")
        # Content that was collected comes back.
        self.publish(source, 0)
        self.fleet("sync", "--wait")
        self.assertServed(source)

    def test_kills_during_collections_lose_nothing(self):
        source = self.fleet.scratch("source")
        for number in range(12 if LONG else 5):
            for version in range(3):
                for file in range(60):
                    trees.random_file(os.path.join(source, f"f{file}"), 20_000, seed=number * 1_000 + version * 100 + file)
                self.fleet("publish", "debian", source)
            self.fleet("sync", "--wait")
            pid = self.fleet.pid("m1")
            # Not a wait for a state: the moment of the kill is the random input of this test.
            killer = threading.Timer(0.05 + 0.03 * number, lambda: os.kill(pid, signal.SIGKILL))
            killer.start()
            self.fleet("collect", "m1", expect=None)
            killer.join()
            self.fleet.lab("kill", "m1", expect=None)
            self.fleet.lab("start", "m1")
            self.assertServed(source)
        self.fleet("collect", "m1")
        self.fleet("verify", "m1")
        wanted = len(os.listdir(self.fleet.host("m1", "srv", ".releases", "debian"))) * 60
        self.assertLessEqual(self.blobs("m1"), wanted)
