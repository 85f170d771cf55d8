"""The coordinator's state in one file: taken while it runs, put back after its disk was lost."""
import glob
import os
import shutil

from lab import LabTest, wait_until, write


class Backup(LabTest):
    mirrors = 2

    def setUp(self):
        super().setUp()
        self.state = self.fleet.host("coordinator", "state")

    def call(self, verb, path, *options, **more):
        return self.fleet(verb, path, "--state", self.state, *options, **more)

    def release(self, number):
        source = self.fleet.scratch("source")
        write(os.path.join(source, "file"), b"release %d" % number, modified=1_700_000_000 + number)
        self.fleet("publish", "debian", source)
        self.fleet("sync", "debian", "--wait")

    def test_a_state_comes_back_without_what_was_planned_since(self):
        self.release(1)
        self.fleet("mirror", "limit", "m2", "--up", "50MB", "--reason", "line")
        backup = os.path.join(self.fleet.folder, "backup")
        said = self.call("backup", backup)
        self.assertIn("without keys", said.out)
        self.assertEqual(0o600, os.stat(backup).st_mode & 0o777)
        self.call("backup", backup, expect=4)
        self.release(2)
        self.assertIn("stop it first", self.call("restore", backup, expect=5).err)
        self.fleet.lab("stop", "coordinator")
        # What is there made a plan that the backup does not know.
        self.assertIn("is newer", self.call("restore", backup, expect=4).err)
        for path in glob.glob(os.path.join(self.state, "state.db*")):
            os.unlink(path)
        with open(backup, "rb") as file:
            content = bytearray(file.read())
        content[len(content) // 2] ^= 1
        write(backup + ".bad", bytes(content))
        self.assertIn("is damaged", self.call("restore", backup + ".bad", expect=1).err)
        self.assertEqual([], glob.glob(os.path.join(self.state, "state.db*")))

        self.assertIn("restored the state of", self.call("restore", backup).out)
        # The lab begins the new term itself when every host has reported.
        self.fleet.lab("start", "coordinator")
        wait_until(lambda: next(s for s in self.fleet.status()["sets"] if s["name"] == "debian")["head"]["sequence"] == 2,
                   "the origin has said which release is the newest")
        self.release(3)
        self.assertGreater(self.fleet("plan", "-o", "json").json["generation"]["term"], 1)
        # What operators said is in the backup.
        self.assertIn("limited to 50.0 MB/s up", self.fleet("mirror", "show", "m2").out)

    def test_keys_are_in_it_only_when_that_is_asked_for(self):
        backup = os.path.join(self.fleet.folder, "with-keys")
        keys = self.fleet.host("coordinator")
        said = self.call("backup", backup, "--with-keys", keys)
        self.assertRegex(said.out, r"with \d+ files of keys")
        self.fleet.lab("stop", "coordinator")
        shutil.copytree(keys, keys + ".old")
        for path in glob.glob(os.path.join(keys, "*.key")):
            os.unlink(path)
        for path in glob.glob(os.path.join(keys, "*.pem")):
            os.unlink(path)
        self.call("restore", backup, "--keys", keys)
        for name in [os.path.basename(path) for path in glob.glob(os.path.join(keys + ".old", "*.key"))]:
            with open(os.path.join(keys, name)) as one, open(os.path.join(keys + ".old", name)) as other:
                self.assertEqual(one.read(), other.read())
            self.assertEqual(0o600, os.stat(os.path.join(keys, name)).st_mode & 0o777)
        self.fleet.lab("start", "coordinator")
