"""Programs of a host's operator at moments of a sync: they see what they should, and one may keep a release from being served."""
import os

from lab import LabTest, wait_until, write


class Hooks(LabTest):
    mirrors = 1

    def hook(self, moment, text, mode=0o755):
        write(self.fleet.host("m1", "hooks.d", moment, "10-test"), b"#!/bin/sh\n" + text.encode(), mode=mode)

    def seen(self, name):
        try:
            with open(os.path.join(self.notes, name)) as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def release(self, number):
        write(os.path.join(self.source, "file"), b"release %d" % number, modified=1_700_000_000 + number)
        self.fleet("publish", "debian", self.source)

    def test_a_hook_before_the_flip_holds_a_release_back_and_the_others_are_told(self):
        self.source, self.notes = self.fleet.scratch("source"), self.fleet.scratch("notes")
        self.release(1)
        self.fleet("sync", "--wait")
        self.hook("pre-sync", f"echo $FLEET_SEQUENCE >> {self.notes}/pre-sync\n")
        self.hook("pre-flip", f"env > {self.notes}/env; cat $FLEET_TREE/file > {self.notes}/tree\n"
                  "echo looks bad >&2; exit 3\n")
        self.hook("post-failure", f"echo \"$FLEET_REASON\" > {self.notes}/reason\n")
        self.hook("post-flip", f"cat $FLEET_TREE/file > {self.notes}/after\n")
        self.release(2)
        self.fleet("sync", "debian")
        wait_until(lambda: "ended with code 3: looks bad" in self.seen("reason"), "the failure was told")
        self.assertEqual("release 1", self.seen("tree"))
        self.assertEqual(1, self.fleet.mirror("m1", "debian")["sequence"])
        wait_until(lambda: "the hook pre-flip/10-test ended with code 3: looks bad" in self.fleet("status").out,
                   "status shows the reason")
        self.assertIn("2\n", self.seen("pre-sync"))
        variables = dict(line.split("=", 1) for line in self.seen("env").splitlines())
        self.assertEqual(("lab", "m1", "debian", "2", "1", "pre-flip"), tuple(variables["FLEET_" + name] for name in (
            "NAME", "HOST", "SET", "SEQUENCE", "PREVIOUS", "HOOK")))
        self.assertNotIn("FLEET_BIN", variables)
        self.assertEqual("", self.seen("after"))

        self.hook("pre-flip", "exit 0\n")
        wait_until(lambda: self.seen("after") == "release 2", "the release is served, and post-flip ran", 60)
        self.assertServed(self.source)

        # One that others may write is not run, and stops the sync.
        self.hook("pre-flip", "exit 0\n", mode=0o777)
        self.release(3)
        self.fleet("sync", "debian")
        wait_until(lambda: "others may write it" in self.fleet("status").out, "it is said why")
        self.assertEqual(2, self.fleet.mirror("m1", "debian")["sequence"])
