"""Hosts of a lab whose clocks a test shifts."""
import contextlib
import os
import shutil
import struct
import subprocess

from lab import BIN, LabTest, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
DAY = 86_400


class SkewedTest(LabTest):
    """A lab test that can start hosts with another clock than that of the machine."""

    def setUp(self):
        super().setUp()
        compiler = next(name for name in ["cc", "gcc", "clang"] if shutil.which(name))
        self.library = os.path.join(self.fleet.scratch("skew"), "skew.so")
        subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", self.library, os.path.join(HERE, "skew.c")], check=True)
        self.shift = os.path.join(self.fleet.folder, "shift")
        self.started = {}
        self.set_clock(0)

    def set_clock(self, seconds):
        """Shifts the clock of what runs by `start`."""
        with contextlib.closing(os.fdopen(os.open(self.shift, os.O_RDWR | os.O_CREAT, 0o600), "r+b")) as file:
            file.write(struct.pack("q", seconds))

    def start(self, name):
        """Starts a host's agent with the shifted clock, in the place of the one that runs."""
        if name in self.started:
            self.started[name].terminate()
            self.started[name].wait()
        else:
            self.fleet.lab("stop", name)
        home = self.fleet.host(name)
        ready = os.path.join(home, "skewed")
        if os.path.exists(ready):
            os.unlink(ready)
        log = open(os.path.join(home, "agent.log"), "ab")
        self.addCleanup(log.close)
        process = subprocess.Popen(
            [os.path.join(BIN, "fleet-agent"), "--config", "agent.yaml", "--ready-file", "skewed"], cwd=home,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env={**os.environ, "LD_PRELOAD": self.library, "SKEW_FILE": self.shift})
        self.started[name] = process
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        wait_until(lambda: os.path.exists(ready), f"{name} is ready")
