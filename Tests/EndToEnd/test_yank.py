"""Emergency yanks: a path goes from every served tree at once, stays away, and comes back when it is unyanked."""
import os
import time

from lab import LabTest, signal_host, wait_until, write


class Yank(LabTest):
    mirrors = 2
    hosts = ["origin", "m1", "m2"]

    def setUp(self):
        super().setUp()
        self.source = self.fleet.scratch("source")
        for name in ["pool/a/bad.deb", "pool/a/good.deb", "pool/b/one", "pool/b/two", "top"]:
            write(os.path.join(self.source, name), os.urandom(3_000), modified=1_700_000_000)
        self.fleet("publish", "debian", self.source)
        self.fleet("sync", "debian", "--wait")

    def without(self, *paths):
        """A copy of the source without some paths; times of directories stay."""
        folder = self.fleet.scratch(f"without-{len(os.listdir(self.fleet.folder))}")
        os.system(f"cp -a {self.source}/. {folder}/")
        for path in paths:
            parent = os.path.dirname(os.path.join(folder, path))
            before = os.stat(parent).st_mtime
            os.system(f"rm -r {os.path.join(folder, path)}")
            os.utime(parent, (before, before))
        return folder

    def test_a_yanked_path_is_gone_everywhere_at_once_and_stays_away(self):
        began = time.monotonic()
        said = self.fleet("yank", "debian", "pool/a/bad.deb", "--reason", "CVE-2024-3094")
        self.assertLess(time.monotonic() - began, 10)
        self.assertIn("every mirror of debian has said so", said.out)
        expected = self.without("pool/a/bad.deb")
        self.assertServed(expected, mirrors=self.hosts)
        # It is no damage: nothing is found bad, and nothing is to be done.
        self.fleet("verify", "m1")
        self.assertEqual([], self.fleet.status()["problems"])
        # A release that has the path, made by edits or from scratch, does not bring it back.
        for number in range(3):
            write(os.path.join(self.source, f"more-{number}"), b"more", modified=1_700_000_000)
            # Its content changes, too, so that a tree that is edited is told to put it there.
            write(os.path.join(self.source, "pool/a/bad.deb"), os.urandom(3_000), modified=1_700_000_100 + number)
            self.fleet("publish", "debian", self.source)
            self.fleet("sync", "debian", "--wait")
        expected = self.without("pool/a/bad.deb")
        self.assertServed(expected, mirrors=self.hosts)
        # A directory, with all below it.
        self.fleet("yank", "debian", "pool/b", "--reason", "all of it")
        self.assertServed(self.without("pool/a/bad.deb", "pool/b"), mirrors=self.hosts)
        self.fleet("unyank", "debian", "pool/b")
        self.assertServed(expected, mirrors=self.hosts)
        self.fleet("unyank", "debian", "pool/a/bad.deb")
        self.assertServed(self.source, mirrors=self.hosts)
        write(os.path.join(self.source, "last"), b"last", modified=1_700_000_000)
        self.fleet("publish", "debian", self.source)
        self.fleet("sync", "debian", "--wait")
        self.assertServed(self.source, mirrors=self.hosts)

    def test_a_mirror_that_was_away_is_named_and_does_it_when_it_is_back(self):
        signal_host(self.fleet, "m2")
        said = self.fleet("yank", "debian", "top", "--reason", "wrong file", expect=3)
        self.assertIn("no word yet from m2", said.err)
        pending = [p["mirror"] for p in self.fleet.status()["problems"] if p["code"] == "yank-pending"]
        self.assertEqual(["m2"], pending)
        self.assertServed(self.without("top"), mirrors=["origin", "m1"])
        self.fleet.lab("start", "m2")
        wait_until(lambda: not os.path.exists(os.path.join(self.fleet.served("m2"), "top")), "m2 took it out")
        wait_until(lambda: not self.fleet.status()["problems"], "m2 said so")
        # With its tree gone, it is not put back by a repair either.
        self.fleet("sync", "debian", "--wait")
        self.assertServed(self.without("top"), mirrors=self.hosts)

    def test_without_the_coordinator_neighbours_tell_each_other(self):
        self.fleet.lab("kill", "coordinator")
        said = self.fleet("yank", "debian", "top", "--reason", "no coordinator")
        self.assertIn("who else has it is not known", said.err)
        for name in self.fleet.mirrors:
            path = os.path.join(self.fleet.served(name), "top")
            wait_until(lambda: not os.path.exists(path), f"{name} took it out", deadline=100)

    def test_hosts_whose_transfers_are_paused_do_it_at_once(self):
        write(os.path.join(self.source, "large"), os.urandom(200_000), modified=1_700_000_000)
        self.fleet("publish", "debian", self.source)
        limits = {"m1": "--down", "origin": "--up"}
        for name, direction in limits.items():
            self.fleet("mirror", "limit", name, direction, "0")
        for name in limits:
            wait_until(lambda: 'msg="bandwidth limits"' in self.fleet.log(name), f"{name} goes by its limit")
        self.fleet("sync", "debian")
        # m1 may take nothing of release 2, and m2 gets nothing from the origin.
        began = time.monotonic()
        said = self.fleet("yank", "debian", "top", "--reason", "test")
        self.assertLess(time.monotonic() - began, 10)
        self.assertIn("every mirror of debian has said so", said.out)
        for name in self.hosts:
            self.assertFalse(os.path.exists(os.path.join(self.fleet.served(name), "top")), name)
        for name in self.fleet.mirrors:
            self.assertFalse(os.path.exists(os.path.join(self.fleet.served(name), "large")), name)

    def test_mistakes_are_named(self):
        self.assertIn("nothing at pool/none", self.fleet("yank", "debian", "pool/none", "--reason", "x", expect=1).err)
        self.assertIn("is not yanked", self.fleet("unyank", "debian", "top", expect=1).err)
        self.assertIn("is no path", self.fleet("yank", "debian", "../etc", "--reason", "x", expect=64).err)
        os.rename(os.path.join(self.fleet.path, "trust", "keys", "set-debian.key"), self.fleet.scratch("away") + "/key")
        self.assertIn("--key", self.fleet("yank", "debian", "top", "--reason", "x", expect=4).err)
        self.assertServed(self.source, mirrors=self.hosts)
