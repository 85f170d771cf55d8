"""A fleet from packages on Debian hosts with systemd: deployed over SSH by the playbooks of ansible/, used, harmed, upgraded,
and removed."""
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time
import unittest

import hosts
from lab import BIN, FLEETCTL, LONG, listing, wait_until, write
from packages import TREE, pack, runtime_in

COORDINATOR, ORIGIN = "coord1", "origin1"
MIRRORS = ["fra1", "iad1", "nrt1"] if LONG else ["fra1", "iad1"]
PLAYS = os.path.join(TREE, "ansible")
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


class Archive:
    """An apt repository of real Debian packages in the folder of a set; by-hash is off. `change` makes the next."""

    COUNT = 300

    def __init__(self, top, scratch):
        self.top, self.pool = top, os.path.join(top, "pool", "main")
        os.makedirs(self.pool)
        names = subprocess.run(["dpkg-query", "-Wf", "${Installed-Size} ${Package}\\n"], capture_output=True, text=True,
                               check=True).stdout.splitlines()
        names = [line.split()[1] for line in sorted(names, key=lambda line: int(line.split()[0]))][:2 * self.COUNT]
        for start in range(0, len(names), 50):
            # One that no source has any more is no loss: all that counts is that they are real.
            subprocess.run(["apt-get", "download", "-q", *names[start:start + 50]], cwd=self.pool, capture_output=True)
        files = sorted(os.listdir(self.pool))
        for name in files[self.COUNT:]:
            os.unlink(os.path.join(self.pool, name))
        if len(files) < 20:
            raise unittest.SkipTest("no apt source here gives real packages")
        self.held = os.path.join(scratch, "held.deb")
        os.rename(os.path.join(self.pool, files[0]), self.held)
        self.name = files[1].split("_")[0]
        self.index()

    @property
    def count(self):
        return len(os.listdir(self.pool))

    def change(self):
        """One package comes or goes; the package list and its sum are others each time."""
        inside = os.path.join(self.pool, "000-held.deb")
        if os.path.exists(inside):
            os.rename(inside, self.held)
        else:
            os.rename(self.held, inside)
        self.index()

    def index(self):
        for command, name in [("packages pool", "Packages"), ("release .", "Release")]:
            path = os.path.join(self.top, name)
            if name == "Release" and os.path.exists(path):
                os.unlink(path)
            with open(path + ".new", "wb") as file:
                subprocess.run(["apt-ftparchive", *command.split()], cwd=self.top, stdout=file, check=True,
                               stderr=subprocess.DEVNULL)
            os.rename(path + ".new", path)


