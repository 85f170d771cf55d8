"""What operators say of mirrors beyond fleet.yaml: pause, drain, limit; shown with who and until, never forgotten."""
from lab import LabTest, wait_until, write


class Overrides(LabTest):
    mirrors = 2

    def setUp(self):
        super().setUp()
        self.source = self.fleet.scratch("source")
        self.publish(1)
        self.fleet("sync", "--wait")

    def publish(self, number):
        write(f"{self.source}/a", b"release %d" % number, modified=1_700_000_000 + number)
        self.fleet("publish", "debian", self.source)

    def test_a_paused_mirror_gets_nothing_new_until_it_is_resumed(self):
        said = self.fleet("mirror", "pause", "m1", "--for", "2h", "--reason", "new disks").out
        self.assertRegex(said, r"m1 paused by operator since .* until .*: new disks")
        shown = self.fleet("status").out
        self.assertRegex(shown, r"1 override:\n  m1 paused, by operator \d+s ago, for another .*\(new disks\)")
        self.assertEqual("paused", self.fleet.mirror("m1")["state"])
        self.publish(2)
        self.fleet("sync", "debian", "--wait", expect=None)
        self.assertServed(self.source, mirrors=["m2"])
        self.assertEqual(1, self.fleet.mirror("m1", "debian")["sequence"])
        # A restart of the coordinator forgets nothing.
        self.fleet.lab("stop", "coordinator")
        self.fleet.lab("start", "coordinator")
        self.assertEqual("paused", self.fleet.mirror("m1")["state"])
        self.assertIn("paused", self.fleet("mirror", "list").out)
        self.assertIn("new disks", self.fleet("mirror", "show", "m1").out)
        self.assertIn("as fleet.yaml says", self.fleet("mirror", "resume", "m1").out)
        self.fleet("sync", "debian", "--wait")
        self.assertServed(self.source)

    def test_drain_and_limit(self):
        self.fleet("mirror", "drain", "m1")
        self.assertEqual("drained", self.fleet.mirror("m1")["state"])
        self.fleet("mirror", "undrain", "m1")
        self.assertEqual("in-sync", self.fleet.mirror("m1")["state"])
        said = self.fleet("mirror", "limit", "m1", "--up", "50MB", "--down", "0", "--for", "2h").out
        self.assertIn("limited to 50.0 MB/s up, nothing down", said)
        wait_until(lambda: 'msg="bandwidth limits"' in self.fleet.log("m1") and "50.0 MB/s" in self.fleet.log("m1"),
                   "m1 hears of it")
        self.fleet("mirror", "limit", "m1")
        wait_until(lambda: "down=none up=none" in self.fleet.log("m1"), "m1 hears that it is over")
        self.fleet("mirror", "pause", "nobody", expect=64)
        self.fleet("mirror", "limit", "m1", "--up", "fast", expect=64)
