"""Debian hosts with systemd for a test: systemd-nspawn boots them, each in a network namespace of its own.

Nothing of the machine itself is changed: a host's files are an overlay over one Debian tree that all share, its network is
a bridge that no other network reaches. Only root can do this; `why_not()` says what is missing.
"""
import fcntl
import os
import shutil
import subprocess
import tempfile
import time
import unittest

from lab import DEADLINE, wait_until

# What a fresh host of an operator has, and what the packages of the fleet depend on: tests have no other source for it.
PACKAGES = ["systemd", "systemd-sysv", "dbus", "openssh-server", "python3", "python3-apt", "iproute2", "ca-certificates",
            "curl", "nginx-light", "cron", "procps", "libsqlite3-0", "libyaml-0-2", "libzstd1", "libxxhash0"]
TREE = os.environ.get("FLEET_ROOTFS") or "/var/cache/mirrorfleet/bookworm"
TOOLS = ["systemd-nspawn", "ip", "nsenter"]


def why_not():
    """Why hosts cannot be booted here; None if they can."""
    if os.geteuid() != 0:
        return "no hosts: booting them takes root"
    for tool in TOOLS + ([] if os.path.isdir(TREE) else ["debootstrap"]):
        if not shutil.which(tool):
            return f"no hosts: {tool} is not installed (apt-get install systemd-container debootstrap iproute2)"
    if subprocess.run(["unshare", "--mount", "--net", "true"], capture_output=True).returncode != 0:
        return "no hosts: namespaces cannot be made here"
    return None


