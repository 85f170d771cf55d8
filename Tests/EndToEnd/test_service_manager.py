"""What the programs tell a service manager: the test is the manager, at the other end of its socket."""
import os
import re
import signal
import socket
import subprocess
import shutil
import tempfile
import time
import unittest

import trees
from lab import BIN, LabTest, wait_until

SIZE = 40_000_000
# What the unit of the agent allows is twice this.
STOP_DEADLINE = 20
PROGRAMS = ["fleetctl", "fleet-agent", "fleet-coordinator"]


class Manager:
    """The socket of a service manager."""

    def __init__(self, test):
        folder = tempfile.mkdtemp(prefix="fleet-e2e-notify-")
        test.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        self.path = os.path.join(folder, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        test.addCleanup(self.socket.close)
        self.socket.bind(self.path)
        self.heard = []

    def listen(self, seconds):
        """Takes what comes within that time."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                self.heard.append(self.socket.recv(4096).decode())
            except TimeoutError:
                return

    def wait_for(self, text, what):
        """Takes messages until one has `text`; it."""
        def look():
            self.listen(0.05)
            return next((message for message in self.heard if text in message), None)
        return wait_until(look, what)


class ServiceManagerTest(LabTest):
    mirrors = 1

    def start(self, name, manager, watchdog):
        """The lab's program `name` again, under the manager."""
        with open(self.fleet.host(name, "coordinator.pid" if name == "coordinator" else "agent.pid")) as file:
            with open(f"/proc/{file.read().strip()}/cmdline", "rb") as line:
                command = [part.decode() for part in line.read().split(b"\0")[:-1]]
        self.fleet.lab("stop", name)
        self.err = open(self.fleet.host(name, "managed.log"), "wb")
        self.addCleanup(self.err.close)
        # As systemd does: standard error is the stream that JOURNAL_STREAM names.
        seen = os.fstat(self.err.fileno())
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.err, stderr=self.err, cwd=self.fleet.path,
            env={**os.environ, "NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": str(int(watchdog * 1e6)),
                 "JOURNAL_STREAM": f"{seen.st_dev}:{seen.st_ino}"})
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        if process.poll() is None:
            process.kill()
            process.wait()

    def said(self, name):
        with open(self.fleet.host(name, "managed.log"), errors="replace") as file:
            return file.read()

    def check_life(self, name, address):
        manager = Manager(self)
        process = self.start(name, manager, watchdog=0.6)
        self.assertIn(address, manager.wait_for("READY=1", f"{name} is ready"))
        before = len(manager.heard)
        manager.listen(2)
        signs = manager.heard[before:].count("WATCHDOG=1")
        self.assertGreaterEqual(signs, 5, "three signs of life in each interval, less what a busy machine costs")
        process.send_signal(signal.SIGSTOP)
        manager.listen(0.2)
        manager.heard = []
        manager.listen(1.2)
        self.assertEqual([], manager.heard, "what stands still gives no sign")
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGHUP)
        manager.wait_for("RELOADING=1", f"{name} reloads")
        manager.wait_for("READY=1", f"{name} has reloaded")
        process.send_signal(signal.SIGTERM)
        manager.wait_for("STOPPING=1", f"{name} stops")
        self.assertEqual(0, process.wait(timeout=30))
        for line in self.said(name).splitlines():
            self.assertRegex(line, r"^<[2-7]>time=")

    def test_the_agent_says_how_it_is(self):
        self.check_life("m1", "127.0.")

    def test_the_coordinator_says_how_it_is(self):
        self.check_life("coordinator", "127.0.")

    def test_an_agent_takes_what_can_change_while_it_runs(self):
        path = self.fleet.host("origin", "agent.yaml")
        source = self.fleet.scratch("elsewhere/source")
        with open(os.path.join(source, "file"), "w") as file:
            file.write("1")
        with open(path) as file:
            text = file.read()
        other = text
        for line in text.splitlines():
            if line.startswith("publish_from"):
                other = other.replace(line, "publish_from: [/nowhere]")
            if line.startswith("listen"):
                other = other.replace(line, 'listen: "127.0.0.1:1"')
        self.assertNotEqual(text, other)
        self.fleet("publish", "debian", source)
        self.reload(path, re.sub(r"(?m)^log_level:.*$", "", other) + "\nlog_level: info\n", "holds after a restart only")
        self.assertIn("keys=listen", self.fleet.log("origin"))
        with open(os.path.join(source, "file"), "w") as file:
            file.write("22")
        refused = self.fleet("publish", "debian", source, expect=4)
        self.assertIn("may not publish from", refused.err)
        self.reload(path, other + "\nnonsense: 1\n", "not reloaded: nothing was changed")
        self.reload(path, text, "changed=\"log_level, publish_from\"")
        self.fleet("publish", "debian", source)
        self.assertIn("level=debug", self.fleet.log("origin").split("not reloaded")[1], "debug again")

    def test_a_stop_in_mid_transfer_ends_soon_and_costs_nothing(self):
        source = self.fleet.scratch("source")
        trees.random_file(os.path.join(source, "image"), SIZE, seed=trees.SEED)
        self.fleet("publish", "iso", source)
        self.fleet("mirror", "limit", "m1", "--down", "10MB")
        manager = Manager(self)
        process = self.start("m1", manager, watchdog=30)
        manager.wait_for("READY=1", "m1 is ready")
        self.fleet("sync", "iso")

        def done():
            return (self.fleet.mirror("m1", "iso").get("progress") or {}).get("bytesDone", 0)
        wait_until(lambda: done() > SIZE / 4, "m1 has a quarter")
        kept, began = done(), time.monotonic()
        process.send_signal(signal.SIGTERM)
        self.assertEqual(0, process.wait(timeout=STOP_DEADLINE))
        took = time.monotonic() - began
        self.fleet("mirror", "limit", "m1")
        self.fleet.lab("start", "m1")
        self.fleet("sync", "iso", "--wait")
        self.assertServed(source, set="iso")
        again = sum(self.fleet.mirror("m1", "iso")["lastSync"]["bytesBySource"].values())
        print(f"\n    stopped at {kept / SIZE:.0%} in {took:.2f} s, then fetched {again / SIZE:.0%}", end="")
        self.assertLess(again, SIZE - kept + SIZE / 20)

    def reload(self, path, text, said):
        with open(path, "w") as file:
            file.write(text)
        os.kill(self.fleet.pid("origin"), signal.SIGHUP)
        wait_until(lambda: said in self.fleet.log("origin"), f"the log says {said!r}")


class VersionTest(unittest.TestCase):
    def test_every_program_says_the_same_version_without_a_configuration(self):
        said = set()
        for program in PROGRAMS:
            done = subprocess.run([os.path.join(BIN, program), "--version"], stdin=subprocess.DEVNULL, env={}, cwd="/",
                                  capture_output=True, timeout=30)
            self.assertEqual((0, b""), (done.returncode, done.stderr), program)
            said.add(done.stdout.decode().strip())
        self.assertEqual(1, len(said), said)
        self.assertRegex(said.pop(), r"^\d+\.\d+\.\d+$")


if __name__ == "__main__":
    unittest.main()
