"""`fleetctl init`: a first fleet.yaml, from options or from answers at the terminal, that every command takes."""
import os
import shutil
import tempfile
import unittest

from lab import run
from terminal import at_terminal

HOSTS = ["--coordinator", "c.example.org:7443", "--origin", "o1=o1.example.org:7444",
         "--mirror", "fra1=fra1.example.org:7444,eu", "--mirror", "iad1=iad1.example.org:7444"]


class Init(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="fleet-init-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.file = os.path.join(self.folder, "fleet.yaml")

    def test_options_make_a_file_that_is_valid_and_not_replaced(self):
        run("-f", self.file, "init", "--name", "example", "--set", "debian", "--set", "iso", *HOSTS,
            "--source", "debian=/srv/origin/debian")
        self.assertIn("fleet example, 2 sets, 2 mirrors", run("validate", self.file).out)
        with open(self.file) as file:
            before = file.read()
        self.assertIn("# ", before)
        refused = run("-f", self.file, "init", "--name", "other", "--set", "a", *HOSTS, expect=4)
        self.assertIn("is there already, and is not replaced", refused.err)
        with open(self.file) as file:
            self.assertEqual(before, file.read())

    def test_what_cannot_be_is_told_and_nothing_is_written(self):
        missing = run("-f", self.file, "init", "--name", "example", "--no-input", expect=64)
        self.assertIn("--coordinator is missing", missing.err)
        wrong = run("-f", self.file, "init", "--name", "Not a name", "--set", "debian", *HOSTS, expect=78)
        self.assertIn("fleet.yaml:4:7:", wrong.err)
        run("-f", self.file, "init", "--name", "x'y: {", "--set", "debian", *HOSTS, expect=78)
        self.assertFalse(os.path.exists(self.file))

    def test_a_person_is_asked(self):
        code, shown = at_terminal("fleetctl -f fleet.yaml init", self.folder, answers=[
            (b"Name", "example"), (b"Coordinator", "c.example.org:7443"), (b"Content sets", "debian iso"),
            (b"Origin", "o1=o1.example.org:7444"), (b"Mirrors", "fra1=fra1.example.org:7444")])
        self.assertEqual(0, code, shown)
        self.assertIn("fleet example, 2 sets, 1 mirrors", run("validate", self.file).out)
