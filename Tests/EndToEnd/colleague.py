"""Somebody who signs for a fleet on a machine of his own, which has his key and nothing else."""
import os
import subprocess

from lab import BIN, FLEETCTL, run


def can_be_offline():
    return os.geteuid() == 0 and not subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode


class Colleague:
    def __init__(self, fleet, name):
        self.folder = fleet.scratch(name)
        self.new_key(name)
        self.key, self.public = [os.path.join(self.folder, f"{name}.{end}") for end in ["key", "pub"]]

    def new_key(self, name):
        """One more key of his; its secret file."""
        run("trust", "new-key", os.path.join(self.folder, name), "--no-passphrase")
        return os.path.join(self.folder, name + ".key")

    def sign(self, file, *options, expect=0, key=None):
        """Signs what `file` asks for, without a network where that can be had; what was shown."""
        offline = ["unshare", "-n"] if can_be_offline() else []
        done = subprocess.run(
            [*offline, FLEETCTL, "trust", "sign", file, "--key", key or self.key, "--yes", *options],
            cwd=self.folder, capture_output=True, text=True, env={"PATH": os.environ["PATH"], "FLEET_BIN": BIN})
        if done.returncode != expect:
            raise AssertionError(f"exit {done.returncode}, not {expect}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr
