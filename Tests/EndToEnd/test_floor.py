"""A mirror without state asks its peers for the newest release that they serve before it serves its first."""
import os

from lab import LabTest, wait_until, write


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
