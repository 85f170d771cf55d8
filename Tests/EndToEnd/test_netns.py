"""A lab whose hosts are in network namespaces with links of their own: rates, regions, and that nothing is left."""
import os
import subprocess
import tempfile
import time
import unittest

import namespaces
import trees
from lab import FLEETCTL, Lab, LabTest, run

SIZE = 5_000_000
# What protocols and headers may add to the bytes of a set on a link, and reports of a second or so.
OVERHEAD = 1.12


class Namespaces(LabTest):
    alone = True  # it measures time

    def setUp(self):
        reason = namespaces.missing()
        if reason:
            self.skipTest(reason)
        # Tests run beside other labs, and the names are those of the whole machine.
        self.prefix = f"t{os.getpid() % 10_000_000}"
        self.addCleanup(self.remove_namespaces)

    def remove_namespaces(self):
        for name in namespaces.names(self.prefix):
            subprocess.run(["ip", "netns", "delete", name], check=True)

    def up(self, mirrors, *options):
        self.fleet = Lab(mirrors, ["--netns", "--netns-prefix", self.prefix, *options])
        self.addCleanup(self.close)

    def publish_and_sync(self, seed):
        """How long a sync of new content took."""
        source = self.fleet.scratch("source")
        trees.random_file(os.path.join(source, "image"), SIZE, seed=trees.SEED + seed)
        self.fleet("publish", "iso", source)
        began = time.monotonic()
        self.fleet("sync", "iso", "--wait", "--timeout", "60s")
        took = time.monotonic() - began
        self.assertServed(source, "iso")
        return took

    def link(self, name):
        return namespaces.counters(f"{self.prefix}-switch")[name]

    def test_two_mirrors_in_two_regions_sync_at_the_rates_of_their_links(self):
        self.up(2, "--rate", "80mbit", "--regions", "2", "--region-rate", "16mbit")
        self.assertEqual([f"{self.prefix}-{host}" for host in ("coordinator", "m1", "m2", "origin", "switch")],
                         namespaces.names(self.prefix))
        with open(self.fleet.fleet) as file:
            text = file.read()
        self.assertIn("name: m1, region: lab-1", text)
        self.assertIn("name: m2, region: lab-2", text)
        before = self.link("to2")[0]
        took = self.publish_and_sync(1)
        crossed = self.link("to2")[0] - before
        ideal = SIZE * 8 / 16e6
        print(f"\n    {took:.2f} s, the region's link alone takes {ideal:.2f}; {crossed / SIZE:.3f} of the set crossed it", end="")
        self.assertGreater(took, ideal * 0.95)
        self.assertLess(crossed / SIZE, OVERHEAD)
        self.assertGreaterEqual(crossed, SIZE)
        # Hosts come and go in their namespaces.
        self.fleet.lab("stop", "m1")
        self.fleet.lab("start", "m1")
        self.publish_and_sync(2)
        self.fleet.lab("down")
        self.assertEqual(namespaces.names(self.prefix), [])
        self.assertFalse(os.path.exists(f"/sys/class/net/{self.prefix}-root"))
        # The lab can go on: its network is made again.
        self.fleet.lab("start")
        self.publish_and_sync(3)
        self.fleet.lab("down", "--purge")
        self.assertEqual(namespaces.names(self.prefix), [])

    def test_what_a_crash_left_is_cleared_away_and_nothing_else(self):
        def call(*command):
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        for name in ("origin", "m7", "switch", "web"):
            call("ip", "netns", "add", f"{self.prefix}-{name}")
        call("ip", "link", "add", f"{self.prefix}-root", "type", "veth", "peer", "name", "root", "netns",
             f"{self.prefix}-switch")
        self.up(1)
        self.assertEqual([f"{self.prefix}-{name}" for name in ("coordinator", "m1", "origin", "switch", "web")],
                         namespaces.names(self.prefix))
        self.publish_and_sync(4)
        # A second lab with the same names would take the first one's network away.
        with tempfile.TemporaryDirectory() as other:
            finished = run("lab", "up", "--dir", os.path.join(other, "lab"), "--netns", "--netns-prefix", self.prefix,
                           expect=4)
        self.assertIn("processes run in the network namespace", finished.err)
        self.assertIn("--netns-prefix", finished.err)
        self.publish_and_sync(5)
        self.fleet.lab("down")
        self.assertEqual(namespaces.names(self.prefix), [f"{self.prefix}-web"])


class Refused(unittest.TestCase):
    def test_options_that_make_no_sense_are_refused(self):
        for options in [["--rate", "100mbit"], ["--netns", "--rate", "100"], ["--netns", "--rate", "1bit"],
                        ["--netns", "--up-rates", "1mbit,,"], ["--netns", "--region-rate", "20mbit"],
                        ["--netns", "--regions", "0"], ["--netns", "--regions", "4"], ["--netns", "--ipv6"],
                        ["--netns", "--netns-prefix", "elevenchars"], ["--netns", "--netns-prefix", "A"]]:
            run("lab", "up", "--dir", "/tmp/never-made", *options, expect=64)
            self.assertFalse(os.path.exists("/tmp/never-made"))

    def test_who_is_not_root_is_told_so(self):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o777)
            command = [FLEETCTL, "lab", "up", "--dir", os.path.join(folder, "lab"), "--netns"]
            nobody = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
            try:
                done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, cwd=folder, **nobody)
            except PermissionError:
                self.skipTest(f"somebody who is not root may not read {FLEETCTL}")
            self.assertEqual(done.returncode, 64, done)
            self.assertIn("--netns needs root", done.stderr.decode())
            self.assertEqual(os.listdir(folder), [])


if __name__ == "__main__":
    unittest.main()
