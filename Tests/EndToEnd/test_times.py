"""An upstream that touches everything: times change in place where blocks are not shared, and the plan says so."""
import os
import unittest

from lab import LabTest, write

NEW = 1_650_000_000


class Times(LabTest):
    mirrors = 1

    def inodes(self, name, sequence):
        top = self.fleet.host(name, "srv", ".releases", "debian", str(sequence))
        return {file: os.stat(os.path.join(top, file)).st_ino for file in sorted(os.listdir(top))}

    def test_a_touched_set_is_not_copied_and_the_plan_says_so(self):
        source = self.fleet.scratch("source")
        for index in range(20):
            write(os.path.join(source, f"file-{index:02d}"), os.urandom(50_000), modified=1_600_000_000)
        self.fleet("publish", "debian", source)
        self.fleet("sync", "debian", "--wait")
        for index in range(20):
            os.utime(os.path.join(source, f"file-{index:02d}"), (NEW, NEW))
        self.fleet("publish", "debian", source)
        if self.sharesBlocks(source):
            self.skipTest("this file system shares blocks")
        text = self.fleet("plan", "debian").out
        self.assertIn("at most 10.0 kB copied on its disk for times alone", text)
        self.assertIn("the times of about 990.0 kB are changed in place just before the flip", text)
        line = next(l for l in self.fleet("plan", "-o", "json").json["lines"]
                    if l["mirror"] == "m1" and l["set"] == "debian")
        self.assertEqual((line["copiedBytes"], line["retimedBytes"]), (10_000, 990_000))
        self.fleet("sync", "debian", "--wait")
        self.assertServed(source)
        self.assertServed(source, mirrors=["origin"])
        # 1 % of the set is less than one file, so nothing was copied.
        for name in ["origin", "m1"]:
            self.assertEqual(self.inodes(name, 1), self.inodes(name, 2), name)
        self.fleet("verify", "m1")
        self.fleet("release", "rollback", "debian")
        self.fleet("sync", "debian", "--wait")
        top = self.fleet.served("m1")
        self.assertEqual({int(os.stat(os.path.join(top, file)).st_mtime) for file in os.listdir(top)}, {1_600_000_000})
        self.assertEqual(self.inodes("m1", 1), self.inodes("m1", 3))
        self.fleet("verify", "m1")

    def sharesBlocks(self, folder):
        """Whether `cp` can make a reflink there."""
        clone = os.path.join(self.fleet.folder, "clone")
        return os.system(f"cp --reflink=always {folder}/file-00 {clone} 2>/dev/null") == 0


if __name__ == "__main__":
    unittest.main()
