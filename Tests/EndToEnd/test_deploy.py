"""A fleet from packages on Debian hosts with systemd: deployed over SSH by the playbooks of ansible/, used, harmed, upgraded,
and removed."""
import json
import os
import re
import shutil
import subprocess
import threading
import time
import unittest

import hosts
from apt_clients import Archive, Client, check_lists_around_a_flip
from lab import BIN, FLEETCTL, LONG, listing, wait_until, write
from packages import TREE, pack, runtime_in
from test_guide import blocks

COORDINATOR, ORIGIN = "coord1", "origin1"
MIRRORS = ["fra1", "iad1", "nrt1", "sin1"] if LONG else ["fra1", "iad1"]
ADDED = ["syd1"] if LONG else []
PLAYS = os.path.join(TREE, "ansible")
PLAY_DEADLINE = 900
FLEET = """apiVersion: fleet/v1
name: example
coordinator:
  listen: "0.0.0.0:7443"
  address: "https://{coordinator}:7443"
  state: /var/lib/mirrorfleet/coordinator
  report_interval: 1s
operator: {{certificate: keys/operator.pem, key: keys/operator.key, authority: keys/authority.pem}}
trust: {{folder: trust}}
sets:
  - {{name: debian, origin: origin1, source: /srv/origin/debian, replicas: 1}}
defaults: {{sets: [debian]}}
mirrors:
"""


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


class Deployment(unittest.TestCase):
    """Bare hosts, and what an operator has before the first deployment."""

    def setUp(self):
        if reason := hosts.why_not():
            self.skipTest(reason)
        for tool in ["ansible-playbook", "ssh", "ssh-keygen"]:
            if not shutil.which(tool):
                self.skipTest(f"no {tool} here: apt-get install ansible-core openssh-client")
        self.packages = pack()
        self.hosts = hosts.Hosts(COORDINATOR, ORIGIN, *MIRRORS, *ADDED)
        self.addCleanup(self.close)
        self.desk = os.path.join(self.hosts.folder, "desk")
        os.mkdir(self.desk)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{self.desk}/ssh"], check=True)
        with open(f"{self.desk}/ssh.pub") as file:
            public = file.read()
        for host in self.hosts.hosts.values():
            runtime_in(host, self.packages)
            host.write("/root/.ssh/authorized_keys", public, 0o600)
        self.prepare_desk()
        self.hosts.boot()

    def close(self):
        failed = self._outcome.result.errors + self._outcome.result.failures
        if any(test is self for test, _ in failed):
            for name, host in self.hosts.hosts.items():
                if host.leader():
                    unit = "fleet-coordinator" if name == COORDINATOR else "fleet-agent"
                    print(f"--- journal of {name} (end)\n" + host.run(
                        "journalctl", "-u", unit, "-n", "15", "--no-pager", expect=None))
        self.hosts.close()

    def prepare_desk(self, mirrors=MIRRORS):
        """What an operator has before the first deployment."""
        self.write_fleet(mirrors)
        if not os.path.exists(f"{self.desk}/keys"):
            self.fleetctl("keys", "init", "--dir", f"{self.desk}/keys", "--fleet", "example", fleet=False)
            self.fleetctl("trust", "init", "--no-passphrase")

    def write_fleet(self, mirrors):
        lines = [f"  - {{name: {ORIGIN}, role: origin, address: \"{self.hosts[ORIGIN].address}:7444\"}}"]
        lines += [f"  - {{name: {name}, address: \"{self.hosts[name].address}:7444\"}}" for name in mirrors]
        with open(f"{self.desk}/fleet.yaml", "w") as file:
            file.write(FLEET.format(coordinator=self.hosts[COORDINATOR].address) + "\n".join(lines) + "\n")
        agents = {name: {"ansible_host": self.hosts[name].address} for name in [ORIGIN, *mirrors]}
        agents[ORIGIN]["fleet_agent_publish_from"] = ["/srv/origin"]
        with open(f"{self.desk}/inventory.yml", "w") as file:
            json.dump({"all": {"vars": {
                "ansible_user": "root", "ansible_ssh_private_key_file": f"{self.desk}/ssh",
                "ansible_ssh_common_args": "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null",
                "fleet_desk": self.desk, "fleet_packages": self.packages.folder,
                "fleet_agent_http_frontend": "nginx",
            }, "children": {
                "fleet_coordinators": {"hosts": {COORDINATOR: {"ansible_host": self.hosts[COORDINATOR].address}}},
                "fleet_agents": {"hosts": agents}}}}, file)

    def environment(self):
        """In which Ansible runs."""
        return {**os.environ, "PATH": BIN + ":" + os.environ["PATH"], "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8",
                "ANSIBLE_LOCAL_TEMP": f"{self.desk}/tmp", "ANSIBLE_SSH_CONTROL_PATH_DIR": f"/tmp/{self.hosts.prefix}"}

    def play(self, name, *options):
        began = time.monotonic()
        text = self.hosts.call(
            "ansible-playbook", "-i", f"{self.desk}/inventory.yml", f"{name}.yml", *options, cwd=PLAYS, timeout=PLAY_DEADLINE,
            env={**self.environment(), "ANSIBLE_CONFIG": f"{PLAYS}/ansible.cfg"})
        recap = Recap(text, time.monotonic() - began)
        print(f"    {name} {' '.join(options)}: {recap.seconds:.0f} s, {recap.changed} changed")
        return recap

    def fleetctl(self, *arguments, fleet=True):
        return self.hosts.call(FLEETCTL, *(["-f", f"{self.desk}/fleet.yaml"] if fleet else []), *arguments)


