"""Power cuts on a real file system whose unsynced writes are really lost: nothing acknowledged is lost, nothing torn
served. Needs root, FUSE, and the logged disk of ../shared/tools/faults beside this repository; skipped without."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

from lab import LONG, Lab

HERE = os.path.dirname(os.path.abspath(__file__))
TOOLS = os.path.join(HERE, "..", "..", "..", "shared", "tools", "faults")
# A cut may tear a write, but not within 1 KiB: that is the block of an ext4 of this size, and its superblock. The kernel
# looks at the superblock's checksum before it recovers the journal, so an ext4 of whose superblock one sector of 512
# bytes is old mounts no more, whatever was done in it. Disks write 4 KiB whole.
CRASH = "import crash, disklog; disklog.SECTOR = 1_024; crash.main()"


def missing():
    """Why it cannot run here; None if it can."""
    if not os.path.exists(os.path.join(TOOLS, "crash.py")):
        return "no ../shared/tools/faults beside this repository"
    if os.geteuid() != 0:
        return "mounting a file system needs root"
    if not os.path.exists("/dev/fuse"):
        return "no /dev/fuse"
    if not os.path.exists("/dev/loop-control"):
        return "no loop devices"
    for program in ["gcc", "make", "fusermount3", "mkfs.ext4"]:
        if shutil.which(program) is None:
            return f"no {program}"
    if subprocess.run(["pkg-config", "--exists", "fuse3"]).returncode:
        return "no libfuse3-dev"
    return None


@unittest.skipIf(missing(), missing() or "")
class PowerCuts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # The tools may be read-only, and what is made of them belongs to no repository.
        cls.tools = tempfile.mkdtemp(prefix="fleet-faults-")
        cls.addClassCleanup(shutil.rmtree, cls.tools, ignore_errors=True)
        shutil.copytree(TOOLS, cls.tools, dirs_exist_ok=True)
        subprocess.run(["make", "-s", "-C", cls.tools, "logdisk"], check=True, capture_output=True)

    def cut(self, host, system="ext4", mode="prefix", cuts=30):
        """Records releases with the host's data on a logged disk, then looks at the disk as it was at many moments."""
        lab = Lab(1)
        self.addCleanup(lab.close)
        # The agent of the host is started by power_cut.py, on the other disk.
        lab.lab("stop", host)
        script = f"{sys.executable} {os.path.join(HERE, 'power_cut.py')}"
        done = subprocess.run(
            [sys.executable, "-c", CRASH, "--fs", system, "--mode", mode, "--cuts", str(cuts), "--seed", "7", "--size", "400",
             "--run", f"{script} run {lab.path} {host} {6 if LONG else 3}", "--check", f"{script} check {lab.path} {host}"],
            cwd=self.tools, capture_output=True, text=True, timeout=3_600)
        text = done.stdout + done.stderr
        print("\n    " + "\n    ".join(done.stdout.strip().splitlines()))
        self.assertEqual(done.returncode, 0, f"{host} on {system}:\n{text}")
        self.assertIn(": 0 bad", text)

    def test_a_publish_survives_power_cuts(self):
        self.cut("origin", cuts=400 if LONG else 15)

    def test_a_sync_survives_power_cuts(self):
        self.cut("m1", cuts=400 if LONG else 15)

    def test_a_publish_survives_power_cuts_that_keep_any_part_of_what_was_not_synced(self):
        self.cut("origin", mode="subset", cuts=200 if LONG else 10)

    def test_a_sync_survives_power_cuts_that_keep_any_part_of_what_was_not_synced(self):
        self.cut("m1", mode="subset", cuts=200 if LONG else 10)

    @unittest.skipUnless(LONG, "FLEET_LONG is not set")
    def test_other_file_systems_survive_power_cuts(self):
        for system in ["xfs", "btrfs"]:
            if shutil.which(f"mkfs.{system}") is None:
                self.skipTest(f"no mkfs.{system}")
            for host in ["origin", "m1"]:
                with self.subTest(system=system, host=host):
                    self.cut(host, system=system, cuts=100)


if __name__ == "__main__":
    unittest.main()
