"""`publish --local`: fleetctl reads the tree itself, and signs no other."""
import os
import shutil
import subprocess
import unittest

from lab import FLEETCTL, LabTest, listing, write
from trees import odd_tree, random_file


def can_mount():
    return os.geteuid() == 0 and not subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode


class PublishLocal(LabTest):
    mirrors = 1

    def setUp(self):
        super().setUp()
        self.source = self.fleet.scratch("source")
        odd_tree(self.source)
        random_file(os.path.join(self.source, "large"), 40_000_000)
        os.utime(self.source, (1_650_000_000,) * 2)

    def elsewhere(self, copy, *arguments):
        """Runs fleetctl where `copy` lies in the place of the source: a machine on which the origin lied about it."""
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", 'mount --bind "$1" "$2" && shift 2 && exec "$@"', "sh", copy, self.source,
             FLEETCTL, "-f", self.fleet.fleet, *arguments], capture_output=True, timeout=120)
        return done.returncode, done.stderr.decode(errors="replace")

    def test_an_honest_origin_passes(self):
        self.fleet("publish", "debian", self.source, "--local", "--dry-run")
        self.fleet("publish", "debian", self.source, "--local")
        write(os.path.join(self.source, "more"), b"more")
        self.assertIn("release 2", self.fleet("publish", "debian", self.source, "--local").out)
        self.assertIn("unchanged", self.fleet("publish", "debian", self.source, "--local").out)
        self.fleet("sync", "debian", "--wait")
        self.assertServed(self.source)

    def test_a_directory_that_cannot_be_released_is_named(self):
        os.symlink("/etc/passwd", os.path.join(self.source, "odd", "out"))
        refused = self.fleet("publish", "debian", self.source, "--local", expect=4)
        self.assertIn("on this machine", refused.err)
        self.assertIn("odd/out", refused.err)
        missing = self.fleet("publish", "debian", self.source + "-not", "--local", expect=1)
        self.assertIn("No such file", missing.err)

    @unittest.skipUnless(can_mount(), "needs root and mount namespaces")
    def test_another_tree_is_not_signed(self):
        self.fleet("publish", "debian", self.source, "--local")
        before = listing(self.fleet.served("origin"))
        copy = self.fleet.scratch("copy")
        shutil.copytree(self.source, copy, symlinks=True, dirs_exist_ok=True)
        self.assertEqual(listing(copy), listing(self.source))
        code, said = self.elsewhere(copy, "publish", "debian", self.source, "--local")
        self.assertEqual(code, 0, said)
        # The origin has another byte in one file than the publisher.
        write(os.path.join(self.source, "same", "one"), b"evil bytes", modified=1_600_000_000)
        os.utime(os.path.join(self.source, "same"), (1_650_000_000,) * 2)
        code, said = self.elsewhere(copy, "publish", "debian", self.source, "--local")
        self.assertEqual(code, 4, said)
        self.assertIn("origin drafted a release of another tree than", said)
        self.assertIn("the first difference is at same/one; nothing was signed", said)
        # A dry run tells, too; and so does an origin that calls a changed tree unchanged.
        self.assertEqual(self.elsewhere(copy, "publish", "debian", self.source, "--local", "--dry-run")[0], 4)
        write(os.path.join(self.source, "same", "one"), b"same bytes", modified=1_600_000_000)
        os.utime(os.path.join(self.source, "same"), (1_650_000_000,) * 2)
        write(os.path.join(copy, "zz"), b"", modified=7)
        os.utime(copy, (1_650_000_000,) * 2)
        code, said = self.elsewhere(copy, "publish", "debian", self.source, "--local")
        self.assertEqual(code, 4, said)
        self.assertIn("the first difference is at zz", said)
        # Only the time of the top, which is in no manifest.
        os.unlink(os.path.join(copy, "zz"))
        os.utime(copy, (1_650_000_001,) * 2)
        write(os.path.join(self.source, "both"), b"", modified=7)
        write(os.path.join(copy, "both"), b"", modified=7)
        os.utime(self.source, (1_650_000_000,) * 2)
        code, said = self.elsewhere(copy, "publish", "debian", self.source, "--local")
        self.assertEqual(code, 4, said)
        self.assertIn("the root is the same", said)
        self.assertEqual(listing(self.fleet.served("origin")), before)
        self.assertEqual(self.fleet("release", "list", "debian", "-o", "json").out.count('"sequence"'), 1)
