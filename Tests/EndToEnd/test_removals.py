"""Releases that take away much: refused by the origin and by every mirror, unless the publisher says that it is meant."""
import os

from lab import LabTest, write


class Removals(LabTest):
    mirrors = 2

    def setUp(self):
        super().setUp()
        self.source = self.fleet.scratch("source")
        for index in range(10):
            write(os.path.join(self.source, f"file-{index}"), os.urandom(2_000))
        self.fleet("publish", "debian", self.source)
        self.fleet("sync", "debian", "--wait")

    def remove(self, *numbers):
        for index in numbers:
            os.unlink(os.path.join(self.source, f"file-{index}"))

    def test_an_emptied_directory_is_published_only_if_that_is_meant(self):
        before = self.fleet.scratch("before")
        for index in range(10):
            os.link(os.path.join(self.source, f"file-{index}"), os.path.join(before, f"file-{index}"))
        os.utime(before, (os.stat(self.source).st_mtime,) * 2)
        self.remove(*range(3))
        refused = self.fleet("publish", "debian", self.source, expect=4)
        self.assertIn("release 2 of debian is refused: it removes 3 of 10 files (30 %), max_delete is 20 %", refused.err)
        self.assertIn("--confirm-delete", refused.err)
        self.assertServed(before)
        self.assertServed(before, mirrors=["origin"])
        shown = self.fleet("publish", "debian", self.source, "--dry-run")
        self.assertIn("this release would need --confirm-delete: it has 3 of 10 files less (30 %)", shown.err)
        self.fleet("publish", "debian", self.source, "--confirm-delete")
        self.fleet("sync", "debian", "--wait")
        self.assertServed(self.source)
        # It counted for that release alone; back to what was there is no removal.
        self.remove(*range(3, 6))
        self.fleet("publish", "debian", self.source, expect=4)
        self.fleet("release", "rollback", "debian", "1")
        self.fleet("release", "rollback", "debian", "2", expect=4)
        self.fleet("release", "rollback", "debian", "2", "--confirm-delete")

    def test_a_mirror_refuses_by_its_own_limit_and_takes_it_once_confirmed(self):
        config = self.fleet.host("m1", "agent.yaml")
        with open(config) as file:
            text = file.read()
        self.assertIn("trust:", text)
        with open(config, "w") as file:
            file.write(text.replace("trust:\n", "trust:\n  max_delete: 5%\n", 1))
        self.fleet.lab("stop", "m1")
        self.fleet.lab("start", "m1")
        self.remove(0)
        self.fleet("publish", "debian", self.source)
        refused = self.fleet("sync", "debian", "--wait", expect=3)
        self.assertIn("removes 1 of 10 files (10 %), max_delete is 5 %", refused.out + refused.err)
        state = self.fleet.mirror("m1", "debian")
        self.assertIn("removes 1 of 10 files (10 %), max_delete is 5 %", state["lastSync"]["failure"])
        self.assertEqual(state["sequence"], 1)
        self.assertServed(self.source, mirrors=["m2"])
        write(os.path.join(self.source, "more"), b"more")
        self.fleet("publish", "debian", self.source, "--confirm-delete")
        # The word of a release that it never saw counts, too.
        write(os.path.join(self.source, "still-more"), b"still more")
        self.fleet("publish", "debian", self.source)
        self.fleet("sync", "debian", "--wait")
        self.assertServed(self.source)
