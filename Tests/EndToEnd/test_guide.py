"""The guide docs/guides/first-fleet.md and the README, word by word: their files and commands, on one machine. So are those
to mirrors, to a release that is rolled back, and to a coordinator that comes back from a backup.

Only what one machine must change is changed: names and ports of hosts become addresses on loopback, paths on a host
become paths below a folder of that host, `ssh HOST` runs here and `scp` copies.
"""
import os
import re
import shutil
import socket
import subprocess
import tempfile
import unittest

from lab import BIN, DEADLINE, listing, wait_until, write
from terminal import at_terminal

TREE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
GUIDE = os.path.join(TREE, "docs", "guides", "first-fleet.md")
MIRRORS = os.path.join(TREE, "docs", "guides", "mirrors.md")
ROLL_BACK = os.path.join(TREE, "docs", "guides", "roll-back.md")
LOST = os.path.join(TREE, "docs", "guides", "coordinator-lost.md")
README = os.path.join(TREE, "README.md")
HOSTS = {"coord1": "127.0.1.201", "origin1": "127.0.1.202", "fra1": "127.0.1.203", "ams1": "127.0.1.204"}
AGENTS = ["origin1", "fra1"]


def free_port():
    """A port that is free on every address."""
    for port in range(20000 + os.getpid() % 5000, 32000):
        sockets = []
        try:
            for address in HOSTS.values():
                sockets.append(socket.socket())
                sockets[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sockets[-1].bind((address, port))
            return port
        except OSError:
            continue
        finally:
            for each in sockets:
                each.close()
    raise AssertionError("no free port")


def blocks(text):
    """The code blocks of the guide in order: (language, the last words before it, content)."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S)
    before = re.split(r"^```\w*\n.*?^```$", text, flags=re.M | re.S)
    return [(language, words, content) for (language, content), words in zip(found, before)]


class GuideSteps(unittest.TestCase):
    """One who follows guides, with hosts that are folders of this machine."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="fleet-e2e-guide-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.desk = os.path.join(self.folder, "desk")
        os.mkdir(self.desk)
        self.port = free_port()
        self.running = {}
        self.addCleanup(self.end)

    def end(self):
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            process.wait(timeout=30)

    def stop(self, host):
        """Ends what runs on a host."""
        self.running[host].terminate()
        self.running.pop(host).wait(timeout=30)

    def local(self, text, host):
        """`text`, which is for `host`, with addresses and paths of this machine."""
        text = re.sub(r"\b0\.0\.0\.0:74\d\d\b", f"{HOSTS[host]}:{self.port}", text)
        # fleet.yaml goes to the coordinator and names the place of the source on the origin.
        text = re.sub(r"(?<![\w./])/srv/origin\b", self.path("origin1", "/srv/origin"), text)
        text = re.sub(r"(?<![\w./])/(etc|var|srv)\b", self.path(host, r"\1"), text)
        for name, address in HOSTS.items():
            text = re.sub(rf"\b{name}\.example\.org:74\d\d\b", f"{address}:{self.port}", text)
        return text

    def path(self, host, path):
        """Where a path on `host` is on this machine."""
        return os.path.join(self.folder, host, path.lstrip("/"))

    def run_line(self, line, folder=None):
        """One command on the operator's desk, or in another folder; what it printed."""
        if copy := re.fullmatch(r"scp (.*) (\w+)\.example\.org:(\S+)", line):
            line = f"cp {copy[1]} {self.path(copy[2], copy[3])}/"
        elif away := re.fullmatch(r"ssh (\w+)\.example\.org (.*)", line):
            line = self.local(away[2], away[1])
        code, shown = at_terminal(line, folder or self.desk)
        self.assertEqual(0, code, f"$ {line}\n{shown}")
        return shown

    def run_on_coordinator(self, line):
        """One command of root on the coordinator's host."""
        if line == "systemctl stop fleet-coordinator":
            self.stop("coord1")
        elif line == "systemctl start fleet-coordinator":
            self.start(self.coordinator, "coord1")
            wait_until(self.status, "the coordinator answers")
        else:
            self.run_line(self.local(line, "coord1"))

    def wait_for_reports(self):
        """Until the coordinator has heard of every host."""
        wait_until(lambda: "unknown" not in (self.status() or "unknown"), "every host has reported")

    def start(self, command, host):
        log = open(os.path.join(self.folder, f"{host}.log"), "wb")
        self.addCleanup(log.close)
        self.running[host] = subprocess.Popen(
            ["bash", "-c", "exec " + self.local(command, host)], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env={**os.environ, "PATH": BIN + ":" + os.environ["PATH"]})

    def status(self):
        """The table of `fleetctl status`, or nothing while the coordinator does not answer."""
        done = subprocess.run([os.path.join(BIN, "fleetctl"), "-f", "fleet.yaml", "status"], cwd=self.desk,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE)
        return done.stdout.decode() if done.returncode == 0 else ""

    def follow(self, path, commands, before={}):
        """Types what the guide says, at least so many commands, and does what is said before some of them; its text."""
        with open(path) as file:
            guide = file.read()
        wanted, commands = commands, 0
        for language, words, content in blocks(guide):
            if language == "yaml":
                # The file is the one named last before its content.
                name = re.findall(r"(out/\w+/agent\.yaml|fleet\.yaml)", words)[-1]
                host = name.split("/")[1] if name.startswith("out/") else "coord1"
                write(os.path.join(self.desk, name), self.local(content, host).encode())
                continue
            if "runuser -u mirrorfleet" in content:
                # The other way, on a host that has the package: test_deploy goes it.
                continue
            if " publish " in content:
                self.make_source()
            for line in content.replace("\\\n", " ").splitlines():
                line = line.split("  #")[0].strip()
                commands += 1
                for part, act in before.items():
                    if part in line:
                        act()
                if line.startswith("fleet-coordinator "):
                    self.coordinator = line
                    self.start(line, "coord1")
                    wait_until(self.status, "the coordinator answers")
                elif line.startswith("fleet-agent "):
                    for host in AGENTS:
                        self.start(line, host)
                    self.wait_for_reports()
                elif line.endswith(" validate fleet.yaml"):
                    self.assertIn("ok", self.run_line(line))
                else:
                    self.run_line(line)
        self.assertGreater(commands, wanted, "the blocks of the guide were found")
        return guide

    def add_to_fleet(self, name):
        """Adds a line like that of fra1 to fleet.yaml; the file, and what it was before."""
        file = os.path.join(self.desk, "fleet.yaml")
        with open(file) as opened:
            text = opened.read()
        line = next(line for line in text.splitlines() if "name: fra1" in line)
        added = line.replace("fra1", name).replace(HOSTS["fra1"], HOSTS[name])
        write(file, text.replace(line, line + "\n" + added).encode())
        return file, text

    def make_source(self):
        top = self.path("origin1", "/srv/origin/debian")
        write(os.path.join(top, "pool", "a.deb"), os.urandom(300_000), modified=1_700_000_000)
        write(os.path.join(top, "pool", "b.sh"), b"#!/bin/sh\n", mode=0o755)
        os.symlink("pool/a.deb", os.path.join(top, "latest"))


class GuideTest(GuideSteps):
    def test_the_guide_makes_a_fleet(self):
        guide = self.follow(GUIDE, commands=15)
        link = self.path("fra1", "/srv/mirror/debian")
        self.assertEqual(".releases/debian/1", os.readlink(link))
        source = os.path.join(self.folder, "origin1", "srv", "origin", "debian")
        self.assertEqual(listing(source), listing(os.path.realpath(link)))
        cron = re.search(r"In\s+cron, `([^`]+)`", guide)[1]
        self.assertIn("unchanged", self.run_line(cron.replace("\n", " ")))

    def test_the_guide_adds_and_removes_a_mirror(self):
        self.follow(GUIDE, commands=15)
        # "Add a line under mirrors." - "Take its lines out of fleet.yaml."
        file, text = self.add_to_fleet("ams1")
        self.follow(MIRRORS, commands=6, before={"mirror expunge": lambda: write(file, text.encode())})
        members = self.run_line("fleetctl -f fleet.yaml mirror list")
        self.assertNotIn("ams1", members)
        self.assertRegex(members, r"fra1 .* joined ")

    def test_the_guide_rolls_a_release_back(self):
        source, link = self.path("origin1", "/srv/origin/debian"), self.path("fra1", "/srv/mirror/debian")
        bad, worse = (os.path.join("pool", name) for name in ["bad.deb", "b.sh"])
        write(os.path.join(source, bad), b"good", modified=1_700_000_000)
        self.follow(GUIDE, commands=15)
        before = listing(source)
        for name in [bad, worse]:
            write(os.path.join(source, name), b"not what it was", modified=1_700_000_100)
        self.run_line("fleetctl -f fleet.yaml publish debian")
        self.run_line("fleetctl -f fleet.yaml sync --wait")

        def check():
            self.assertFalse(os.path.exists(os.path.join(link, bad)), "it is yanked")
            with open(os.path.join(link, worse), "rb") as file:
                self.assertEqual(b"not what it was", file.read())
        self.follow(ROLL_BACK, commands=5, before={"release list": check})
        self.assertEqual(".releases/debian/3", os.readlink(link))
        yanked = listing(os.path.realpath(link))
        self.assertEqual({os.fsencode(bad)}, before.keys() - yanked.keys())
        with open(ROLL_BACK) as file:
            self.run_line(re.search(r"`(fleetctl [^`]* unyank [^`]*)`", file.read())[1])
        self.assertEqual(before, listing(os.path.realpath(link)))

    def test_the_guide_brings_a_coordinator_back_from_a_backup(self):
        with open(LOST) as file:
            sections = dict(part.split("\n", 1) for part in re.split(r"^## ", file.read(), flags=re.M)[1:])
        take, put_back = (content.splitlines() for _, _, content in blocks(sections["With a backup"]))
        _, _, new_term = blocks(sections["Its disk is gone, or its host"])[1]
        self.follow(GUIDE, commands=15)
        self.run_line('fleetctl -f fleet.yaml mirror limit fra1 --up 50MB --reason "thin line"')
        for folder in ["/var/backups", "/var/elsewhere"]:
            os.makedirs(self.path("coord1", folder))
        for line in take:
            self.run_on_coordinator(line)
        backup = self.path("coord1", "/var/backups/fleet")
        # A plan that the backup does not know; then the disk is gone, and an empty one is in its place.
        self.release(b"second")
        self.stop("coord1")
        os.rename(backup, self.path("coord1", "/var/elsewhere/fleet"))
        shutil.rmtree(self.path("coord1", "/var/lib/mirrorfleet/coordinator"))
        self.run_on_coordinator("systemctl start fleet-coordinator")
        self.assertNotIn("limited to", self.run_line("fleetctl -f fleet.yaml mirror show fra1"))
        os.rename(self.path("coord1", "/var/elsewhere/fleet"), backup)
        for line in put_back:
            self.run_on_coordinator(line)
        self.wait_for_reports()
        self.assertEqual("cd ..", new_term.splitlines()[0])
        for line in new_term.splitlines()[1:]:
            self.run_line(line, self.folder)
        self.assertIn("limited to 50.0 MB/s up", self.run_line("fleetctl -f fleet.yaml mirror show fra1"))
        self.release(b"third")

    def release(self, content):
        """Publishes another file, and looks whether the mirror serves it."""
        write(self.path("origin1", "/srv/origin/debian/number"), content)
        for verb in ["publish debian", "sync --wait"]:
            self.run_line(f"fleetctl -f fleet.yaml {verb}")
        with open(self.path("fra1", "/srv/mirror/debian/number"), "rb") as file:
            self.assertEqual(content, file.read())


class ReadmeTest(unittest.TestCase):
    def test_the_commands_of_the_readme_end_well(self):
        folder = tempfile.mkdtemp(prefix="fleet-e2e-readme-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        with open(README) as file:
            block = next(content for _, _, content in blocks(file.read()) if "lab up" in content)
        build, _, commands = block.partition("\n")
        self.assertIn("scripts/build", build, "the programs are built already")
        self.addCleanup(subprocess.run, [os.path.join(BIN, "fleetctl"), "lab", "down", "--dir", folder + "/lab"],
                        capture_output=True)
        done = subprocess.run(
            ["bash", "-euc", commands.replace("/tmp/lab", folder + "/lab")], stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=DEADLINE,
            env={**os.environ, "PATH": BIN + ":" + os.environ["PATH"]})
        self.assertEqual(0, done.returncode, done.stdout)
        self.assertIn("3 of 3 mirrors serve the newest release", done.stdout)
        self.assertFalse(os.path.exists(folder + "/lab"), "--purge removes the lab")


if __name__ == "__main__":
    unittest.main()
