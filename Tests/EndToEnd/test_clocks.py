"""A host whose clock is wrong: it serves on, takes nothing that has expired, and is in step again when the clock is right."""
import os

from lab import wait_until, write
from skewed import DAY, SkewedTest


class Clocks(SkewedTest):
    mirrors = 2

    def setUp(self):
        super().setUp()
        self.source = self.fleet.scratch("source")
        self.publish(1)
        self.fleet("sync", "--wait")

    def publish(self, number):
        write(os.path.join(self.source, "a"), b"release %d" % number, modified=1_700_000_000 + number)
        self.fleet("publish", "debian", self.source)

    def problems(self):
        return [(p.get("mirror"), p["code"]) for p in self.fleet.status()["problems"]]

    def test_ahead_nothing_new_is_taken_and_all_is_served(self):
        self.set_clock(40 * DAY)
        self.start("m1")
        wait_until(lambda: ("m1", "freshness-expired") in self.problems(), "m1 says that nothing is fresh")
        self.assertServed(self.source)
        before = self.fleet.served("m1")
        self.publish(2)
        self.fleet("sync", "debian", "--mirror", "m2", "--wait")
        failed = self.fleet("sync", "debian", "--mirror", "m1", "--wait", "--timeout", "5s", expect=3)
        self.assertIn("expired at", failed.out + failed.err + self.fleet.log("m1"))
        self.assertEqual(before, self.fleet.served("m1"))
        # The clock is put right: no restart, no command.
        self.set_clock(0)
        wait_until(lambda: self.fleet.mirror("m1", "debian")["sequence"] == 2, "m1 is in step")
        wait_until(lambda: not self.problems(), "nothing is wrong any more")
        self.assertServed(self.source)
        # Behind, within what certificates allow: nothing is held up, and nothing old counts again.
        self.set_clock(-50 * 60)
        self.publish(3)
        self.fleet("sync", "debian", "--wait")
        self.assertServed(self.source)
