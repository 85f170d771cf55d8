"""A release spreads among the mirrors while they fetch it: what the origin sends, and hosts that fail meanwhile."""
import os
import signal
import subprocess
import time

import namespaces
import trees
from lab import FLEETCTL, Lab, LabTest, wait_until

MIRRORS = 4
RATE = 40
SIZE = 16_000_000
# What the links take for one copy.
IDEAL = SIZE * 8 / (RATE * 1e6)
# Protocols, headers, manifests, reports.
OVERHEAD = 1.15


class Swarm(LabTest):
    def setUp(self):
        reason = namespaces.missing()
        if reason:
            self.skipTest(reason)
        self.prefix = f"s{os.getpid() % 10_000_000}"
        self.fleet = Lab(MIRRORS, ["--netns", "--netns-prefix", self.prefix, "--rate", f"{RATE}mbit"])
        self.addCleanup(self.close)

    def sent_by_origin(self):
        return namespaces.counters(f"{self.prefix}-origin")["e0"][0]

    def publish(self, seed, size=SIZE):
        source = self.fleet.scratch("source")
        trees.random_file(os.path.join(source, f"image-{seed}"), size * 3 // 4, seed=trees.SEED + seed)
        for number in range(50):
            trees.random_file(os.path.join(source, f"small-{number}"), size // 200, seed=trees.SEED + seed * 100 + number)
        self.fleet("publish", "iso", source)
        return source

    def begin_sync(self):
        """A sync that goes on by itself."""
        process = subprocess.Popen([FLEETCTL, "-f", self.fleet.fleet, "sync", "iso", "--wait", "--timeout", "90s"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def wait_for_share(self, mirror, share):
        def reached():
            state = self.fleet.mirror(mirror, "iso")
            progress = state.get("progress") or {}
            return progress.get("bytesDone", 0) >= share * SIZE
        wait_until(reached, f"{mirror} has {share:.0%} of the set")

    def test_the_origin_sends_each_byte_about_once(self):
        for (seed, size) in ((1, SIZE), (2, SIZE // 4)):
            before = self.sent_by_origin()
            source = self.publish(seed, size)
            began = time.monotonic()
            outcome = self.fleet("sync", "iso", "--wait", "--timeout", "60s", "-o", "json").json
            took = time.monotonic() - began
            self.assertServed(source, "iso")
            release = outcome["releases"][0]
            on_the_wire = (self.sent_by_origin() - before) / size
            print(f"\n    {took:.2f} s, the link takes {size * 8 / RATE / 1e6:.2f} for one copy; the origin sent "
                  f"{release['originCopies']:.3f} copies, {on_the_wire:.3f} on the wire", end="")
            self.assertLess(release["originCopies"], OVERHEAD)
            # Beside the set itself a few hundred kilobytes of manifests, plans and reports for all mirrors.
            self.assertLess(on_the_wire, OVERHEAD + 600_000 / size)
            # From the origin alone it would be as many copies as there are mirrors.
            self.assertLess(took, MIRRORS / 2 * IDEAL)
            for mirror in outcome["mirrors"]:
                others = [name for name in mirror["bytesBySource"] if name != "origin"]
                self.assertGreaterEqual(len(others), 2, mirror)
        log = self.fleet.log("origin")
        self.assertIn("a release was given to the swarm", log)

    def test_mirrors_that_die_and_stall_hold_up_nobody(self):
        source = self.publish(3)
        process = self.begin_sync()
        self.wait_for_share("m1", 0.25)
        self.fleet.lab("kill", "m4")
        stopped = self.fleet.pid("m3")
        os.kill(stopped, signal.SIGSTOP)
        self.addCleanup(os.kill, stopped, signal.SIGCONT)
        for name in ("m1", "m2"):
            wait_until(lambda: self.fleet.mirror(name, "iso")["sequence"] == 1, f"{name} serves the release")
        self.assertServed(source, "iso", ["m1", "m2"])
        os.kill(stopped, signal.SIGCONT)
        self.fleet.lab("start", "m4")
        process.wait()
        self.fleet("sync", "iso", "--wait", "--timeout", "60s")
        self.assertServed(source, "iso")

    def test_a_mirror_that_gives_wrong_bytes_is_left_out_and_nothing_of_it_is_kept(self):
        self.fleet.lab("stop", "m3", "m4")
        source = self.publish(5)
        self.fleet("sync", "iso", "--wait", "--timeout", "60s", "--mirror", "m1", "--mirror", "m2")
        bad = os.path.join(self.fleet.served("m1", "iso"), "image-5")
        before = os.stat(bad)
        with open(bad, "r+b") as file:
            for place in range(0, before.st_size, 16 << 10):
                file.seek(place)
                byte = file.read(1)
                file.seek(place)
                file.write(bytes([byte[0] ^ 1]))
        os.utime(bad, ns=(before.st_atime_ns, before.st_mtime_ns))
        self.fleet.lab("start", "m3", "m4")
        self.fleet("sync", "iso", "--wait", "--timeout", "60s", "--mirror", "m3", "--mirror", "m4")
        self.assertServed(source, "iso", ["m2", "m3", "m4"])
        left_out = [name for name in ("m3", "m4") if "a mirror is left out of swarms" in self.fleet.log(name)]
        self.assertTrue(left_out)
        for name in left_out:
            self.assertRegex(self.fleet.log(name), 'a mirror is left out of swarms".*peer=m1')
            self.assertTrue(os.path.exists(self.fleet.host(name, "srv", ".store", "reputation")))
        problems = [problem for problem in self.fleet.status()["problems"] if problem["code"] == "wrong-bytes"]
        self.assertEqual({problem["mirror"] for problem in problems}, set(left_out))

    def test_an_origin_that_comes_back_is_not_asked_for_what_mirrors_have(self):
        before = self.sent_by_origin()
        source = self.publish(4)
        process = self.begin_sync()
        self.wait_for_share("m1", 0.5)
        self.fleet.lab("kill", "origin")
        self.fleet.lab("start", "origin")
        process.wait()
        self.fleet("sync", "iso", "--wait", "--timeout", "60s")
        self.assertServed(source, "iso")
        copies = (self.sent_by_origin() - before) / SIZE
        print(f"\n    the origin, killed at half, sent {copies:.3f} copies on the wire", end="")
        self.assertLess(copies, 1.4)


if __name__ == "__main__":
    import unittest
    unittest.main()
