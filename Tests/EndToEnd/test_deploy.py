"""A fleet from packages on Debian hosts with systemd: deployed over SSH as the guide says, used, harmed, upgraded, and
removed."""
import json
import os
import re
import shutil
import subprocess
import threading
import time
import unittest

from apt_clients import Archive, Client, check_lists_around_a_flip
from deployment import ADDED, COORDINATOR, MIRRORS, ORIGIN, Deployment, guide, inline, lines
from lab import FLEETCTL, LONG, listing, wait_until, write
from packages import pack
from test_guide import blocks


class DeployTest(Deployment):
    def state(self, name):
        status = json.loads(self.fleetctl("status", "-o", "json"))
        return next(each for each in status["mirrors"] if each["name"] == name)

    def test_a_fleet_from_bare_hosts(self):
        self.check_deployment()
        self.check_lists("fra1")
        self.check_unit("fra1")
        self.check_publishing_unit(ORIGIN)
        self.check_timers(ORIGIN)

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
        self.check_by_hand("fra1")
        self.play("remove", "-e fleet_remove_data=true")
        for name in [ORIGIN, "fra1", COORDINATOR]:
            left = self.hosts[name].shell("ls -d /etc/mirrorfleet /srv/mirror /var/lib/mirrorfleet /usr/bin/fleet*; "
                                          "getent passwd mirrorfleet", expect=None)
            self.assertEqual([], [line for line in left.splitlines() if "No such file" not in line], name)

    def check_deployment(self):
        deploy, publish = guide("ansible.md", "4. ").split("Put what is to be mirrored")
        foreseen, first = self.follow(deploy)
        self.check_foreseen(foreseen.tasks("changed"), first.tasks("changed"))
        # "A second run changes nothing."
        again = self.type(lines(deploy)[-1])
        self.assertEqual(0, again.changed, again.text)
        self.assertLess(first.seconds, 300)
        self.assertLess(again.seconds, 120)
        self.check_secrets(foreseen.text + first.text + again.text)
        write(self.hosts[ORIGIN].path("/srv/origin/debian/number"), b"1")
        self.follow(publish, goes_on=True)
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
            return self.unit_property(name, key)
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
        for page in ["trust.md", "cron.md"]:
            for language, _, content in blocks(guide(page)):
                if language == "ini" and (path := re.match(r"# (/etc/systemd/\S+)\n", content)):
                    units[path[1]] = content
                elif language == "sh" and "systemd-creds" in content:
                    sealing.append(content)
        self.assertEqual((2, 1), (len(units), len(sealing)), "the guides have the service, its path and the command that seals")
        robot = f"{self.desk}/robot"
        self.fleetctl("trust", "new-key", robot, "--owner", "nightly publish", "--no-passphrase", fleet=False)
        self.sign("trust", "add-key", "debian", "--key", f"{robot}.pub")
        self.install_fleetctl(name)
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

    def check_timers(self, name):
        """A host with fleetctl, fleet.yaml and an operator's certificate syncs and checks by the timers of the package, or by
        its lines for cron."""
        host = self.hosts[name]
        enabled = lines(guide("cron.md", "Timers"))
        self.assertEqual(2, len(enabled))
        for line in enabled:
            self.type_on(name, line)
            timer = line.split()[-1]
            service = timer.replace(".timer", ".service")
            self.assertEqual(service, self.unit_property(name, "Unit", timer))
            self.assertNotEqual("", self.unit_property(name, "NextElapseUSecRealtime", timer), "it is waited for")
            # The test does not wait for so long.
            host.shell(f"mkdir -p /run/systemd/system/{timer}.d && printf '[Timer]\nOnActiveSec=1s\nAccuracySec=100ms\n"
                       f"RandomizedDelaySec=0\n' > /run/systemd/system/{timer}.d/soon.conf && systemctl daemon-reload && "
                       f"systemctl restart {timer}")
            wait_until(lambda: self.unit_property(name, "ExecMainExitTimestampMonotonic", service) not in ("", "0"),
                       f"{timer} has run {service}")
            said = host.run("journalctl", "--no-pager", "-u", service)
            self.assertEqual("success 0", " ".join(self.unit_property(name, key, service)
                                                   for key in ["Result", "ExecMainStatus"]), said)
        self.assertIn("FLEET OK", said)
        jobs = [line.split(maxsplit=6) for line in host.run(
            "cat", "/usr/share/doc/fleetctl/examples/fleetctl.cron").splitlines() if line and not line.startswith("#")]
        self.assertEqual(2, len(jobs))
        for *_, user, command in jobs:
            # In what cron gives a command.
            host.run("runuser", "-u", user, "--", "env", "-i", "PATH=/usr/bin:/bin", "sh", "-c", command)

    def check_upgrade(self):
        """Every host has the newer packages, one after the other, while clients download and releases come."""
        self.use_packages(pack("2"))
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
            recap, = self.follow(guide("upgrade.md").split("By hand")[0])
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
        self.name_mirrors([*MIRRORS, name])
        self.export()
        self.play("add-mirror", mirror=name)
        self.assertEqual("3", self.served(name))
        self.assertEqual(self.tree(MIRRORS[0]), self.tree(name))

    def check_rotation(self):
        """A mirror has a new key and certificate, and the old one ends; all others have new ones, too."""
        files = [("fra1", "/var/lib/mirrorfleet/agent.key"), ("fra1", "/var/lib/mirrorfleet/agent.pem"),
                 (ORIGIN, "/etc/mirrorfleet/agent.pem"), (COORDINATOR, "/etc/mirrorfleet/coordinator.pem"),
                 (COORDINATOR, "/etc/mirrorfleet/issuing.pem")]
        before = [self.hosts[name].run("cat", path) for name, path in files]
        self.play(r"rotate-certificates\.yml$")
        for (name, path), old in zip(files, before):
            self.assertNotEqual(old, self.hosts[name].run("cat", path), f"{path} of {name}")
        self.publish(4)
        self.assertEqual("4", self.served("iad1"))

    def check_expunge(self, name):
        """A host that was taken out of fleet.yaml is emptied; one that stands in it is not."""
        with self.assertRaises(AssertionError) as refused:
            self.play("expunge", mirror=name)
        self.assertIn("take it out first", str(refused.exception))
        self.name_mirrors([each for each in MIRRORS + ADDED if each != name])
        # Who has the host's disk has its key: the certificate must end with the host.
        with open(f"{self.desk}/fleet.yaml") as file:
            text = file.read()
        for file in ["agent.pem", "agent.key", "authority.pem"]:
            shutil.copy(self.hosts[name].path(f"/var/lib/mirrorfleet/{file}"), f"{self.desk}/stolen-{file}")
        for old, new in [("operator.pem", "agent.pem"), ("operator.key", "agent.key"), ("authority.pem", "authority.pem")]:
            text = text.replace(f"keys/{old}", f"stolen-{new}")
        write(f"{self.desk}/stolen.yaml", text.encode())
        self.assertIn(f"agent/{name} may not", self.refusal("stolen.yaml"))
        self.play("expunge", "-e fleet_remove_data=true", mirror=name)
        self.assertIn(f"agent/{name} was taken out of the fleet", self.refusal("stolen.yaml"))
        self.export()
        self.assertNotIn(name, self.fleetctl("status"))
        self.hosts[name].run("test", "!", "-e", "/srv/mirror")
        self.follow(guide("ansible.md", "4. ").split("Put what")[0])
        self.publish(5)

    def check_by_hand(self, name):
        """One host by itself gets a newer package, and an older one again."""
        newer, older = lines(guide("upgrade.md").split("By hand")[1])
        current = self.packages
        for packages, line in [(pack("3"), newer), (current, older)]:
            before = self.unit_property(name, "MainPID")
            file = packages.files["fleet-agent"]
            self.hosts[name].shell("rm -f /root/fleet-agent_*")
            with open(file, "rb") as content:
                self.hosts[name].write(f"/root/{os.path.basename(file)}", content.read())
            self.type_on(name, line)
            installed = self.hosts[name].shell("dpkg-query -Wf '${Version}' fleet-agent")
            self.assertEqual(os.path.basename(file).split("_")[1], installed)
            self.assertNotEqual(before, self.unit_property(name, "MainPID"), "the package restarts the agent")
            self.assertIn("serves at", self.type_on(name, inline("upgrade.md", "systemctl status") + " --no-pager"))
        self.publish("by hand")
        self.assertEqual("by hand", self.served(name))

    def unit_property(self, name, key, unit="fleet-agent"):
        """What systemd on a host says of a unit."""
        return self.hosts[name].run("systemctl", "show", "-P", key, unit).strip()

    def refusal(self, file):
        """What an operator's command is told when somebody else's certificate asks."""
        with self.assertRaises(AssertionError) as refused:
            self.hosts.call(FLEETCTL, "-f", f"{self.desk}/{file}", "status")
        return str(refused.exception)


if __name__ == "__main__":
    unittest.main()
