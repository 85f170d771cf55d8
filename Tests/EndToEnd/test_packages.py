"""The Debian packages on a host with systemd: installed, upgraded, removed, purged; what is in them; how hard the units
are."""
import os
import re
import stat
import subprocess
import tempfile
import shutil
import unittest

import hosts
from packages import PROGRAMS, TREE, pack, runtime_in
from test_guides import described, subcommands

UNITS = ["fleet-agent.service", "fleet-coordinator.service", "fleet-sync.service", "fleet-check.service"]
SHELLS = ["zsh", "fish"]
# What a shell of each kind offers after "fleetctl mirr", by the script that was installed; it is found as shells find it.
OFFERS = {
    "bash": """source /usr/share/bash-completion/completions/fleetctl; complete -p fleetctl
               COMP_LINE="fleetctl mirr" COMP_POINT=13 COMP_CWORD=1 COMP_WORDS=(fleetctl mirr)
               _fleetctl; echo ${COMPREPLY[@]}""",
    "zsh": """autoload -Uz compinit; compinit -u -D; whence -w $_comps[fleetctl]
              autoload +X $_comps[fleetctl] && functions $_comps[fleetctl]""",
    "fish": "complete --do-complete 'fleetctl mirr'",
}
# systemd-analyze security counts from 0 to 10; --threshold takes ten times that.
WEAKEST = 15


def pages_of(command, above=()):
    """The manual pages of a command and those below it."""
    path = (*above, command["commandName"])
    section = 1 if path[0] == "fleetctl" else 8
    yield f"man{section}/{'-'.join(path)}.{section}"
    for each in subcommands(command).values():
        yield from pages_of(each, path)


