"""Content of the fleet on a machine that is no mirror: whole sets and parts, interrupted, attacked, without a coordinator."""
import os
import re
import shutil
import signal
import subprocess
import time

import trees
from lab import FLEETCTL, LabTest, listing, run, wait_until, write


class Fetch(LabTest):
    mirrors = 2

    def setUp(self):
        super().setUp()
        self.to = os.path.join(self.fleet.folder, "copy")

    def publish(self, change):
        source = self.fleet.scratch("source")
        change(source)
        self.fleet("publish", "debian", source)
        self.fleet("sync", "debian", "--wait")
        return source

    def fetch(self, *arguments, **options):
        return self.fleet("fetch", "debian", "--to", self.to, *arguments, **options)

    def test_a_reader_without_a_coordinator_gets_the_tree_and_later_only_what_differs(self):
        source = self.publish(trees.odd_tree)
        self.fleet.lab("stop", "coordinator")
        reader = self.reader()
        first = run("-f", reader, "fetch", "debian", "--to", self.to, "-o", "json").json
        self.assertEqual(listing(source), listing(self.to))
        self.assertEqual((first["sequence"], first["presentFiles"], first["liars"]), (1, 0, []))
        self.assertEqual(first["fetchedFiles"], first["files"])
        self.assertGreaterEqual(len(first["bytesBySource"]), 2, first)
        # Nothing is left of the work.
        self.assertNotIn(".fleet", os.listdir(self.to))

        again = run("-f", reader, "fetch", "debian", "--to", self.to, "-o", "json").json
        self.assertEqual((again["fetchedFiles"], again["presentFiles"]), (0, first["files"]))
        self.assertLess(sum(again["bytesBySource"].values()), 200_000)

        # One byte, a missing file, a time, a link to elsewhere, and a file that the release does not have.
        big = os.path.join(self.to, "pool/main/b/big.bin")
        with open(big, "r+b") as file:
            file.seek(3_000_000)
            byte = file.read(1)
            file.seek(3_000_000)
            file.write(bytes([byte[0] ^ 1]))
        os.remove(os.path.join(self.to, "empty"))
        os.utime(os.path.join(self.to, "same/one"), (1, 1))
        os.remove(os.path.join(self.to, "same/two"))
        os.symlink("/etc/passwd", os.path.join(self.to, "same/two"))
        write(os.path.join(self.to, "mine"), b"stays")
        healed = run("-f", reader, "fetch", "debian", "--to", self.to, "-o", "json").json
        self.assertEqual(healed["fetchedFiles"], 3)
        with open(os.path.join(self.to, "mine"), "rb") as file:
            self.assertEqual(file.read(), b"stays")
        os.remove(os.path.join(self.to, "mine"))
        top = os.path.getmtime(source)
        os.utime(self.to, (top, top))
        self.assertEqual(listing(source), listing(self.to))

    def test_parts_of_an_older_release_and_what_is_refused(self):
        def first(source):
            write(os.path.join(source, "pool/a/one"), b"one" * 50_000)
            write(os.path.join(source, "pool/ab"), b"neighbour")
            write(os.path.join(source, "dists/stable"), b"stable")

        source = self.publish(first)
        self.publish(lambda source: write(os.path.join(source, "pool/a/one"), b"two" * 50_000))
        done = self.fetch("pool/a", "--release", "1", "-o", "json").json
        self.assertEqual((done["sequence"], done["files"]), (1, 1))
        with open(os.path.join(self.to, "pool/a/one"), "rb") as file:
            self.assertEqual(file.read(), b"one" * 50_000)
        self.assertEqual(sorted(os.listdir(os.path.join(self.to, "pool"))), ["a"])
        self.fetch("pool/a/one")
        with open(os.path.join(self.to, "pool/a/one"), "rb") as file:
            self.assertEqual(file.read(), b"two" * 50_000)

        self.assertIn("release 2 has no pool/b", self.fetch("pool/b", expect=1).err)
        for path in ("../pool", "/pool", "pool/./a", ".fleet/x"):
            self.fetch("--", path, expect=64)
        self.assertIn("the newest is 2", self.fetch("--release", "9", expect=1).err)
        self.fleet("fetch", "nothing", "--to", self.to, expect=64)

        # A directory that a link leads away from is not entered, and nothing is written before that is known.
        outside = self.fleet.scratch("outside")
        shutil.rmtree(self.to)
        os.makedirs(self.to)
        os.symlink(outside, os.path.join(self.to, "pool"))
        refused = self.fetch(expect=4)
        self.assertIn("pool is a symbolic link here, and a directory in the release", refused.err)
        self.assertEqual(os.listdir(outside), [])
        self.assertNotIn("dists", os.listdir(self.to))

        # What was yanked is left out.
        os.remove(os.path.join(self.to, "pool"))
        self.fleet("yank", "debian", "pool/ab", "--reason", "bad")
        left = self.fetch("-o", "json").json
        self.assertEqual(left["yanked"], ["pool/ab"])
        self.assertFalse(os.path.exists(os.path.join(self.to, "pool/ab")))
        self.assertTrue(os.path.exists(os.path.join(source, "pool/ab")))

        for host in ("origin", *self.fleet.mirrors):
            self.fleet.lab("stop", host)
        self.assertIn("no host has it", self.fetch(expect=5).err)

    def test_a_run_that_was_killed_is_gone_on_with_and_liars_cost_nothing(self):
        source = self.publish(lambda source: trees.random_file(os.path.join(source, "image"), 24_000_000))
        for name in ("origin", *self.fleet.mirrors):
            self.fleet("mirror", "limit", name, "--up", "3MB")
        command = [FLEETCTL, "-f", self.fleet.fleet, "fetch", "debian", "--to", self.to]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        staged = os.path.join(self.to, ".fleet/fetch")

        def written():
            if not os.path.isdir(staged):
                return 0
            blocks = [os.stat(os.path.join(staged, name)).st_blocks for name in os.listdir(staged)]
            with open(f"/proc/{process.pid}/io") as file:
                return blocks and int(re.search(r"wchar: (\d+)", file.read())[1]) > 6_000_000

        wait_until(written, "some of the file is staged")
        self.assertIn("another process fetches into", self.fetch(expect=5).err)
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.assertNotIn("image", os.listdir(self.to))
        # One of the three gives wrong bytes from now on. The others stay slow, or they could give all before it is asked.
        self.fleet("mirror", "limit", "m1")
        bad = os.path.join(self.fleet.served("m1"), "image")
        before = os.stat(bad)
        with open(bad, "r+b") as file:
            for place in range(0, before.st_size, 16 << 10):
                file.seek(place)
                byte = file.read(1)
                file.seek(place)
                file.write(bytes([byte[0] ^ 1]))
        os.utime(bad, ns=(before.st_atime_ns, before.st_mtime_ns))
        done = self.fetch("-o", "json")
        self.assertEqual(listing(source), listing(self.to))
        self.assertGreater(done.json["resumedBytes"], 3_000_000)
        self.assertEqual(done.json["liars"], ["m1"])
        self.assertIn("m1 sent what is not true", done.err)


if __name__ == "__main__":
    import unittest
    unittest.main()
