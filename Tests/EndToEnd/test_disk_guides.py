"""The guides docs/guides/adopt.md and replace-a-disk.md, word by word, in the fleet of first-fleet.md.

`systemctl` and `runuser` stand for what they do on a host: the agent of it starts, stops, and this user is the agent's.
"""
import os
import re
import shutil
import subprocess
import unittest

from lab import listing, wait_until, write
from test_guide import BIN, GUIDE, HOSTS, MIRRORS, TREE, GuideSteps, blocks

ADOPT = os.path.join(TREE, "docs", "guides", "adopt.md")
DISK = os.path.join(TREE, "docs", "guides", "replace-a-disk.md")
AGENT = "fleet-agent --config /etc/mirrorfleet/agent.yaml"


class DiskGuides(GuideSteps):
    def type_on(self, host, line):
        """A line of a guide that is for a host; what it printed."""
        line = re.sub(r"^runuser -u mirrorfleet -- ", "", line)
        line = re.sub(r"\bmirrorfleet:(mirrorfleet)?", f"{os.getuid()}:{os.getgid()}", line)
        if verb := re.fullmatch(r"systemctl (start|stop|restart) fleet-agent", line):
            if verb[1] != "start":
                self.stop(host)
            if verb[1] != "stop":
                self.start(AGENT, host)
                wait_until(lambda: 'msg="ready"' in self.log(host), f"{host} serves")
                wait_until(lambda: self.line(host) and "unknown" not in self.line(host), f"{host} has reported")
            return ""
        return self.run_line(f"ssh {host}.example.org {line}")

    def log(self, host):
        with open(os.path.join(self.folder, f"{host}.log"), errors="replace") as file:
            return file.read()

    def line(self, host):
        """What the status says of a host."""
        return next((line for line in self.status().splitlines() if line.startswith(host)), "")

    def tree(self, host):
        return os.path.realpath(self.path(host, "/srv/mirror/debian"))

    def test_a_tree_that_is_there_is_adopted(self):
        self.follow(GUIDE, commands=15)
        # "Add a line under mirrors", and what `mirrors.md` says before the host joins.
        self.add_to_fleet("ams1")
        self.run_line("fleetctl -f fleet.yaml apply")
        source, there = self.path("origin1", "/srv/origin/debian"), self.path("ams1", "/srv/mirror/debian")
        shutil.copytree(source, there, symlinks=True)
        write(os.path.join(there, "pool", "old.deb"), b"what rsync had and the release has not")
        inode = os.stat(os.path.join(there, "pool", "a.deb")).st_ino
        join = [line for line in self.lines(MIRRORS) if "ams1" in line and ("ssh" in line or "scp" in line)][:3]
        self.assertIn("fleet-agent join", join[-1])
        commands = self.lines(ADOPT, "fra1", "ams1")
        self.assertEqual(7, len(commands), commands)
        for line in commands:
            if line.startswith("fleetctl -f fleet.yaml mirror pause"):
                self.run_line(line)
                for each in join:
                    self.run_line(each)
                self.type_on("ams1", "systemctl start fleet-agent")
            elif line.startswith("fleetctl"):
                self.run_line(line)
            else:
                shown = self.type_on("ams1", line)
                if " adopt " in line:
                    self.assertIn("3 linked", shown)
        self.assertEqual(listing(source), listing(self.tree("ams1")))
        self.assertEqual(inode, os.stat(os.path.join(self.tree("ams1"), "pool", "a.deb")).st_ino, "no byte was copied")
        with open(ADOPT) as file:
            text = file.read()
        remove = re.search(r"`(rm -r /srv/mirror/\.adopted/\w+)`", text)[1]
        self.assertTrue(os.path.exists(self.path("ams1", "/srv/mirror/.adopted/debian/pool/old.deb")))
        self.type_on("ams1", remove)
        self.assertEqual(listing(source), listing(self.tree("ams1")))

    def test_a_disk_is_replaced(self):
        if shutil.which("rsync") is None:
            self.skipTest("rsync is not installed: apt-get install rsync")
        self.follow(GUIDE, commands=15)
        source = self.path("origin1", "/srv/origin/debian")
        copy, empty, rebuild = [content.strip().splitlines()
                                for language, _, content in self.guide(DISK) if not language]
        old, new = self.path("fra1", "/srv/mirror"), self.path("fra1", "/mnt/new")
        os.makedirs(new)
        for line in copy:
            self.type_on("fra1", line.replace("/mnt/new", new))
        # "Mount the new disk at /srv/mirror": it takes the old one's place.
        shutil.rmtree(old)
        os.rename(new, old)
        self.type_on("fra1", "systemctl start fleet-agent")
        self.assertIn("fra1", self.desk_line(DISK, "verify fra1"))
        self.assertEqual(listing(source), listing(self.tree("fra1")))
        # "It is gone": an empty one is at its place, and the agent still has the old one open.
        os.rename(old, old + ".gone")
        os.mkdir(old)
        for line in empty:
            self.type_on("fra1", line)
        self.desk_line(DISK, "sync --wait")
        self.assertEqual(listing(source), listing(self.tree("fra1")))
        # "Only the database is gone."
        self.stop("fra1")
        databases = [name for name in os.listdir(os.path.join(old, ".store")) if name.startswith("store.db")]
        self.assertTrue(databases, os.listdir(os.path.join(old, ".store")))
        for name in databases:
            os.unlink(os.path.join(old, ".store", name))
        for line in rebuild:
            self.type_on("fra1", f"{line} --config /etc/mirrorfleet/agent.yaml")
        self.type_on("fra1", "systemctl start fleet-agent")
        self.assertEqual(listing(source), listing(self.tree("fra1")))
        self.assertIn("in-sync", self.line("fra1"))

    def guide(self, path):
        with open(path) as file:
            return blocks(file.read())

    def lines(self, path, name=None, instead=None):
        """The command lines in the blocks of a guide, of another host than it names."""
        text = "".join(content for language, _, content in self.guide(path) if not language)
        return re.sub(rf"\b{name}\b", instead, text).splitlines() if name else text.splitlines()

    def desk_line(self, path, words):
        """Types a command that stands in the text of a guide, on the desk; what it printed."""
        with open(path) as file:
            line = next(line for line in re.findall(r"`(fleetctl [^`]+)`", file.read()) if line.endswith(words))
        return self.run_line(line.replace("desk/fleet.yaml", "fleet.yaml"))


if __name__ == "__main__":
    unittest.main()
