"""A new release of a large file, on a file system where files can share blocks: only what changed is written."""
import os
import random
import shutil
import subprocess
import tempfile
import unittest

from lab import LabTest
from test_damage import flip_byte

MIB = 1 << 20
SIZE = 48 * MIB


@unittest.skipUnless(os.geteuid() == 0, "mounting a file system needs root")
@unittest.skipUnless(shutil.which("mkfs.xfs"), "mkfs.xfs is not there (Debian package xfsprogs)")
class SharedBlocks(LabTest):
    mirrors = 1

    def setUp(self):
        place = tempfile.mkdtemp(prefix="fleet-xfs-")
        self.addCleanup(shutil.rmtree, place)
        image, self.disk = os.path.join(place, "image"), os.path.join(place, "disk")
        os.makedirs(self.disk)
        subprocess.run(["truncate", "-s", "1G", image], check=True)
        subprocess.run(["mkfs.xfs", "-q", "-m", "reflink=1", image], check=True)
        if subprocess.run(["mount", "-o", "loop", image, self.disk], stderr=subprocess.DEVNULL).returncode:
            self.skipTest("this machine mounts no xfs")
        self.addCleanup(subprocess.run, ["umount", "-l", self.disk], check=True)
        before, tempfile.tempdir = tempfile.tempdir, self.disk
        try:
            super().setUp()
        finally:
            tempfile.tempdir = before
        self.source = self.fleet.scratch("source")
        self.image = os.path.join(self.source, "image.iso")
        with open(self.image, "wb") as file:
            file.write(random.Random(7).randbytes(SIZE))
        self.fleet("publish", "debian", self.source)
        self.fleet("sync", "--wait")
        # Another inode, as what writes new images makes.
        with open(self.image, "rb") as file:
            content = file.read()
        self.changed = content[:20 * MIB] + random.Random(8).randbytes(2 * MIB) + content[22 * MIB:]
        with open(self.image + ".new", "wb") as file:
            file.write(self.changed)
        os.rename(self.image + ".new", self.image)
        self.fleet("publish", "debian", self.source)

    def extents(self):
        """Bytes of the mirror's file that it shares with another, and those it has alone."""
        path = os.path.join(self.fleet.served("m1"), "image.iso")
        lines = subprocess.run(["filefrag", "-v", "-s", path], check=True, capture_output=True, text=True).stdout
        (shared, alone) = (0, 0)
        for line in lines.splitlines():
            parts = line.replace(":", " ").split()
            if len(parts) > 5 and parts[0].isdigit():
                blocks = int(parts[5])
                if "shared" in line:
                    shared += blocks * 4096
                else:
                    alone += blocks * 4096
        return shared, alone

    def test_what_is_held_is_shared_and_not_written(self):
        self.fleet("sync", "--wait")
        self.assertServed(self.source)
        shared, alone = self.extents()
        self.assertGreater(shared, SIZE - 8 * MIB, f"{shared} bytes are shared, {alone} are not")
        self.fleet("verify", "m1", expect=0)

    def test_what_has_rotted_is_not_taken_over(self):
        flip_byte(os.path.join(self.fleet.served("m1"), "image.iso"), 31 * MIB)
        self.fleet("sync", "--wait")
        with open(os.path.join(self.fleet.served("m1"), "image.iso"), "rb") as file:
            self.assertTrue(file.read() == self.changed, "wrong bytes are served")
        shared, alone = self.extents()
        self.assertGreater(shared, SIZE - 10 * MIB, f"{shared} bytes are shared, {alone} are not")


if __name__ == "__main__":
    unittest.main()