class UnitTest(unittest.TestCase):
    def test_every_unit_is_hard(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("no systemd-analyze here")
        folder = tempfile.mkdtemp(prefix="fleet-e2e-units-")
        self.addCleanup(shutil.rmtree, folder)
        source = os.path.join(TREE, "scripts", "packaging", "debian")
        for unit in UNITS:
            name = unit if os.path.exists(os.path.join(source, unit)) else "fleetctl." + unit
            shutil.copy(os.path.join(source, name), os.path.join(folder, unit))
            done = subprocess.run(
                ["systemd-analyze", "security", "--offline=true", f"--threshold={WEAKEST}", "--no-pager",
                 os.path.join(folder, unit)], capture_output=True, text=True)
            self.assertEqual(0, done.returncode, f"{unit} is too open:\n{done.stdout[-300:]}{done.stderr}")

    def test_an_agent_may_write_one_place_and_its_state(self):
        with open(os.path.join(TREE, "scripts", "packaging", "debian", "fleet-agent.service")) as file:
            text = file.read()
        self.assertEqual(["/srv/mirror"], re.findall(r"^ReadWritePaths=(.+)$", text, re.M))

    def test_timers_and_cron_run_as_often_as_the_guide_says(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("no systemd-analyze here")
        packaging = os.path.join(TREE, "scripts", "packaging")
        with open(os.path.join(packaging, "etc", "fleetctl.cron")) as file:
            cron = re.findall(r"^\*/(\d+) .* mirrorfleet +fleetctl (\w+)", file.read(), re.M)
        with open(os.path.join(TREE, "docs", "guides", "cron.md")) as file:
            self.assertIn("`fleet-sync` asks every 15 minutes for what publishing did not reach, `fleet-check` runs "
                          "`fleetctl check` every five", " ".join(file.read().split()))
        for verb, minutes in [("sync", 15), ("check", 5)]:
            with open(os.path.join(packaging, "debian", f"fleetctl.fleet-{verb}.timer")) as file:
                when = re.search(r"^OnCalendar=(.+)$", file.read(), re.M)[1]
            said = subprocess.run(["systemd-analyze", "calendar", "--iterations=3", when], capture_output=True, text=True,
                                  env={**os.environ, "TZ": "UTC", "LC_ALL": "C"})
            at = [int(hour) * 60 + int(minute) for hour, minute in
                  re.findall(r"(?:elapse|#\d+): \w+ [\d-]+ (\d+):(\d+):00 UTC", said.stdout)]
            self.assertEqual(3, len(at), said)
            self.assertEqual([minutes] * 2, [(after - before) % 1440 for before, after in zip(at, at[1:])])
            self.assertIn((str(minutes), verb), cron)


class PackagesTest(unittest.TestCase):
    def setUp(self):
        if reason := hosts.why_not():
            self.skipTest(reason)
        self.packages = pack()
        self.hosts = hosts.Hosts("fra1", layers=[hosts.layer(*SHELLS)])
        self.addCleanup(self.hosts.close)
        self.host = self.hosts["fra1"]
        runtime_in(self.host, self.packages)
        self.hosts.boot()

    def install(self, packages):
        """Installs all three, as `apt-get install ./*.deb` does, without a network."""
        for path in packages.files.values():
            with open(path, "rb") as file:
                self.host.write("/root/" + os.path.basename(path), file.read())
        names = " ".join("/root/" + os.path.basename(path) for path in packages.files.values())
        return self.host.shell(f"dpkg --install {names}")

    def test_install_upgrade_remove_purge(self):
        before = self.files()
        self.install(self.packages)
        version = self.host.shell("fleetctl --version").strip()
        for program in PROGRAMS:
            self.assertEqual(version, self.host.run(program, "--version").strip())
            self.assertEqual(version, self.host.shell(f"dpkg-query -Wf '${{Version}}' {program}"))
        self.assertIn("nologin", self.host.run("getent", "passwd", "mirrorfleet"))
        self.assertEqual("mirrorfleet", self.host.run("stat", "-c", "%U", "/srv/mirror").strip())
        # Nothing runs before there is a configuration, and nothing has failed for want of one.
        for unit in ["fleet-agent", "fleet-coordinator"]:
            self.assertEqual("enabled", self.host.run("systemctl", "is-enabled", unit).strip())
            self.assertEqual("inactive", self.host.run("systemctl", "is-active", unit, expect=3).strip())
        for timer in ["fleet-sync.timer", "fleet-check.timer"]:
            self.assertEqual("disabled", self.host.run("systemctl", "is-enabled", timer, expect=1).strip())
        said = self.host.shell("systemd-analyze verify /lib/systemd/system/fleet-*.timer 2>&1", expect=None)
        self.assertEqual([], [line for line in said.splitlines() if "Command 'man " not in line], "units are right")
        self.check_files()

        self.host.shell("echo '# mine' >> /etc/mirrorfleet/agent.yaml.example; echo 1 > /etc/mirrorfleet/agent.pem; "
                        "echo 1 > /srv/mirror/served")
        newer = pack("2")
        self.install(newer)
        self.assertEqual(f"{version}+2", self.host.shell("dpkg-query -Wf '${Version}' fleet-agent"))
        self.assertIn("# mine", self.host.run("cat", "/etc/mirrorfleet/agent.yaml.example"))

        self.host.shell("dpkg --remove fleet-agent fleet-coordinator fleetctl")
        self.assertIn("# mine", self.host.run("cat", "/etc/mirrorfleet/agent.yaml.example"), "conffiles stay")
        self.host.shell("dpkg --purge fleet-agent fleet-coordinator fleetctl")
        # What an operator or an agent wrote is theirs: packages never take keys, state or served trees away.
        left = [path for path in self.files() if path not in before]
        self.assertEqual(["/etc/mirrorfleet", "/etc/mirrorfleet/agent.pem", "/srv/mirror", "/srv/mirror/served"], left)

    def files(self):
        """Every file of the host, but for what any host changes by itself."""
        found = self.host.shell(
            "find / -xdev \\( -path /proc -o -path /sys -o -path /run -o -path /dev -o -path /tmp -o -path /root "
            "-o -path /var/log -o -path /var/lib/dpkg -o -path /var/cache -o -path /var/lib/systemd "
            "-o -path /var/tmp \\) -prune -o -print; find /srv -mindepth 1")
        return sorted(path for path in found.splitlines() if not path.endswith(("/passwd-", "/shadow-", "/group-", "/gshadow-", "/.pwd.lock")))

    def check_files(self):
        listed = self.host.shell("dpkg -L fleet-agent fleet-coordinator fleetctl").splitlines()
        pages = ["man5/agent.yaml.5", "man5/fleet.yaml.5", *(page for each in PROGRAMS for page in pages_of(described(each)))]
        self.assertIn("man1/fleetctl-mirror-drain.1", pages)
        for page in pages:
            self.assertIn(f"/usr/share/man/{page}.gz", listed)
        for program in PROGRAMS:
            for path in [f"bash-completion/completions/{program}", f"zsh/vendor-completions/_{program}",
                         f"fish/vendor_completions.d/{program}.fish"]:
                self.assertIn("/usr/share/" + path, listed)
        conffiles = self.host.shell("dpkg-query -Wf '${Conffiles}\\n' fleet-agent fleet-coordinator")
        for name in ["agent.yaml.example", "fleet.yaml.example"]:
            self.assertIn("/etc/mirrorfleet/" + name, conffiles)
        self.host.shell("cd /etc/mirrorfleet && fleetctl validate fleet.yaml.example")
        with open(os.path.join(TREE, "docs", "guides", "confinement.md")) as file:
            self.host.shell(re.search(r"^cp .*apparmor.*$", file.read(), re.M)[0].replace(" /etc/apparmor.d/", " /tmp/"))
        for shell, script in OFFERS.items():
            self.assertIn("mirror", self.host.run(shell, "-c", script), shell)
        if self.packages.is_static:
            for program in PROGRAMS:
                self.assertNotIn("swift", self.host.run("ldd", f"/usr/bin/{program}"))
            self.assertLess(sum(os.path.getsize(path) for path in self.packages.files.values()), 35_000_000)


if __name__ == "__main__":
    unittest.main()
