"""A lab fleet for a test: `fleetctl lab` and the commands of an operator, and how trees are compared."""
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
import unittest

# Absolute, and in the environment, too: what a test starts may run in another folder.
BIN = os.path.abspath(os.environ.get("FLEET_BIN") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "..", ".build", "release"))
os.environ["FLEET_BIN"] = BIN
FLEETCTL = os.path.join(BIN, "fleetctl")
# A host that was taken over (Tests/Hostile).
HOSTILE = os.path.join(BIN, "fleet-hostile")
LONG = bool(os.environ.get("FLEET_LONG"))
DEADLINE = 120.0


class Finished:
    """What a command printed and how it ended."""

    def __init__(self, arguments, code, out, err):
        self.arguments, self.code, self.out, self.err = arguments, code, out, err

    @property
    def json(self):
        return json.loads(self.out)

    def __str__(self):
        return f"$ {' '.join(map(str, self.arguments))}\nexit {self.code}\n--- out\n{self.out}--- err\n{self.err}"


def run(*arguments, expect=0, timeout=DEADLINE, environment=None):
    """Runs fleetctl; fails unless it ends with `expect` (None: any code)."""
    command = [FLEETCTL, *map(str, arguments)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout,
                          env={**os.environ, **(environment or {})})
    finished = Finished(["fleetctl", *arguments], done.returncode, done.stdout.decode(errors="replace"),
                        done.stderr.decode(errors="replace"))
    if expect is not None and finished.code != expect:
        raise AssertionError(f"expected exit {expect}\n{finished}")
    return finished


