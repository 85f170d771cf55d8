"""A mirror without state asks its peers for the newest release that they serve before it serves its first."""
import os
import re
import shutil

from lab import LabTest, listing, wait_until, write
from test_attacks import SET, Attacked


class Floor(LabTest):
    mirrors = 3

    def test_the_first_release_says_what_peers_serve(self):
        source = self.fleet.scratch("source")
        write(os.path.join(source, "a"), b"one")
        self.fleet("publish", "debian", source)
        self.fleet("sync", "debian", "--mirror", "m1", "--wait")
        floor = self.fleet.mirror("m1", "debian")["lastSync"]["floor"]
        self.assertEqual((floor["sequence"], floor["peers"]), (1, ["origin"]))
        self.fleet.lab("stop", "m3")
        self.fleet("sync", "debian", "--mirror", "m2", "--wait")
        floor = self.fleet.mirror("m2", "debian")["lastSync"]["floor"]
        self.assertEqual((floor["sequence"], floor["peers"], floor["answered"]), (1, ["m1", "origin"], 2))
        # Later releases ask for none.
        write(os.path.join(source, "a"), b"two")
        self.fleet("publish", "debian", source)
        self.fleet("sync", "debian", "--mirror", "m2", "--wait")
        self.assertNotIn("floor", self.fleet.mirror("m2", "debian")["lastSync"])


class FirstActivation(Attacked):
    """A mirror that has nothing, a coordinator that was taken over, and peers of which not all are honest."""

    def metadata(self):
        return self.fleet.host("m1", "srv", ".store", "metadata")

    def forget(self):
        """m1 as a host that has nothing but its keys."""
        self.plan([])
        self.fleet.lab("stop", "m1")
        shutil.rmtree(self.fleet.host("m1", "srv"))
        self.fleet.lab("start", "m1")

    def test_an_old_release_is_first_served_only_where_nobody_honest_can_be_asked(self):
        old = os.path.join(self.fleet.scratch("old"), "metadata")
        with open(self.metadata(), "rb") as file:
            write(old, file.read())
        self.release()
        self.fleet("sync", SET, "--wait")
        self.served = 2
        self.take_over_the_coordinator()
        # m2 is in the attacker's hands, too, and shows what was true before release 2. With no other peer m1 begins with
        # release 1, and says how many it asked.
        self.forget()
        with self.hostile("peer", "m2", "--fleet", self.fleet_name(), "--name", "m2", "--upstream", "origin",
                          "--address", self.address("origin"), "--file", old, "--change", "metadata=other"):
            since = len(self.fleet.log("m1"))
            self.plan([self.line(1, sources=["m2"])])
            self.expect_first(since, r"the floor before the first release.* answered=1 asked=1 floor=0 .*wanted=3", 1)
            # One honest peer beside it is enough.
            self.forget()
            since = len(self.fleet.log("m1"))
            self.plan([self.line(1, sources=["m2", "origin"])])
            self.expect_first(since, r"release 1 of debian is asked for, and .*origin.* serve 2", None)
        # What an honest plan says is served at once.
        self.plan([self.line(2)])
        wait_until(lambda: os.path.exists(self.fleet.host("m1", "srv", SET)), "m1 serves release 2")
        self.expect_served()

    def expect_first(self, since, pattern, number):
        """Waits for what the log says; then m1 serves release `number`, or nothing (None)."""
        wait_until(lambda: re.search(pattern, self.said(since)), f"{pattern!r} in the log of m1", deadline=40)
        path = self.fleet.host("m1", "srv", SET)
        if number is None:
            self.assertFalse(os.path.lexists(path))
        else:
            wait_until(lambda: os.path.exists(path), f"m1 serves release {number}")
            self.assertEqual(self.trees[number], listing(os.path.realpath(path)))
