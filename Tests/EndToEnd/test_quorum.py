"""A release is served once enough mirrors hold it: with a coordinator, without one, and never for ever without a word."""
import os

from lab import LabTest, wait_until, write


class Quorum(LabTest):
    mirrors = 3

    def setUp(self):
        super().setUp()
        self.source = self.fleet.scratch("source")
        write(os.path.join(self.source, "a"), os.urandom(300_000))
        write(os.path.join(self.source, "bad"), b"bad")

    def serves(self, name):
        return os.path.exists(self.fleet.host(name, "srv", "debian"))

    def receipts(self, name):
        progress = self.fleet.mirror(name, "debian")["progress"] or {}
        return progress.get("receipts")

    def test_nobody_serves_before_enough_mirrors_hold_it(self):
        self.fleet("trust", "policy", "debian", "--flip-quorum", "4", expect=4)
        self.fleet("trust", "policy", "debian", "--flip-quorum", "3")
        self.fleet("publish", "debian", self.source)
        refused = self.fleet("sync", "debian", "--mirror", "m1", "--mirror", "m2", "--wait", expect=3)
        self.assertIn("3 mirrors must hold debian 1 before one serves it, and 2 mirrors would", refused.out + refused.err)
        # m3 gets nothing for now: the others have everything, say so, and wait.
        self.fleet("mirror", "limit", "m3", "--down", "0")
        wait_until(lambda: 'msg="bandwidth limits"' in self.fleet.log("m3"), "m3 goes by its limit")
        self.fleet("sync", "debian")
        wait_until(lambda: self.receipts("m1") == {"have": 2, "need": 3} and
                   self.receipts("m2") == {"have": 2, "need": 3}, "m1 and m2 know of each other")
        self.assertIn("waiting for 2/3 receipts", self.fleet("status").out)
        self.assertFalse(self.serves("m1") or self.serves("m2"))
        self.assertEqual(self.fleet.status()["sets"][0]["trust"]["flipQuorum"], 3)
        self.fleet("mirror", "limit", "m3")
        self.fleet("sync", "debian", "--wait")
        self.assertServed(self.source)

    def test_a_lost_coordinator_holds_nobody_up_and_yanks_do_not_wait(self):
        self.fleet("publish", "debian", self.source)
        self.fleet("sync", "debian", "--wait")
        self.fleet("trust", "policy", "debian", "--flip-quorum", "3")
        write(os.path.join(self.source, "b"), b"two")
        self.fleet("publish", "debian", self.source)
        self.fleet("mirror", "limit", "m3", "--down", "0")
        wait_until(lambda: 'msg="bandwidth limits"' in self.fleet.log("m3"), "m3 goes by its limit")
        self.fleet("sync", "debian")
        wait_until(lambda: self.receipts("m1") == {"have": 2, "need": 3}, "m1 waits for m3")
        # A yanked path leaves what is served now, while the next release waits.
        said = self.fleet("yank", "debian", "bad", "--reason", "test")
        self.assertIn("every mirror of debian has said so", said.out)
        for name in self.fleet.mirrors:
            self.assertFalse(os.path.lexists(self.fleet.host(name, "srv", "debian", "bad")), name)
        self.assertIn("waiting for", self.fleet("status").out)
        # Started again, m3 knows of no limit any more, and of no plan: it follows what its neighbours greet with.
        self.fleet.lab("stop", "coordinator")
        self.fleet.lab("stop", "m3")
        self.fleet.lab("start", "m3")
        for name in self.fleet.mirrors:
            wait_until(lambda: os.path.exists(self.fleet.host(name, "srv", "debian", "b")), f"{name} serves release 2")
            self.assertFalse(os.path.lexists(self.fleet.host(name, "srv", "debian", "bad")))
