"""What must be refused, with a message that says what to do, and nothing half-done."""
import os
import socket
import threading

import trees
from lab import LabTest, run, write


class BadInput(LabTest):
    mirrors = 1

    def refused(self, source, *words, expect=None):
        finished = self.fleet("publish", "debian", source, expect=expect)
        self.assertNotEqual(finished.code, 0, finished)
        for word in words:
            self.assertIn(word, finished.err, finished)
        self.assertEqual(self.fleet("release", "list", "debian", "-o", "json").json, [])
        self.assertFalse(os.path.lexists(self.fleet.host("origin", "srv", "debian")))

    def test_what_a_tree_may_not_hold_is_named(self):
        source = self.fleet.scratch("fifo")
        os.mkfifo(os.path.join(source, "pipe"))
        self.refused(source, "pipe", "fifo")
        source = self.fleet.scratch("socket")
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(os.path.join(source, "sock"))
        self.refused(source, "sock", "socket")
        for name in [".fleet", ".store", ".releases"]:
            source = self.fleet.scratch("reserved" + name)
            write(os.path.join(source, name, "file"), b"x")
            self.refused(source, name)
        for target in ["../../etc/passwd", "/etc/passwd"]:
            source = self.fleet.scratch("link" + target.replace("/", "-"))
            os.symlink(target, os.path.join(source, "out"))
            self.refused(source, "out")
        if os.getuid() == 0:
            source = self.fleet.scratch("device")
            os.mknod(os.path.join(source, "null"), 0o666 | 0o020000, os.makedev(1, 3))
            self.refused(source, "null", "device")

    def test_wrong_names_and_files_are_told_apart_by_exit_codes(self):
        source = self.fleet.scratch("source")
        write(os.path.join(source, "file"), b"x")
        self.assertIn("debian", self.fleet("publish", "debain", source, expect=64).err)
        self.fleet("publish", "debian", os.path.join(source, "missing"), expect=1)
        self.fleet("sync", "--mirror", "m9", "--wait", expect=64)
        run("publish", expect=64)
        bad = os.path.join(self.fleet.folder, "bad.yaml")
        with open(self.fleet.fleet) as good, open(bad, "w") as file:
            file.write(good.read() + "\nspeed: 50M\n")
        self.assertRegex(run("validate", bad, expect=78).err, r"bad\.yaml:\d+:\d+: ")
        run("-f", os.path.join(self.fleet.folder, "absent.yaml"), "status", expect=78)
        self.fleet.lab("kill", "coordinator")
        self.assertIn("coordinator", self.fleet("status", expect=5).err)

    def test_a_second_publish_of_a_set_is_busy(self):
        source = self.fleet.scratch("source")
        trees.random_file(os.path.join(source, "big"), 1 << 30)
        codes = []

        def publish():
            codes.append(self.fleet("publish", "debian", source, expect=None).code)

        threads = [threading.Thread(target=publish) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(codes), [0, 5])