def debian_tree():
    """The Debian tree that hosts boot; made once (a minute), then kept."""
    os.makedirs(os.path.dirname(TREE), exist_ok=True)
    with open(TREE + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(TREE):
            shutil.rmtree(TREE + ".new", ignore_errors=True)
            done = subprocess.run(
                ["debootstrap", "--variant=minbase", "--include=" + ",".join(PACKAGES), "bookworm", TREE + ".new"],
                stdin=subprocess.DEVNULL, capture_output=True, text=True)
            if done.returncode != 0:
                raise unittest.SkipTest("no hosts: debootstrap made no Debian tree: " + done.stdout[-300:])
            os.rename(TREE + ".new", TREE)
    return TREE


def layer(*packages):
    """A folder with what these packages add to the Debian tree, services switched off; made once, then kept."""
    name = f"{debian_tree()}+{'+'.join(packages)}"
    with open(TREE + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.isdir(name):
            return name
        made, root, work = name + ".new", name + ".root", name + ".work"
        for path in [made, root, work]:
            shutil.rmtree(path, ignore_errors=True)
            os.makedirs(path)
        call("mount", "-t", "overlay", "overlay", root, "-o", f"lowerdir={TREE},upperdir={made},workdir={work}")
        try:
            shutil.copy("/etc/resolv.conf", root + "/etc/resolv.conf")
            # Nothing is started while it is installed.
            with open(root + "/usr/sbin/policy-rc.d", "w") as file:
                file.write("#!/bin/sh\nexit 101\n")
            os.chmod(file.name, 0o755)
            words = " ".join(packages)
            script = (f"set -e; apt-get update -qq; apt-get install -y -qq --no-install-recommends {words}; "
                      f"apt-get clean; for unit in {words}; do if [ -e /lib/systemd/system/$unit.service ]; then "
                      "systemctl disable -q $unit; fi; done")
            done = subprocess.run(["chroot", root, "sh", "-c", script], stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, env={"PATH": os.environ["PATH"], "DEBIAN_FRONTEND": "noninteractive"})
            os.unlink(file.name)
        finally:
            call("umount", root)
            for path in [root, work]:
                shutil.rmtree(path, ignore_errors=True)
        if done.returncode != 0:
            shutil.rmtree(made)
            raise unittest.SkipTest(f"no hosts with {words}: {done.stderr[-300:]}")
        os.rename(made, name)
    return name


def call(*command, **options):
    """Runs a command of the machine; fails with what it printed."""
    done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="replace", timeout=options.pop("timeout", DEADLINE), **options)
    if done.returncode != 0:
        raise AssertionError(f"$ {' '.join(map(str, command))}\nexit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def addresses(names):
    """The file /etc/hosts of everybody on a network of hosts."""
    return "127.0.0.1 localhost\n" + "".join(
        f"10.77.0.{number} {each} {each}.example.org\n" for number, each in enumerate(names, 1))


class Host:
    """One host: its name, its address, its files below `root`."""

    def __init__(self, hosts, name, number):
        self.hosts, self.name, self.address = hosts, name, f"10.77.0.{number}"
        self.folder = os.path.join(hosts.folder, name)
        self.root = os.path.join(self.folder, "root")
        self.namespace = f"{hosts.prefix}-{name}"
        self.process = None
        self.binds = [f"--bind={self.folder}/srv:/srv"]
        for each in ["root", "upper", "work", "srv"]:
            os.makedirs(os.path.join(self.folder, each))
        call("mount", "-t", "overlay", "overlay", self.root, "-o",
             f"lowerdir={':'.join([*hosts.layers, hosts.tree])},upperdir={self.folder}/upper,workdir={self.folder}/work")
        self.write("/etc/hostname", name + "\n")
        self.write("/etc/hosts", addresses(hosts.names))
        self.write("/etc/machine-id", "")
        # Nothing fetches packages by itself, and a web server starts when a test says so.
        for unit in ["apt-daily.timer", "apt-daily-upgrade.timer"]:
            self.link("/etc/systemd/system/" + unit, "/dev/null")
        os.unlink(self.path("/etc/systemd/system/multi-user.target.wants/nginx.service"))
        call("ip", "netns", "add", self.namespace)
        self.cable = f"v{hosts.number % 10000}-{number}"
        # A host that takes another's place has its address of both kinds: nobody asks for it again for half a minute.
        call("ip", "link", "add", self.cable, "netns", hosts.bridge, "type", "veth", "peer", "name", "host0", "address",
             f"02:00:0a:4d:00:{number:02x}", "netns", self.namespace)
        call("ip", "-n", hosts.bridge, "link", "set", self.cable, "master", "br0", "up")
        call("ip", "-n", self.namespace, "link", "set", "lo", "up")
        call("ip", "-n", self.namespace, "link", "set", "host0", "up")
        call("ip", "-n", self.namespace, "addr", "add", self.address + "/24", "dev", "host0")

    def bind(self, path, at=None):
        """Lets the host see a folder of this machine, at the same path or another; before it boots."""
        if at:
            os.makedirs(self.path(at), exist_ok=True)
        self.binds.append(f"--bind-ro={path}:{at or path}")

    def boot(self):
        """Starts the host; `up` waits for it."""
        console = open(os.path.join(self.folder, "console"), "ab")
        # /srv is no overlay: what a host serves lies on a real file system.
        self.process = subprocess.Popen(
            ["systemd-nspawn", "--register=no", "--keep-unit", "-q", "-b", "-D", self.root, "--machine", self.namespace,
             "--hostname", self.name, *self.binds,
             f"--network-namespace-path=/run/netns/{self.namespace}"],
            stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        console.close()

    def leader(self):
        """The number of the host's first process; None before there is one."""
        if self.process is None:
            return None
        try:
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as file:
                children = file.read().split()
            return children[0] if children else None
        except OSError:
            return None

    def up(self):
        """Waits until systemd has started everything."""
        wait_until(lambda: self.leader() and self.run("systemctl", "is-system-running", expect=None).strip()
                   in ("running", "degraded"), f"{self.name} is up")

    def run(self, *command, expect=0, timeout=DEADLINE):
        """Runs a command in the host as root; what it printed."""
        done = subprocess.run(["nsenter", "-t", self.leader() or "0", "-a", "--", *map(str, command)], text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              errors="replace", timeout=timeout,
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/root",
                                   "DEBIAN_FRONTEND": "noninteractive"})
        if expect is not None and done.returncode != expect:
            raise AssertionError(f"{self.name}$ {' '.join(map(str, command))}\nexit {done.returncode}\n{done.stdout}")
        return done.stdout

    def shell(self, text, **options):
        return self.run("bash", "-c", text, **options)

    def path(self, path):
        """Where a file of the host is on this machine."""
        if path == "/srv" or path.startswith("/srv/"):
            return self.folder + path
        return self.root + path

    def write(self, path, content, mode=0o644):
        target = self.path(path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        os.chmod(target, mode)

    def link(self, path, target):
        where = self.path(path)
        os.makedirs(os.path.dirname(where), exist_ok=True)
        if os.path.lexists(where):
            os.unlink(where)
        os.symlink(target, where)

    def stop(self):
        """Powers the host off."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def reboot(self):
        self.stop()
        self.boot()
        self.up()

    def remove(self):
        self.stop()
        subprocess.run(["umount", "-l", self.root], capture_output=True)
        subprocess.run(["ip", "netns", "del", self.namespace], capture_output=True)


class Hosts:
    """Hosts with these names on one network; this machine is on it, too, for what runs by `call`. They have what is in
    `layers` beside the Debian tree."""

    last = 0

    def __init__(self, *names, layers=()):
        if reason := why_not():
            raise unittest.SkipTest(reason)
        Hosts.last += 1
        self.tree, self.layers = debian_tree(), layers
        self.number = os.getpid() * 10 + Hosts.last
        self.prefix = f"mfh{self.number}"
        self.names = list(names)
        self.folder = tempfile.mkdtemp(prefix="fleet-e2e-hosts-")
        self.bridge = f"{self.prefix}-bridge"
        self.own_files = f"/etc/netns/{self.bridge}"
        self.hosts = {}
        try:
            call("ip", "netns", "add", self.bridge)
            call("ip", "-n", self.bridge, "link", "set", "lo", "up")
            call("ip", "-n", self.bridge, "link", "add", "br0", "type", "bridge")
            call("ip", "-n", self.bridge, "link", "set", "br0", "up")
            call("ip", "-n", self.bridge, "addr", "add", "10.77.0.254/24", "dev", "br0")
            # `ip netns exec` shows this as /etc/hosts to what runs by `call`.
            os.makedirs(self.own_files)
            with open(f"{self.own_files}/hosts", "w") as file:
                file.write(addresses(names))
            for number, name in enumerate(names, 1):
                self.hosts[name] = Host(self, name, number)
        except BaseException:
            self.close()
            raise

    def __getitem__(self, name):
        return self.hosts[name]

    def boot(self, *names):
        """Boots all hosts, or these; how many seconds it took."""
        began = time.monotonic()
        for name in names or self.names:
            self.hosts[name].boot()
        for name in names or self.names:
            self.hosts[name].up()
        return time.monotonic() - began

    def replace(self, name):
        """A bare host, not booted yet, takes the place of the one with this name, whose disk is gone."""
        old = self.hosts[name]
        old.stop()
        call("ip", "-n", self.bridge, "link", "del", old.cable)
        old.remove()
        shutil.rmtree(old.folder)
        self.hosts[name] = Host(self, name, self.names.index(name) + 1)

    def call(self, *command, **options):
        """Runs a command of this machine on the hosts' network."""
        return call("ip", "netns", "exec", self.bridge, *command, **options)

    def close(self):
        for host in self.hosts.values():
            if host.process is not None and host.process.poll() is None:
                host.process.terminate()
        for host in self.hosts.values():
            host.remove()
        subprocess.run(["ip", "netns", "del", self.bridge], capture_output=True)
        shutil.rmtree(self.own_files, ignore_errors=True)
        if not os.environ.get("FLEET_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)
