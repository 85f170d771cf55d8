"""The Debian packages for a test: those that FLEET_PACKAGES names, else packed from the programs that are tested."""
import fcntl
import functools
import os
import re
import subprocess
import unittest

from lab import BIN

TREE = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
PROGRAMS = ["fleet-agent", "fleet-coordinator", "fleetctl"]
PACK_DEADLINE = 900


class Packages:
    """A folder with one package of each program."""

    def __init__(self, folder, runtime=None):
        self.folder, self.runtime = folder, runtime
        self.files = {}
        for name in sorted(os.listdir(folder)):
            if name.endswith(".deb"):
                self.files[name.split("_")[0]] = os.path.join(folder, name)
        assert sorted(self.files) == PROGRAMS, f"{folder} has {sorted(self.files)}"

    @property
    def is_static(self):
        return self.runtime is None


@functools.cache
def pack(revision=""):
    """The packages; with a revision as packages of a newer version. Programs that need the Swift runtime get the folder
    of it as `runtime`: a host must see it at the same path."""
    given = os.environ.get("FLEET_PACKAGES")
    if given and not revision:
        return Packages(given)
    scratch = os.path.join(TREE, ".build-package")
    os.makedirs(scratch, exist_ok=True)
    out = os.path.join(scratch, f"test-packages{revision}")
    source = ["--packed-only"] if given else ["--from", BIN]
    with open(os.path.join(scratch, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(
            [os.path.join(TREE, "scripts", "package"), *source, "--out", out, *(["--revision", revision] if revision else [])],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PACK_DEADLINE)
    if done.returncode != 0:
        raise AssertionError(f"scripts/package failed:\n{done.stdout}{done.stderr}")
    if given:
        return Packages(out)
    libraries = subprocess.run(["ldd", os.path.join(BIN, "fleetctl")], capture_output=True, text=True, check=True).stdout
    runtime = re.search(r"=> (\S+)/libswiftCore\.so", libraries)
    return Packages(out, runtime and runtime[1])


def runtime_in(host, packages):
    """Lets a host see the Swift runtime where this machine has it, for packages that need one."""
    if packages.runtime:
        host.bind(packages.runtime)
