"""docs/guides/replace-a-disk.md: a mirror whose data directory was copied to another disk, or is empty."""
import os
import shutil
import subprocess
import unittest

import trees
from lab import LabTest


class DiskReplacedTest(LabTest):
    mirrors = 1

    def setUp(self):
        super().setUp()
        self.source = self.fleet.scratch("source")
        trees.odd_tree(self.source)
        self.fleet("publish", "debian", self.source)
        self.fleet("sync", "--wait")
        self.data = self.fleet.host("m1", "srv")

    def test_a_copy_of_the_old_disk_is_as_good(self):
        self.fleet.lab("stop", "m1")
        subprocess.run(["cp", "-a", self.data, self.data + ".new"], check=True)
        os.rename(self.data, self.data + ".old")
        os.rename(self.data + ".new", self.data)
        self.fleet.lab("start", "m1")
        self.fleet("verify", "m1")
        self.assertServed(self.source)
        self.assertEqual("in-sync", self.fleet.mirror("m1")["state"])
        with open(os.path.join(self.source, "more"), "w") as file:
            file.write("more")
        self.fleet("publish", "debian", self.source)
        self.fleet("sync", "--wait")
        self.assertServed(self.source)

    def test_an_empty_disk_is_filled_again(self):
        self.fleet.lab("stop", "m1")
        shutil.rmtree(self.data)
        os.mkdir(self.data)
        self.fleet.lab("start", "m1")
        self.fleet("sync", "--wait")
        self.assertServed(self.source)


if __name__ == "__main__":
    unittest.main()