class DeployTest(Deployment):
    def state(self, name):
        status = json.loads(self.fleetctl("status", "-o", "json"))
        return next(each for each in status["mirrors"] if each["name"] == name)

    def publish(self, number):
        top = self.hosts[ORIGIN].path("/srv/origin/debian")
        write(os.path.join(top, "number"), str(number).encode())
        write(os.path.join(top, "pool", f"{number}.deb"), os.urandom(200_000))
        self.fleetctl("publish", "debian")
        self.fleetctl("sync", "--wait")

    def served(self, name):
        """What a client of the host's web server sees."""
        return self.hosts.call("curl", "-sSf", "--max-time", "10", f"http://{self.hosts[name].address}/debian/number")

    def test_a_fleet_from_bare_hosts(self):
        self.check_deployment()
        self.check_lists("fra1")
        self.check_unit("fra1")
        self.check_publishing_unit(ORIGIN)

    @unittest.skipUnless(LONG, "takes ten minutes: --long")
    def test_the_life_of_a_fleet(self):
        self.check_deployment()
        self.publish(2)
        self.hosts["iad1"].reboot()
        wait_until(lambda: self.state("iad1")["state"] == "in-sync", "a host that was rebooted is in step")
        self.assertEqual("2", self.served("iad1"))
        self.check_upgrade()
        self.check_addition(ADDED[0])
        self.check_rotation()
        self.check_expunge("iad1")
        self.play("playbooks/remove", "-e", "fleet_remove_data=true")
        for name in [ORIGIN, "fra1", COORDINATOR]:
            left = self.hosts[name].shell("ls -d /etc/mirrorfleet /srv/mirror /var/lib/mirrorfleet /usr/bin/fleet*; "
                                          "getent passwd mirrorfleet", expect=None)
            self.assertEqual([], [line for line in left.splitlines() if "No such file" not in line], name)

    def check_deployment(self):
        foreseen = self.play("site", "--check")
        first = self.play("site")
        self.check_foreseen(foreseen.tasks("changed"), first.tasks("changed"))
        again = self.play("site")
        self.assertEqual(0, again.changed, again.text)
        self.assertLess(first.seconds, 300)
        self.assertLess(again.seconds, 120)
        self.check_secrets(foreseen.text + first.text + again.text)
        self.publish(1)
        for name in MIRRORS:
            self.assertEqual("1", self.served(name))
            self.assertEqual(listing(self.hosts[ORIGIN].path("/srv/origin/debian")), self.tree(name))

    def tree(self, name):
        """The served tree, by its files: the link's target is a path of the host."""
        top = self.hosts[name].path("/srv/mirror")
        return listing(os.path.join(top, os.readlink(os.path.join(top, "debian"))))

    def check_foreseen(self, foreseen, done):
        """The check foresaw what the run did, but for what needs the installed package."""
        after_install = {"Install the copied package", "Start the agent", "Start the coordinator", "Start nginx",
                         "Make the data directory", "Make the folder that the agent keeps its key in",
                         "Restart fleet-agent", "Restart fleet-coordinator", "Reload nginx",
                         # That it joins is foreseen by "Join the fleet".
                         "Have the coordinator admit the host"}
        def short(tasks):
            return {(host, task.split(" : ")[-1]) for host, task in tasks}
        missed = {(host, task) for host, task in short(done) - short(foreseen) if task not in after_install}
        self.assertEqual(set(), missed, "not foreseen by --check")
        self.assertGreater(len(foreseen), 20)

    def check_secrets(self, text):
        """No secret is in what was printed, every key is its user's alone, and of a mirror's key and token the operator's
        desk, the host's files and its journal have nothing."""
        for secret in ["PRIVATE KEY", "mfjoin1."]:
            self.assertNotIn(secret, text)
        self.assertNotIn(MIRRORS[0], os.listdir(f"{self.desk}/hosts"))
        members = json.loads(self.fleetctl("mirror", "list", "-o", "json"))
        self.assertEqual(MIRRORS, sorted(each["name"] for each in members if "joinedAt" in each))
        keys = {ORIGIN: "/etc/mirrorfleet/agent.key", COORDINATOR: "/etc/mirrorfleet/issuing.key",
                **{name: "/var/lib/mirrorfleet/agent.key" for name in MIRRORS}}
        for name, key in keys.items():
            host = self.hosts[name]
            self.assertEqual("mirrorfleet 600", host.run("stat", "-c", "%U %a", key).strip())
            self.assertEqual("", host.shell("grep -rlF mfjoin1. /etc /root /run /tmp /var --exclude-dir=journal "
                                            "--exclude-dir=cache; journalctl --no-pager | grep -F mfjoin1.", expect=None))
            self.assertIn("Invoked with", host.shell("journalctl --no-pager"), "the journal says what Ansible ran")

    def check_unit(self, name):
        """The agent runs as its own user, may write one place, and is killed and started again when it stands still."""
        host = self.hosts[name]

        def show(key):
            return host.run("systemctl", "show", "-P", key, "fleet-agent").strip()
        pid = show("MainPID")
        self.assertEqual("mirrorfleet", host.run("ps", "-o", "user=", "-p", pid).strip())
        self.assertIn("serves at", show("StatusText"))
        self.assertEqual("/srv/mirror", show("ReadWritePaths"))
        for path, mode in [("/srv/mirror", "rw"), ("/", "ro")]:
            seen = host.shell(f"awk '$5 == \"{path}\" {{print $6}}' /proc/{pid}/mountinfo | tail -n 1").strip()
            self.assertTrue(seen.startswith(mode), f"{path} is {seen}")
        host.run("systemctl", "reload", "fleet-agent")
        self.assertIn('msg="reloaded"', host.run("journalctl", "-u", "fleet-agent", "--no-pager", "-p", "notice"))
        self.assertEqual(pid, show("MainPID"))
        host.shell("mkdir -p /run/systemd/system/fleet-agent.service.d && printf '[Service]\\nWatchdogSec=2s\\n' "
                   "> /run/systemd/system/fleet-agent.service.d/watchdog.conf && systemctl daemon-reload && "
                   "systemctl restart fleet-agent")
        pid = show("MainPID")
        host.run("kill", "-STOP", pid)
        wait_until(lambda: show("MainPID") not in (pid, "0") and show("ActiveState") == "active",
                   "an agent that stands still is killed and comes back", deadline=60)
        self.assertIn("watchdog", host.run("journalctl", "-u", "fleet-agent", "--no-pager"))
        self.assertEqual("1", show("NRestarts"))
        wait_until(lambda: self.state(name)["state"] == "in-sync", f"{name} is in step again")

    def check_publishing_unit(self, name):
        """A host publishes by itself, by the units of the guides, with a key that is sealed for it."""
        host, began = self.hosts[name], time.monotonic()
        units, sealing = {}, []
        for guide in ["trust.md", "cron.md"]:
            with open(os.path.join(TREE, "docs", "guides", guide)) as file:
                for language, _, content in blocks(file.read()):
                    if language == "ini" and (path := re.match(r"# (/etc/systemd/\S+)\n", content)):
                        units[path[1]] = content
                    elif language == "sh" and "systemd-creds" in content:
                        sealing.append(content)
        self.assertEqual((2, 1), (len(units), len(sealing)), "the guides have the service, its path and the command that seals")
        robot = f"{self.desk}/robot"
        self.fleetctl("trust", "new-key", robot, "--owner", "nightly publish", "--no-passphrase", fleet=False)
        self.fleetctl("trust", "add-key", "debian", "--key", f"{robot}.pub")
        with open(self.packages.files["fleetctl"], "rb") as file:
            host.write("/root/fleetctl.deb", file.read())
        host.run("dpkg", "--install", "/root/fleetctl.deb")
        # What the guide to cron asks for: fleet.yaml, an operator's certificate, and the roots, which are no secret.
        for file in ["fleet.yaml", "keys/operator.pem", "keys/operator.key", "keys/authority.pem",
                     *(f"trust/metadata/{each}" for each in os.listdir(f"{self.desk}/trust/metadata"))]:
            with open(f"{self.desk}/{file}", "rb") as content:
                host.write(f"/etc/mirrorfleet/{file}", content.read(), 0o600 if file.endswith(".key") else 0o644)
        host.shell("chown mirrorfleet: /etc/mirrorfleet/keys/operator.key")
        shutil.copy(f"{robot}.key", host.path("/root/robot.key"))
        host.shell(f"cd /root && set -e\n{sealing[0]}rm robot.key")
        with open(f"{robot}.key") as file:
            secret = next(line for line in file.read().splitlines() if "secret:" in line)
        self.assertEqual("", host.run("grep", "-rlF", secret, "/etc", "/root", "/run", "/var/lib", expect=1),
                         "the key is in no file of the host")
        for path, content in units.items():
            host.write(path, content)
        said = host.run("systemd-analyze", "verify", *units, expect=None)
        self.assertEqual("", said, "the units are right")
        host.shell("systemctl daemon-reload && systemctl enable --now publish-debian.path")
        top = host.path("/srv/origin/debian")
        write(os.path.join(top, "number"), b"by the unit")
        write(top + ".written", b"")
        for mirror in MIRRORS:
            wait_until(lambda: self.served(mirror) == "by the unit", f"{mirror} serves what the unit published")
        wait_until(lambda: host.run("systemctl", "show", "-P", "ActiveState", "publish-debian.service").strip()
                   == "inactive", "the service has ended")
        self.assertEqual("success", host.run("systemctl", "show", "-P", "Result", "publish-debian.service").strip(),
                         host.run("journalctl", "--no-pager", "-u", "publish-debian"))
        self.assertIn("published debian release", host.run("journalctl", "--no-pager", "-u", "publish-debian"))
        self.assertIn("nightly publish", self.fleetctl("trust", "show", "--explain", "debian"))
        print(f"    a key sealed, and a release published by a unit: {time.monotonic() - began:.0f} s")

    def check_upgrade(self):
        """Every host has the newer packages, one after the other, while clients download and releases come."""
        self.packages = pack("2")
        self.write_fleet(MIRRORS)
        archive = Archive(self.hosts[ORIGIN].path("/srv/origin/debian"), self.hosts.folder)
        self.publish("2b")
        clients = [Client(self.hosts, name, archive) for name in MIRRORS]
        stop = threading.Event()
        published, failed = [], []

        def publish_on():
            while not stop.wait(5):
                archive.change()
                try:
                    self.publish(f"2c{len(published)}")
                except AssertionError as error:
                    # The coordinator is upgraded, too: 5 is "try again later".
                    if "\nexit 5\n" not in str(error):
                        failed.append(error)
                        return
                published.append(1)
        publisher = threading.Thread(target=publish_on)
        publisher.start()
        try:
            recap = self.play("playbooks/upgrade")
        finally:
            stop.set()
            publisher.join()
            seen = [client.end() for client in clients]
        print(f"    while all hosts were upgraded: {len(published)} releases of {archive.count} packages, "
              + ", ".join(f"{each.curls} requests and {each.apts} apt runs on {each.name}" for each in seen))
        self.assertEqual([], failed)
        for each in seen:
            self.assertEqual([], each.failures, each.name)
            self.assertGreater(each.curls, 50)
            self.assertGreater(each.apts, 1)
        for name in [ORIGIN, *MIRRORS]:
            self.assertTrue(self.hosts[name].shell("dpkg-query -Wf '${Version}' fleet-agent").endswith("+2"))
        steps = recap.tasks("changed")
        for name in MIRRORS:
            for step in ["Take the host out of service for clients", "Take the host into service for clients"]:
                self.assertIn((name, step), {(host, task.split(" : ")[-1]) for host, task in steps})
        self.assertNotIn("drained", self.fleetctl("mirror", "list"))
        self.publish(3)
        self.assertEqual("3", self.served("fra1"))

    def check_lists(self, name):
        """apt gets the lists that its Release names, from real hosts, if a flip comes between the two."""
        check_lists_around_a_flip(self, self.hosts, name, self.hosts[ORIGIN].path("/srv/origin/debian"),
                                  os.path.join(self.hosts.folder, "apt"), self.publish)

    def check_addition(self, name):
        """A host that fleet.yaml and the inventory name since now is deployed, joins, and serves what the others do."""
        self.write_fleet([*MIRRORS, name])
        self.play("playbooks/add-mirror", "-e", f"fleet_mirror={name}")
        self.assertEqual("3", self.served(name))
        self.assertEqual(self.tree(MIRRORS[0]), self.tree(name))

    def check_rotation(self):
        """A mirror has a new key and certificate, and the old one ends; all others have new ones, too."""
        files = [("fra1", "/var/lib/mirrorfleet/agent.key"), ("fra1", "/var/lib/mirrorfleet/agent.pem"),
                 (ORIGIN, "/etc/mirrorfleet/agent.pem"), (COORDINATOR, "/etc/mirrorfleet/coordinator.pem"),
                 (COORDINATOR, "/etc/mirrorfleet/issuing.pem")]
        before = [self.hosts[name].run("cat", path) for name, path in files]
        self.play("playbooks/rotate-certificates")
        for (name, path), old in zip(files, before):
            self.assertNotEqual(old, self.hosts[name].run("cat", path), f"{path} of {name}")
        self.publish(4)
        self.assertEqual("4", self.served("iad1"))

    def check_expunge(self, name):
        """A host that was taken out of fleet.yaml is emptied; one that stands in it is not."""
        with self.assertRaises(AssertionError) as refused:
            self.play("playbooks/expunge", "-e", f"fleet_mirror={name}")
        self.assertIn("take it out first", str(refused.exception))
        with open(f"{self.desk}/inventory.yml") as file:
            inventory = file.read()
        self.write_fleet([each for each in MIRRORS + ADDED if each != name])
        with open(f"{self.desk}/inventory.yml", "w") as file:
            file.write(inventory)
        # Who has the host's disk has its key: the certificate must end with the host.
        with open(f"{self.desk}/fleet.yaml") as file:
            text = file.read()
        for file in ["agent.pem", "agent.key", "authority.pem"]:
            shutil.copy(self.hosts[name].path(f"/var/lib/mirrorfleet/{file}"), f"{self.desk}/stolen-{file}")
        for old, new in [("operator.pem", "agent.pem"), ("operator.key", "agent.key"), ("authority.pem", "authority.pem")]:
            text = text.replace(f"keys/{old}", f"stolen-{new}")
        write(f"{self.desk}/stolen.yaml", text.encode())
        self.assertIn(f"agent/{name} may not", self.refusal("stolen.yaml"))
        self.play("playbooks/expunge", "-e", f"fleet_mirror={name}", "-e", "fleet_remove_data=true")
        self.assertIn(f"agent/{name} was taken out of the fleet", self.refusal("stolen.yaml"))
        self.write_fleet([each for each in MIRRORS + ADDED if each != name])
        self.assertNotIn(name, self.fleetctl("status"))
        self.hosts[name].run("test", "!", "-e", "/srv/mirror")
        self.play("site")
        self.publish(5)

    def refusal(self, file):
        """What an operator's command is told when somebody else's certificate asks."""
        with self.assertRaises(AssertionError) as refused:
            self.hosts.call(FLEETCTL, "-f", f"{self.desk}/{file}", "status")
        return str(refused.exception)


if __name__ == "__main__":
    unittest.main()
