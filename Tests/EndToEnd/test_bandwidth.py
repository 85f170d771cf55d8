"""Limits of bandwidth: a mirror takes the time it must, and another limit acts at once."""
import os
import threading
import time

import trees
from lab import LabTest, wait_until

MEGABYTE = 1_000_000
RATE = 10 * MEGABYTE
SIZE = 40 * MEGABYTE


class Limits(LabTest):
    alone = True  # it measures time
    mirrors = 1

    def publish(self, seed, size=SIZE):
        source = self.fleet.scratch("source")
        trees.random_file(os.path.join(source, "image"), size, seed=trees.SEED + seed)
        self.fleet("publish", "iso", source)
        return source

    def sync(self, source):
        """How long the agent itself took, without what the command waits for before and after."""
        outcome = self.fleet("sync", "iso", "--wait", "--timeout", "120s", "-o", "json").json
        self.assertServed(source, "iso")
        return next(s["seconds"] for s in outcome["mirrors"][0]["sets"] if s["name"] == "iso")

    def limit(self, host, ceilings):
        """Gives a host the ceilings in its agent.yaml."""
        path = self.fleet.host(host, "agent.yaml")
        with open(path) as file:
            lines = [line for line in file.read().splitlines() if not line.startswith("bandwidth:")]
        with open(path, "w") as file:
            file.write("\n".join(lines + [f"bandwidth: {ceilings}", ""]))
        self.fleet.lab("stop", host)
        self.fleet.lab("start", host)

    def row(self, host):
        return next(row for row in self.fleet("bandwidth", "-o", "json").json["mirrors"] if row["name"] == host)

    def assertTakes(self, took, what):
        ideal = SIZE / RATE
        print(f"\n    {what}: {took:.2f} s, {took / ideal:.3f} of what the limit wants", end="")
        # A burst and a window come at once; the flip and a busy machine come on top.
        self.assertGreater(took, ideal * 0.95)
        self.assertLess(took, ideal * 1.05 + 0.5)

    def test_a_mirror_takes_the_time_that_its_limit_or_its_source_wants(self):
        self.limit("m1", "{down: 10MB}")
        self.assertEqual(self.row("m1").get("down"), RATE)
        self.assertTakes(self.sync(self.publish(1)), "a mirror that may receive 10 MB/s")
        self.assertTakes(self.sync(self.publish(2)), "the same again")
        self.limit("m1", "{}")
        self.limit("origin", "{up: 80mbit}")
        self.assertTakes(self.sync(self.publish(3)), "an origin that may send 10 MB/s")
        self.assertIn("10.0 MB/s", self.fleet("bandwidth").out)

    def test_an_operators_word_acts_in_mid_transfer(self):
        self.fleet("mirror", "limit", "m1", "--down", "2MB", "--for", "1h")
        wait_until(lambda: self.row("m1").get("down") == 2 * MEGABYTE, "m1 has its limit")
        source = self.publish(5)
        finished = []
        thread = threading.Thread(target=lambda: finished.append(self.sync(source)))
        thread.start()
        # The slow part is the input of this test, not a wait.
        time.sleep(3)
        self.assertEqual(finished, [])
        self.fleet("mirror", "limit", "m1")
        changed = time.monotonic()
        thread.join(60)
        took = time.monotonic() - changed
        print(f"\n    without the limit: {took:.2f} s", end="")
        self.assertLess(took, 6)

    def test_another_limit_in_fleet_yaml_acts_in_mid_transfer(self):
        self.fleet.reconfigure(
            ("\nmirrors:\n", "\nbandwidth: {profiles: {slow: [{up: 2MB}], fast: [{up: 100MB}]}}\n\nmirrors:\n"),
            ("role: origin,", "role: origin, bandwidth: slow,"))
        wait_until(lambda: self.row("origin").get("up") == 2 * MEGABYTE, "the origin has its limit")
        source = self.publish(4)
        finished = []
        thread = threading.Thread(target=lambda: finished.append(self.sync(source)))
        thread.start()
        # The slow part is the input of this test, not a wait.
        time.sleep(3)
        self.assertEqual(finished, [])
        self.fleet.reconfigure(("bandwidth: slow,", "bandwidth: fast,"))
        changed = time.monotonic()
        thread.join(60)
        took = time.monotonic() - changed
        print(f"\n    after the change: {took:.2f} s; at the old limit it would have been {(SIZE - 6e6) / 2e6:.0f}", end="")
        self.assertLess(took, 6)
