"""A fleet that is deployed as docs/guides/ansible.md says: bare hosts with systemd, and an operator's machine where the
lines of the guides are typed, word by word.

Only what is the reader's own is added: the way SSH gets in, and that packages and programs are those under test.
"""
import os
import re
import shlex
import shutil
import subprocess
import time
import unittest

import hosts
from lab import BIN, FLEETCTL, LONG, write
from packages import TREE, pack, runtime_in
from terminal import PASSPHRASE, at_terminal
from test_guide import blocks

COORDINATOR, ORIGIN = "coord1", "origin1"
GUIDE_MIRRORS = ["fra1", "iad1"]
# The long run has others, too, as "Later" in the guide says.
MIRRORS = [*GUIDE_MIRRORS, "nrt1", "sin1"] if LONG else GUIDE_MIRRORS
ADDED = ["syd1"] if LONG else []
PLAY_DEADLINE = 900
GUIDES = os.path.join(TREE, "docs", "guides")


class Recap:
    """What a playbook did, by host."""

    def __init__(self, text, seconds):
        self.text, self.seconds = text, seconds
        self.hosts = {name: {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", line)}
                      for name, line in re.findall(r"^(\S+)\s+: (ok=.*)$", text, re.M)}

    @property
    def changed(self):
        return sum(each["changed"] for each in self.hosts.values())

    def tasks(self, words):
        """(host, task) of the tasks that say so in the text."""
        found, task = set(), None
        for line in self.text.splitlines():
            if heading := re.match(r"(?:TASK|RUNNING HANDLER) \[(.*?)\]", line):
                task = heading[1]
            elif mark := re.match(rf"{words}: \[(\S+?)(?: -> \S+)?\]", line):
                found.add((mark[1], task))
        return found


def guide(name, heading=None):
    """The text of a guide, or of its section with this heading."""
    with open(os.path.join(GUIDES, name)) as file:
        text = file.read()
    if heading is None:
        return text
    return next(part for part in re.split(r"^## ", text, flags=re.M)[1:] if part.startswith(heading))


def lines(text):
    """The commands in the blocks of a guide, continued lines as one."""
    return [line for language, _, content in blocks(text) if not language
            for line in content.replace("\\\n", " ").splitlines()]


def inline(name, pattern):
    """The first command that matches in the text of a guide, not in a block."""
    plain = re.sub(r"^```.*?^```$", "", guide(name), flags=re.M | re.S)
    return next(line for line in re.findall(r"`([^`\n]+)`", plain) if re.search(pattern, line))


class Deployment(unittest.TestCase):
    """Bare hosts, and what an operator has before the first deployment: the desk of the guide."""

    mirrors, added = MIRRORS, ADDED

    def setUp(self):
        if reason := hosts.why_not():
            self.skipTest(reason)
        for tool in ["ansible-playbook", "ssh", "ssh-keygen"]:
            if not shutil.which(tool):
                self.skipTest(f"no {tool} here: apt-get install ansible-core openssh-client")
        self.hosts = hosts.Hosts(COORDINATOR, ORIGIN, *self.mirrors, *self.added)
        self.addCleanup(self.close)
        # The top of a source tree, as far as guides use it.
        self.work = os.path.join(self.hosts.folder, "work")
        self.desk, self.plays = os.path.join(self.work, "desk"), os.path.join(self.work, "ansible")
        os.mkdir(self.work)
        shutil.copytree(os.path.join(TREE, "ansible"), self.plays)
        self.use_packages(pack())
        self.ssh = os.path.join(self.hosts.folder, "ssh")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.ssh], check=True)
        for host in self.hosts.hosts.values():
            self.let_in(host)
        self.make_desk()
        self.hosts.boot()

    def let_in(self, host):
        """What a bare host has before Ansible comes."""
        runtime_in(host, self.packages)
        with open(self.ssh + ".pub") as file:
            host.write("/root/.ssh/authorized_keys", file.read(), 0o600)

    def use_packages(self, packages):
        """From now on these are what `scripts/package` made."""
        self.packages = packages
        place = os.path.join(self.work, ".build-package", "packages")
        os.makedirs(os.path.dirname(place), exist_ok=True)
        if os.path.lexists(place):
            os.unlink(place)
        os.symlink(packages.folder, place)

    def close(self):
        failed = self._outcome.result.errors + self._outcome.result.failures
        if any(test is self for test, _ in failed):
            for name, host in self.hosts.hosts.items():
                if host.leader():
                    unit = "fleet-coordinator" if name == COORDINATOR else "fleet-agent"
                    print(f"--- journal of {name} (end)\n" + host.run(
                        "journalctl", "-u", unit, "-n", "15", "--no-pager", expect=None))
        self.hosts.close()

    def make_desk(self):
        """Sections 1 to 3 of the guide; then what a test wants otherwise."""
        for heading in ["1. ", "2. ", "3. "]:
            self.follow(guide("ansible.md", heading))
        write(f"{self.desk}/passphrase", PASSPHRASE.encode() + b"\n", mode=0o600)
        with open(f"{self.desk}/fleet.yaml") as file:
            text = file.read()
        self.assertIn("report_interval: 30s", text)
        write(f"{self.desk}/fleet.yaml", text.replace("report_interval: 30s", "report_interval: 1s").encode())
        if self.mirrors != GUIDE_MIRRORS:
            self.name_mirrors(self.mirrors)
            self.export()

    def name_mirrors(self, mirrors):
        """Lets fleet.yaml name these mirrors, each by a line like that which `fleetctl init` wrote."""
        with open(f"{self.desk}/fleet.yaml") as file:
            text = file.read()
        kept = [line for line in text.splitlines() if not re.match(r"  - \{name: '\w+', (region|address):", line)]
        added = [f"  - {{name: '{name}', region: 'eu', address: '{name}.example.org:7444'}}" for name in mirrors]
        write(f"{self.desk}/fleet.yaml", "\n".join(kept + added + [""]).encode())

    def export(self):
        """Writes the inventory anew, as the guide does."""
        command = next(line for line in lines(guide("ansible.md", "3. ")) if " export " in line)
        self.at = self.work
        self.type(command)

    def follow(self, text, goes_on=False):
        """Writes the files of a guide and types its commands, from the top of the tree or, if it goes on, from where
        the text before has led; what plays did."""
        recaps, self.at = [], self.at if goes_on else self.work
        found = blocks(text)
        self.assertTrue(found, text)
        for language, words, content in found:
            if language == "yaml":
                name = re.findall(r"`(desk/[\w./]+\.ya?ml)`", words)[-1]
                write(os.path.join(self.work, name), content.encode())
                continue
            self.assertEqual("", language, content)
            for line in content.replace("\\\n", " ").splitlines():
                done = self.type(line)
                if isinstance(done, Recap):
                    recaps.append(done)
        return recaps

    def type(self, line):
        """Types one command on the operator's machine, in the folder where the last `cd` led; what it printed, or what
        a play did."""
        if line.startswith("cd "):
            self.at = os.path.normpath(os.path.join(self.at, line[3:]))
            self.assertTrue(os.path.isdir(self.at), line)
            return ""
        if line == "scripts/package":
            return ""  # `use_packages` said what it makes; test_packages looks at it
        began = time.monotonic()
        code, shown = at_terminal(f"exec ip netns exec {self.hosts.bridge} bash -c {shlex.quote(line)}", self.at,
                                  deadline=PLAY_DEADLINE, environment=self.environment())
        self.assertEqual(0, code, f"$ {line}\n{shown}")
        if not line.startswith("ansible-playbook"):
            return shown
        recap = Recap(shown, time.monotonic() - began)
        print(f"    {line.split('inventory.json ')[1]}: {recap.seconds:.0f} s, {recap.changed} changed")
        return recap

    def play(self, pattern, *more, page="ansible.md", mirror=None):
        """Runs the playbook whose command in the text of a guide matches, for a mirror that has another name there."""
        line = inline(page, rf"^ansible-playbook .*{pattern}")
        self.at = self.plays
        return self.type(" ".join([line.replace("NAME", mirror or "NAME"), *more]))

    def type_on(self, name, line):
        """Types a command as root on a host, in /root; what it printed."""
        host = self.hosts[name]
        inside = shlex.quote("cd /root && " + line)
        code, shown = at_terminal(f"exec nsenter -t {host.leader()} -a -- bash -c {inside}", "/",
                                  environment={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"})
        self.assertEqual(0, code, f"{name}$ {line}\n{shown}")
        return shown

    def environment(self):
        """In which Ansible runs: how SSH gets in."""
        return {"PATH": BIN + ":" + os.environ["PATH"], "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8",
                "ANSIBLE_LOCAL_TEMP": f"{self.hosts.folder}/tmp",
                "ANSIBLE_SSH_CONTROL_PATH_DIR": f"/tmp/{self.hosts.prefix}",
                "ANSIBLE_PRIVATE_KEY_FILE": self.ssh, "ANSIBLE_TIMEOUT": "60",
                "ANSIBLE_SSH_COMMON_ARGS": "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"}

    def fleetctl(self, *arguments, fleet=True):
        """Runs `fleetctl` on the operator's machine; what it printed."""
        return self.hosts.call(FLEETCTL, *(["-f", f"{self.desk}/fleet.yaml"] if fleet else []), *arguments)

    def sign(self, *arguments):
        """The same, for what is signed with a key of the desk."""
        return self.fleetctl(*arguments, "--passphrase-file", f"{self.desk}/passphrase")

    def publish(self, number):
        top = self.hosts[ORIGIN].path("/srv/origin/debian")
        write(os.path.join(top, "number"), str(number).encode())
        write(os.path.join(top, "pool", f"{number}.deb"), os.urandom(200_000))
        self.sign("publish", "debian")
        self.fleetctl("sync", "--wait")

    def served(self, name):
        """What a client of the host's web server sees."""
        return self.hosts.call("curl", "-sSf", "--max-time", "10", f"http://{self.hosts[name].address}/debian/number")

    def install_fleetctl(self, name):
        with open(self.packages.files["fleetctl"], "rb") as file:
            self.hosts[name].write("/root/fleetctl.deb", file.read())
        self.hosts[name].run("dpkg", "--install", "/root/fleetctl.deb")
