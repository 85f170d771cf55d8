"""Bytes that rot on a mirror: found, not served, never passed on, healed as a new inode."""
import os

import trees
from lab import LabTest, wait_until


def flip_byte(path, offset):
    """Changes one byte in place and puts the times back, as a rotting disk would."""
    seen = os.lstat(path)
    os.chmod(path, 0o644)
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)
        file.seek(offset)
        file.write(bytes([byte[0] ^ 0x40]))
    os.chmod(path, seen.st_mode & 0o7777)
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))


class Damage(LabTest):
    victim = "pool/main/b/big.bin"

    def setUp(self):
        super().setUp()
        self.source = self.fleet.scratch("source")
        trees.odd_tree(self.source)
        self.fleet("publish", "debian", self.source)

    def test_a_rotten_file_is_named_taken_away_and_healed_by_the_next_sync(self):
        self.fleet("sync", "--wait")
        path = os.path.join(self.fleet.served("m1"), self.victim)
        inode = os.stat(path).st_ino
        self.fleet("verify", "m1", expect=0)
        flip_byte(path, 3_000_000)
        found = self.fleet("verify", "m1", expect=1)
        self.assertIn(self.victim, found.out + found.err)
        self.assertFalse(os.path.lexists(path), "wrong bytes are still served")
        self.assertEqual(self.fleet.mirror("m1")["state"], "failing")
        self.assertNotEqual(self.fleet("check", expect=None).code, 0)
        self.assertIn("m1", self.fleet("plan", "--detailed-exitcode", expect=2).out)
        self.fleet("sync", "--wait")
        self.assertServed(self.source)
        self.assertNotEqual(os.stat(os.path.join(self.fleet.served("m1"), self.victim)).st_ino, inode)
        self.assertEqual(self.fleet.mirror("m1")["state"], "in-sync")
        self.fleet("verify", "m1")

    def test_the_quick_sweep_finds_a_file_that_is_gone_or_short(self):
        self.fleet("sync", "--wait")
        path = os.path.join(self.fleet.served("m1"), self.victim)
        os.truncate(path, 1_000)
        found = self.fleet("verify", "m1", "--quick", expect=1)
        self.assertIn(self.victim, found.out + found.err)
        self.fleet("sync", "--wait")
        self.assertServed(self.source)

    def test_wrong_bytes_from_a_source_are_named_and_never_stored(self):
        self.fleet("sync", "--mirror", "m1", "--wait")
        flip_byte(os.path.join(self.fleet.served("m1"), self.victim), 3_000_000)
        self.fleet.lab("stop", "origin")
        wait_until(lambda: self.fleet.mirror("origin")["state"] in ("stale", "down"), "the origin is seen to be away")
        self.fleet("sync", "--mirror", "m2", "--wait", "--timeout", "5s", expect=3)
        self.assertFalse(os.path.lexists(self.fleet.host("m2", "srv", "debian")), "m2 serves wrong bytes")
        self.assertIn("wrong bytes", self.fleet.log("m2"))
        self.assertIn("m1 sent m2 wrong bytes", str(self.fleet.status()["problems"]))
        self.fleet.lab("start", "origin")
        self.fleet("sync", "--mirror", "m2", "--mirror", "m3", "--wait", "--timeout", "60s")
        self.assertServed(self.source, mirrors=["m2", "m3"])

    def test_a_link_moved_by_hand_shows_in_status(self):
        self.fleet("sync", "--wait")
        os.remove(os.path.join(self.source, "empty"))
        self.fleet("publish", "debian", self.source)
        self.fleet("sync", "--wait")
        link = self.fleet.host("m1", "srv", "debian")
        first = os.path.join(os.path.dirname(os.readlink(link)), "1")
        os.symlink(first, link + ".new")
        os.rename(link + ".new", link)
        wait_until(lambda: self.fleet.mirror("m1", "debian")["sequence"] == 1, "status shows release 1 on m1", 30)
        self.fleet("sync", "--wait")
        self.assertServed(self.source)
