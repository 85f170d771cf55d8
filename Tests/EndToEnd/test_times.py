"""An upstream that touches everything: times change in place where blocks are not shared, and the plan says so."""
import glob
import os
import subprocess
import unittest

from lab import BIN, LabTest, write

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
        if self.sharesBlocks(source):
            self.skipTest("this file system shares blocks")
        done = self.fleet("publish", "debian", source, "-o", "json").json
        self.assertEqual((done["retimedFiles"], done["retimedBytes"]), (20, 1_000_000))
        text = self.fleet("plan", "debian").out
        self.assertIn("at most 10.0 kB copied on its disk for times alone", text)
        self.assertIn("the times of about 990.0 kB are changed in place just before the flip", text)
        line = next(l for l in self.fleet("plan", "-o", "json").json["lines"]
                    if l["mirror"] == "m1" and l["set"] == "debian")
        self.assertEqual((line["copiedBytes"], line["retimedBytes"]), (10_000, 990_000))
        done = self.fleet("sync", "debian", "--wait", "-o", "json").json["mirrors"][0]
        self.assertEqual((done["retimedFiles"], done["retimedBytes"]), (20, 1_000_000))
        self.assertEqual((done["sets"][0]["retimedFiles"], done["sets"][0]["retimedBytes"]), (20, 1_000_000))
        self.assertServed(source)
        self.assertServed(source, mirrors=["origin"])
        # 1 % of the set is less than one file, so nothing was copied.
        for name in ["origin", "m1"]:
            self.assertEqual(self.inodes(name, 1), self.inodes(name, 2), name)
        self.fleet("verify", "m1")
        done = self.fleet("release", "rollback", "debian")
        self.assertIn("new times   20 files (1.0 MB) changed in place, also in trees that stay", done.out)
        done = self.fleet("sync", "debian", "--wait")
        self.assertIn("m1 debian: times of 20 files (1.0 MB) changed in place, also in trees that stay", done.out)
        top = self.fleet.served("m1")
        self.assertEqual({int(os.stat(os.path.join(top, file)).st_mtime) for file in os.listdir(top)}, {1_600_000_000})
        self.assertEqual(self.inodes("m1", 1), self.inodes("m1", 3))
        self.fleet("verify", "m1")
        # A database made again knows trees by what they show: the one whose times went with the others' is dropped.
        self.fleet.lab("kill", "m1")
        for path in glob.glob(self.fleet.host("m1", "srv", ".store", "store.db*")):
            os.unlink(path)
        home = self.fleet.host("m1")
        done = subprocess.run([os.path.join(BIN, "fleet-agent"), "rebuild", "--config", os.path.join(home, "agent.yaml")],
                              cwd=home, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        self.assertIn("debian release 2: its tree is not what was signed; not kept\n", done.stdout)
        self.assertIn("debian release 3, served: as it was signed\n", done.stdout)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.fleet.lab("start", "m1")
        self.fleet("sync", "debian", "--wait")
        self.assertEqual({int(os.stat(os.path.join(top, file)).st_mtime) for file in os.listdir(top)}, {1_600_000_000})
        self.fleet("verify", "m1")

    def sharesBlocks(self, folder):
        """Whether `cp` can make a reflink there."""
        clone = os.path.join(self.fleet.folder, "clone")
        return os.system(f"cp --reflink=always {folder}/file-00 {clone} 2>/dev/null") == 0


if __name__ == "__main__":
    unittest.main()