class Client:
    """A loop of curl, `apt-get update` and `apt-get download` against one mirror."""

    SCRIPT = """
        while :; do
            for n in 1 2 3 4 5; do curl -sS -o /dev/null -w 'curl %{http_code}\\n' URL/Release || echo "curl failed"; done
            rm -rf lists pool; mkdir -p lists/partial pool
            if said=$(apt-get update -q 2>&1 && cd pool && apt-get download -q NAME 2>&1); then echo "apt ok"
            else echo "apt failed: $(echo $said)"; fi
        done"""

    def __init__(self, fleet, name, archive):
        self.name = name
        self.folder = os.path.join(fleet.folder, "client-" + name)
        os.mkdir(self.folder)
        url = f"http://{fleet[name].address}/debian"
        with open(self.folder + "/sources.list", "w") as file:
            file.write(f"deb [trusted=yes by-hash=no] {url} ./\n")
        write(self.folder + "/status", b"")
        with open(self.folder + "/apt.conf", "w") as file:
            file.write(f"""Dir::Etc::SourceList "{self.folder}/sources.list"; Dir::Etc::SourceParts "/nowhere";
                Dir::State::Lists "{self.folder}/lists"; Dir::State::Status "{self.folder}/status";
                Dir::Cache "{self.folder}/cache"; APT::Sandbox::User "root"; Acquire::Retries "0";\n""")
        os.mkdir(self.folder + "/cache")
        self.log = open(self.folder + "/log", "wb")
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", fleet.bridge, "bash", "-c",
             self.SCRIPT.replace("URL", url).replace("NAME", archive.name)], cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=self.log, env={**os.environ, "APT_CONFIG": self.folder + "/apt.conf"},
            start_new_session=True)

    def end(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()
        with open(self.folder + "/log", errors="replace") as file:
            lines = file.read().splitlines()
        self.curls = sum(line.startswith("curl ") for line in lines)
        self.apts = sum(line.startswith("apt ") for line in lines)
        self.failures = [line for line in lines if line not in ("curl 200", "apt ok")]
        return self


class DeployTest(unittest.TestCase):
    def setUp(self):
        if reason := hosts.why_not():
            self.skipTest(reason)
        for tool in ["ansible-playbook", "ssh", "ssh-keygen"]:
            if not shutil.which(tool):
                self.skipTest(f"no {tool} here: apt-get install ansible-core openssh-client")
        self.packages = pack()
        self.hosts = hosts.Hosts(COORDINATOR, ORIGIN, *MIRRORS)
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

    def play(self, name, *options):
        began = time.monotonic()
        text = self.hosts.call(
            "ansible-playbook", "-i", f"{self.desk}/inventory.yml", f"{name}.yml", *options, cwd=PLAYS, timeout=900,
            env={**os.environ, "PATH": BIN + ":" + os.environ["PATH"], "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8",
                 "ANSIBLE_LOCAL_TEMP": f"{self.desk}/tmp", "ANSIBLE_CONFIG": f"{PLAYS}/ansible.cfg",
                 "ANSIBLE_SSH_CONTROL_PATH_DIR": f"/tmp/{self.hosts.prefix}"})
        recap = Recap(text, time.monotonic() - began)
        print(f"    {name} {' '.join(options)}: {recap.seconds:.0f} s, {recap.changed} changed")
        return recap

    def fleetctl(self, *arguments, fleet=True):
        return self.hosts.call(FLEETCTL, *(["-f", f"{self.desk}/fleet.yaml"] if fleet else []), *arguments)

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
        self.check_unit("fra1")

    @unittest.skipUnless(LONG, "takes ten minutes: --long")
    def test_the_life_of_a_fleet(self):
        self.check_deployment()
        self.publish(2)
        self.hosts["iad1"].reboot()
        wait_until(lambda: self.state("iad1")["state"] == "in-sync", "a host that was rebooted is in step")
        self.assertEqual("2", self.served("iad1"))
        self.check_upgrade()
        self.check_rotation()
        self.check_expunge("iad1")
        self.play("playbooks/remove", "-e", "fleet_remove_data=true")
        for name in [ORIGIN, "fra1", COORDINATOR]:
            left = self.hosts[name].shell("ls -d /etc/mirrorfleet /srv/mirror /var/lib/mirrorfleet /usr/bin/fleet*; "
                                          "getent passwd mirrorfleet", expect=None)
            self.assertEqual([], [line for line in left.splitlines() if "No such file" not in line], name)

    def check_deployment(self):
        foreseen = self.play("site", "--check").tasks("changed")
        first = self.play("site")
        self.check_foreseen(foreseen, first.tasks("changed"))
        again = self.play("site")
        self.assertEqual(0, again.changed, again.text)
        self.assertLess(first.seconds, 300)
        self.assertLess(again.seconds, 120)
        self.check_secrets(first.text)
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
                         "Make the data directory", "Restart fleet-agent", "Restart fleet-coordinator", "Reload nginx"}
        def short(tasks):
            return {(host, task.split(" : ")[-1]) for host, task in tasks}
        missed = {(host, task) for host, task in short(done) - short(foreseen) if task not in after_install}
        self.assertEqual(set(), missed, "not foreseen by --check")
        self.assertGreater(len(foreseen), 20)

    def check_secrets(self, text):
        """No secret is in what was printed, and every key is its user's alone."""
        self.assertNotIn("PRIVATE KEY", text)
        for name in [ORIGIN, *MIRRORS]:
            self.assertEqual("mirrorfleet 600", self.hosts[name].run(
                "stat", "-c", "%U %a", "/etc/mirrorfleet/agent.key").strip())

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
            recap = self.play("playbooks/upgrade", *self.drains())
        finally:
            stop.set()
            publisher.join()
            seen = [client.end() for client in clients]
        print(f"    while all hosts were upgraded: {len(published)} releases of {archive.count} packages, "
              + ", ".join(f"{each.curls} requests and {each.apts} apt runs on {each.name}" for each in seen))
        self.assertEqual([], failed)
        for each in seen:
            # A flip between apt's two requests, for Release and for Packages, shows it two releases; no web server can
            # know that they belong together. Without by-hash this happens seldom, and nothing else may.
            flipped = [line for line in each.failures if "Mirror sync in progress" in line]
            self.assertEqual([], [line for line in each.failures if line not in flipped], each.name)
            self.assertLessEqual(len(flipped), max(1, each.apts // 100), f"{each.name}: {flipped[:1]}")
            if flipped:
                print(f"    {each.name}: a flip came into {len(flipped)} of {each.apts} apt runs")
            self.assertGreater(each.curls, 50)
            self.assertGreater(each.apts, 1)
        for name in [ORIGIN, *MIRRORS]:
            self.assertTrue(self.hosts[name].shell("dpkg-query -Wf '${Version}' fleet-agent").endswith("+2"))
        self.assertGreater(recap.changed, 0)
        self.publish(3)
        self.assertEqual("3", self.served("fra1"))

    def drains(self):
        """How the upgrade is asked for where fleetctl has no `mirror drain` yet."""
        has = subprocess.run([FLEETCTL, "mirror", "drain", "--help"], capture_output=True).returncode == 0
        return [] if has else ["-e", "fleet_agent_drain_on_upgrade=false"]

    def check_rotation(self):
        before = self.hosts["fra1"].run("cat", "/etc/mirrorfleet/agent.pem")
        self.play("playbooks/rotate-certificates")
        self.assertNotEqual(before, self.hosts["fra1"].run("cat", "/etc/mirrorfleet/agent.pem"))
        self.publish(4)
        self.assertEqual("4", self.served("iad1"))

    def check_expunge(self, name):
        """A host that was taken out of fleet.yaml is emptied; one that stands in it is not."""
        with self.assertRaises(AssertionError) as refused:
            self.play("playbooks/expunge", "-e", f"fleet_mirror={name}")
        self.assertIn("take it out first", str(refused.exception))
        with open(f"{self.desk}/inventory.yml") as file:
            inventory = file.read()
        self.write_fleet([each for each in MIRRORS if each != name])
        with open(f"{self.desk}/inventory.yml", "w") as file:
            file.write(inventory)
        self.play("playbooks/expunge", "-e", f"fleet_mirror={name}", "-e", "fleet_remove_data=true")
        self.write_fleet([each for each in MIRRORS if each != name])
        self.assertNotIn(name, self.fleetctl("status"))
        self.hosts[name].run("test", "!", "-e", "/srv/mirror")
        self.play("site")
        self.publish(5)


if __name__ == "__main__":
    unittest.main()