def wait_until(condition, what, deadline=DEADLINE):
    """Waits for a state; there is no other waiting in these tests."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline} s: {what}")
        time.sleep(0.02)


class Lab:
    """One lab in a folder of its own."""

    def __init__(self, mirrors=3, options=()):
        self.folder = tempfile.mkdtemp(prefix="fleet-e2e-")
        self.path = os.path.join(self.folder, "lab")
        self.fleet = os.path.join(self.path, "fleet.yaml")
        run("lab", "up", "--dir", self.path, "--mirrors", mirrors, *options)
        self.mirrors = [f"m{n + 1}" for n in range(mirrors)]

    def __call__(self, *arguments, **options):
        return run("-f", self.fleet, *arguments, **options)

    def lab(self, verb, *hosts, **options):
        return run("lab", verb, "--dir", self.path, *hosts, **options)

    def host(self, name, *parts):
        where = [] if name == "coordinator" else ["hosts"]
        return os.path.join(self.path, *where, name, *parts)

    def reconfigure(self, *replacements):
        """Changes the text of fleet.yaml, and lets the coordinator read it."""
        with open(self.fleet) as file:
            text = file.read()
        for old, new in replacements:
            assert old in text, f"no {old!r} in {self.fleet}"
            text = text.replace(old, new)
        with open(self.fleet, "w") as file:
            file.write(text)
        self.lab("stop", "coordinator")
        self.lab("start", "coordinator")

    def address(self, name):
        """HOST:PORT of a host or the coordinator."""
        with open(os.path.join(self.path, "lab.json")) as file:
            lab = json.load(file)
        return next(host["address"] for host in [lab["coordinator"], *lab["hosts"]] if host["name"] == name)

    def name(self):
        """What the fleet is called."""
        with open(self.fleet) as file:
            return re.search(r"^name: (\S+)", file.read(), re.M).group(1)

    def identity(self, name):
        """The options of fleet-hostile for one with the keys of a host or the coordinator."""
        prefix = "coordinator" if name == "coordinator" else "agent"
        files = {"certificate": f"{prefix}.pem", "key": f"{prefix}.key", "authority": "authority.pem"}
        return [word for key, file in files.items() for word in (f"--{key}", self.host(name, file))]

    def served(self, name, set="debian"):
        """The served tree of a host, by its resolved path."""
        return os.path.realpath(self.host(name, "srv", set))

    def log(self, name):
        with open(self.host(name, "agent.log"), errors="replace") as file:
            return file.read()

    def pid(self, name):
        with open(self.host(name, "agent.pid")) as file:
            return int(file.read())

    def status(self):
        return self("status", "-o", "json").json

    def mirror(self, name, set=None):
        mirror = next(m for m in self.status()["mirrors"] if m["name"] == name)
        return mirror if set is None else next(s for s in mirror["sets"] if s["name"] == set)

    def scratch(self, name):
        path = os.path.join(self.folder, name)
        os.makedirs(path, exist_ok=True)
        return path

    def close(self):
        run("lab", "down", "--dir", self.path, expect=None)
        if not os.environ.get("FLEET_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)


class LabTest(unittest.TestCase):
    """A test with a lab of `mirrors` mirrors."""

    mirrors = 3

    def setUp(self):
        self.fleet = Lab(self.mirrors)
        self.addCleanup(self.close)

    def close(self):
        failed = self._outcome.result.errors + self._outcome.result.failures
        if any(test is self for test, _ in failed):
            for name in ["origin", *self.fleet.mirrors]:
                try:
                    print(f"--- log of {name} (end)\n" + "\n".join(self.fleet.log(name).splitlines()[-15:]))
                except OSError as error:
                    print(f"--- no log of {name}: {error}")
        self.fleet.close()

    def reader(self):
        """The fleet's file of somebody who may only read, on a machine of its own: a root is all that it has."""
        keys = os.path.join(self.fleet.path, "keys")
        place = self.fleet.scratch("reader")
        run("keys", "issue", "--dir", keys, "reader", "looker", "--out", place)
        with open(self.fleet.fleet) as file:
            text = file.read()
        for name in ("certificate", "key", "authority"):
            file = {"certificate": "reader.pem", "key": "reader.key", "authority": "authority.pem"}[name]
            text, count = re.subn(rf"(?m)^(\s+{name}: ).*$", rf"\g<1>{place}/{file}", text, count=1)
            self.assertEqual(count, 1, text)
        metadata = os.path.join(place, "trust", "metadata")
        os.makedirs(metadata)
        held = os.path.join(self.fleet.path, "trust", "metadata")
        for name in os.listdir(held):
            if name.endswith("root.json"):
                shutil.copy(os.path.join(held, name), metadata)
        path = os.path.join(place, "fleet.yaml")
        with open(path, "w") as file:
            file.write(text)
        return path

    def assertServed(self, source, set="debian", mirrors=None):
        """Every mirror serves exactly `source`: names, types, bytes, exec bits, times, link targets."""
        wanted = listing(source)
        for name in mirrors or self.fleet.mirrors:
            self.assertEqual(wanted, listing(self.fleet.served(name, set)), f"{name} does not serve {source}")


def write(path, content, mode=None, modified=None):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)
    if mode is not None:
        os.chmod(path, mode)
    if modified is not None:
        os.utime(path, (modified, modified))


def modified_at(seen):
    """The whole seconds of a modification time. Not of the float, which rounds the last 100 ns of a second up."""
    return seen.st_mtime_ns // 10**9


def listing(root):
    """Everything that a served tree promises of each path, in a form that compares."""
    root = os.fsencode(root)
    found = {b".": ("directory", modified_at(os.lstat(root)))}
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = os.path.join(folder, name)
            seen = os.lstat(path)
            relative = os.path.relpath(path, root)
            if stat.S_ISLNK(seen.st_mode):
                found[relative] = ("symlink", os.readlink(path), modified_at(seen))
            elif stat.S_ISDIR(seen.st_mode):
                found[relative] = ("directory", modified_at(seen))
            else:
                with open(path, "rb") as file:
                    content = file.read()
                found[relative] = ("file", bool(seen.st_mode & 0o100), modified_at(seen), len(content), hash(content))
    return found


def signal_host(lab, name, number=signal.SIGKILL):
    os.kill(lab.pid(name), number)
