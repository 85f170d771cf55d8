"""One run of distributing a tree to all mirrors: by the fleet, by rsync, by BitTorrent; what it took, and its faults."""
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import data
import lab
import measuring
import namespaces
import torrent

HERE = os.path.dirname(os.path.abspath(__file__))
SET = "iso"
POLL = 0.02
FAULT_POLL = 0.2


class Result:
    """What one run took: seconds, and bytes as parts of the set."""

    def __init__(self, times, missing, ideal, origin, total, region, cpu):
        self.times, self.missing = times, missing
        self.last = max(times.values()) if times else None
        self.first = min(times.values()) if times else None
        self.over_ideal = self.last / ideal if times else None
        self.origin, self.total, self.region, self.cpu = origin, total, region, cpu

    def line(self):
        each = " ".join(f"{host} {seconds:.1f}" for host, seconds in sorted(self.times.items(), key=lambda p: p[1]))
        region = f", region link {self.region:.3f}" if self.region is not None else ""
        missing = f"; NOT DONE: {', '.join(self.missing)}" if self.missing else ""
        last = f"{self.last:.2f} s, x{self.over_ideal:.3f}" if self.times else "nobody is done"
        cpu = "" if self.cpu is None else f"; CPU {self.cpu:.1f} s"
        return f"{last}; origin {self.origin:.3f}, all {self.total:.2f}{region}{cpu}; {each}{missing}"


class Net:
    """A lab in namespaces, whose hosts may also run other programs."""

    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        os.makedirs(folder)
        wanted = ["--netns", "--netns-prefix", options.prefix, "--rate", f"{options.rate:g}mbit"]
        if options.up_rates:
            wanted += ["--up-rates", ",".join(f"{rate}mbit" for rate in options.up_rates.split(","))]
        if options.regions > 1:
            wanted += ["--regions", str(options.regions)]
        if options.region_rate:
            wanted += ["--region-rate", f"{options.region_rate:g}mbit"]
        self.lab = lab.Lab(options.mirrors, wanted)
        self.mirrors = self.lab.mirrors
        self.hosts = ["origin", *self.mirrors]
        with open(self.lab.fleet) as file:
            self.addresses = {}
            for line in file:
                for host in self.hosts:
                    if f"name: {host}," in line and "address:" in line:
                        self.addresses[host] = line.split('address: "')[1].split(":")[0]

    def run(self, host, *command, **options):
        """A process in the namespace of a host; it is ended by `end`."""
        return subprocess.Popen(["nsenter", f"--net={namespaces.FOLDER}/{self.options.prefix}-{host}", *command],
                                start_new_session=True, **{"stdin": subprocess.DEVNULL, **options})

    def slow(self, host):
        """Lets the host send and receive 1 kB a second."""
        for namespace, device in ((host, "e0"), ("switch", f"p{self.hosts.index(host) + 1}")):
            subprocess.run(["tc", "-n", f"{self.options.prefix}-{namespace}", "qdisc", "replace", "dev", device, "root",
                            "tbf", "rate", "8kbit", "burst", "80kb", "limit", "160kb"], check=True)

    def counted(self):
        """Bytes so far: what each host received and sent, and what crossed from region to region."""
        links = namespaces.counters(f"{self.options.prefix}-switch")
        ports = {host: links[f"p{number + 1}"] for number, host in enumerate(self.hosts)}
        crossed = sum(links[f"{name}{region}"][0] for region in range(2, self.options.regions + 1)
                      for name in ("to", "from"))
        return {host: port[0] for host, port in ports.items()}, {host: port[1] for host, port in ports.items()}, crossed

    def close(self):
        self.lab.close()


def end(processes):
    for process in processes:
        try:
            os.killpg(process.pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
    for process in processes:
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class Ours:
    """The fleet."""

    name = "ours"
    program = lab.FLEETCTL

    def __init__(self, net, source):
        self.net, self.source = net, source
        self.process = None
        self.liars = {}
        self.previous = {}

    def prepare(self, late, is_update, change):
        if self.net.options.up_limits:
            limits = self.net.options.up_limits.split(",")
            for number, mirror in enumerate(self.net.mirrors):
                self.net.lab("mirror", "limit", mirror, "--up", f"{limits[number % len(limits)]}mbit")
        self.net.lab("publish", SET, self.source, timeout=3600)
        if is_update:
            self.net.lab("sync", SET, "--wait", "--timeout", "1h", timeout=3600)
            change()
            # Only what is published counts, and every mirror makes its next tree in advance.
            self.net.lab("publish", SET, self.source, timeout=3600)
        for host in late:
            self.net.lab.lab("stop", host)
        self.previous = {host: self.link(host) for host in self.net.mirrors}
        self.agents = [self.net.lab.pid(host) for host in self.net.hosts if host not in late]

    def link(self, host):
        try:
            return os.readlink(self.net.lab.host(host, "srv", SET))
        except FileNotFoundError:
            return None

    def begin(self):
        self.before = measuring.cpu_of(self.agents)
        self.process = subprocess.Popen(
            [lab.FLEETCTL, "-f", self.net.lab.fleet, "sync", SET, "--wait", "--timeout", "1h"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def is_done(self, host):
        return self.link(host) != self.previous[host]

    def tree(self, host):
        return self.net.lab.served(host, SET)

    def stop(self, host, how):
        lab.signal_host(self.net.lab, host, how)

    def start(self, host):
        self.net.lab.lab("start", host)

    def lie(self, host):
        """From now on somebody else has the host's keys: who says to have everything, and sends wrong bytes."""
        fleet = self.net.lab
        fleet.lab("kill", host)
        liar = self.net.run(
            host, lab.HOSTILE, "mirror", *fleet.identity(host), "--listen", fleet.address(host), "--fleet", fleet.name(),
            "--name", host, "--upstream", "origin", "--address", fleet.address("origin"),
            # It ends with its input.
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.liars[host] = liar
        liar.stdout.readline()

    def processor_seconds(self):
        if any(not os.path.exists(f"/proc/{pid}/stat") for pid in self.agents):
            return None  # Some ended, and took their times with them.
        return measuring.cpu_of(self.agents) - self.before

    def close(self):
        end(self.liars.values())
        for liar in self.liars:
            sign = re.compile(rf"a mirror is left out of swarms.* peer={liar}\b")
            cut_off = [host for host in self.net.mirrors if sign.search(self.net.lab.log(host))]
            print(f"    {liar} was cut off by {' '.join(cut_off) or 'nobody'}", file=sys.stderr, flush=True)
        # None if the preparation failed, whose reason is what is to be seen.
        if self.process:
            self.process.kill()
            self.process.wait()


class Peer:
    """A program in place of the agents: what all have in common. A host is done when there is a file of its name."""

    def __init__(self, net, source):
        self.net, self.source = net, source
        self.processes = {}
        self.folder = os.path.join(net.folder, "peer")
        os.makedirs(os.path.join(self.folder, "done"))
        net.lab.lab("stop", *net.hosts, "coordinator")

    def prepare(self, late, is_update, change):
        self.late = late
        if is_update:
            for host in self.net.mirrors:
                shutil.copytree(self.source, self.tree(host), dirs_exist_ok=True, copy_function=shutil.copy2)
            change()
        self.serve()
        os.sync()

    def begin(self):
        self.before = os.times()
        for host in self.net.mirrors:
            if host not in self.late:
                self.start(host)

    def start(self, host):
        if host == "origin":
            self.serve()
        else:
            self.processes[host] = self.fetch(host)

    def stop(self, host, how):
        # Standing still or gone, with everything that it started.
        os.killpg(self.processes[host].pid, how)

    def done_file(self, host):
        return os.path.join(self.folder, "done", host)

    def is_done(self, host):
        return os.path.exists(self.done_file(host))

    def tree(self, host):
        return os.path.join(self.folder, host, os.path.basename(self.source))

    def processor_seconds(self):
        end(self.processes.values())
        after = os.times()
        return (after.children_user + after.children_system - self.before.children_user - self.before.children_system)

    def close(self):
        end(self.processes.values())


class Rsync(Peer):
    """Every mirror runs rsync against a daemon on the origin."""

    name = program = "rsync"
    PORT = 8730

    def serve(self):
        configuration = os.path.join(self.folder, "rsyncd.conf")
        with open(configuration, "w") as file:
            file.write(f"use chroot = no\nreverse lookup = no\n[d]\npath = {self.source}\nuid = root\ngid = root\n")
        self.processes["origin"] = self.net.run(
            "origin", "rsync", "--daemon", "--no-detach", f"--port={self.PORT}", f"--config={configuration}")

    def fetch(self, host):
        os.makedirs(self.tree(host), exist_ok=True)
        url = f"rsync://{self.net.addresses['origin']}:{self.PORT}/d/"
        # Until it has all: a daemon that is not there yet, or not any more, may come back.
        script = ('until rsync -a --delete --timeout=30 "$1" "$2/"; do sleep 0.2; done; sync -f "$2"; : > "$3"')
        return self.net.run(host, "sh", "-c", script, "sh", url, self.tree(host), self.done_file(host),
                            stderr=subprocess.DEVNULL)


class Aria2(Peer):
    """BitTorrent: aria2 on every host, all seed while they fetch and after it, a tracker on the origin."""

    name = "aria2"
    program = "aria2c"
    PORT = 6969
    OPTIONS = ["-q", "--seed-ratio=0", "--enable-dht=false", "--bt-enable-lpd=false", "--listen-port=6881",
               "--bt-max-peers=55", "--bt-tracker-interval=3", "--allow-overwrite=true"]

    def serve(self):
        self.torrent = os.path.join(self.folder, "set.torrent")
        torrent.make(self.source, f"http://{self.net.addresses['origin']}:{self.PORT}/announce", self.torrent)
        script = os.path.join(self.folder, "done.sh")
        with open(script, "w") as file:
            file.write('#!/bin/sh\n: > "$BENCH_DONE"\n')
        os.chmod(script, 0o755)
        self.script = script
        # A fault of the origin is not one of the tracker, which may be elsewhere.
        if "tracker" not in self.processes:
            self.processes["tracker"] = self.net.run("origin", sys.executable, torrent.__file__,
                                                     self.net.addresses["origin"], str(self.PORT))
        self.processes["origin"] = self.net.run(
            "origin", "aria2c", *self.OPTIONS, f"--dir={os.path.dirname(self.source)}", "--bt-seed-unverified=true",
            "--check-integrity=false", self.torrent)

    def fetch(self, host):
        folder = os.path.join(self.folder, host)
        os.makedirs(folder, exist_ok=True)
        check = ["--check-integrity=true"] if os.path.exists(self.tree(host)) else ["--file-allocation=none"]
        return self.net.run(
            host, "aria2c", *self.OPTIONS, f"--dir={folder}", *check, f"--on-bt-download-complete={self.script}",
            self.torrent, env={**os.environ, "BENCH_DONE": self.done_file(host)})


PEERS = {"rsync": Rsync, "aria2": Aria2}


def race(kind, net, options, source):
    """Lets `kind` bring the tree to all mirrors, with the faults of `options`."""
    if shutil.which(kind.program) is None:
        sys.exit(f"bench swarm: {kind.program} is not there")
    for fault in options.fault:
        fault.began, fault.is_over = None, False
    late = [fault.host for fault in options.fault if fault.kind == "join"]
    away = {fault.host for fault in options.fault if fault.is_for_good}
    troubled = away | set(late)
    runner = kind(net, source)
    try:
        runner.prepare(late, options.changed is not None, lambda: data.overwrite(source, options.changed, os.getpid()))
        data.warm(source)
        size = options.changed or sum(os.path.getsize(os.path.join(place, name))
                                      for place, _, names in os.walk(source) for name in names)
        time.sleep(1)  # What was started says what it has to say before the bytes are counted.
        received, sent, crossed = net.counted()
        began = time.monotonic()
        runner.begin()
        waited = [host for host in net.mirrors if host not in away]
        steady = [host for host in net.mirrors if host not in troubled]
        times = follow(runner, net, options, waited, began, lambda: progress(net, steady, received, size))
        after = net.counted()
        cpu = runner.processor_seconds()
        missing = [host for host in waited if host not in times]
        compare(runner, source, times)
    finally:
        runner.close()
    return Result(
        times, missing, size * 8 / options.rate / 1e6, (after[1]["origin"] - sent["origin"]) / size,
        sum(after[1][host] - sent[host] for host in net.hosts) / size,
        (after[2] - crossed) / size if options.regions > 1 else None, cpu)


def progress(net, hosts, before, size):
    """The part of the set that hosts have received on average."""
    received, _, _ = net.counted()
    return sum(received[host] - before[host] for host in hosts) / len(hosts) / size


def follow(runner, net, options, waited, began, share):
    """Waits until all are done; the times. Faults come and go meanwhile."""
    times, looked = {}, 0.0
    while len(times) < len(waited) and time.monotonic() - began < options.limit:
        now = time.monotonic()
        for host in waited:
            if host not in times and runner.is_done(host):
                times[host] = now - began
        open_faults = [fault for fault in options.fault if not fault.is_over]
        if open_faults and now - looked > FAULT_POLL:
            looked = now
            reached = share()
            for fault in open_faults:
                act(fault, runner, net, reached, now, began)
        time.sleep(POLL)
    return times


def act(fault, runner, net, reached, now, began):
    """Lets a fault begin or end if it is time."""
    if fault.began is None:
        if reached < fault.share:
            return
        fault.began = now
        print(f"    {fault.kind} {fault.host} at {now - began:.1f} s", file=sys.stderr, flush=True)
        if fault.kind == "join":
            runner.start(fault.host)
        elif fault.kind == "slow":
            net.slow(fault.host)
        elif fault.kind == "lie":
            runner.lie(fault.host)
        else:
            runner.stop(fault.host, signal.SIGSTOP if fault.kind == "stall" else signal.SIGKILL)
        fault.is_over = fault.seconds is None
    elif now - fault.began >= fault.seconds:
        fault.is_over = True
        if fault.kind == "stall":
            runner.stop(fault.host, signal.SIGCONT)
        elif fault.kind == "kill":
            runner.start(fault.host)


def compare(runner, source, hosts):
    for host in hosts:
        done = subprocess.run(["diff", "-r", "--no-dereference", source, runner.tree(host)], capture_output=True)
        if done.returncode != 0:
            raise SystemExit(f"bench swarm: {host} has another tree: {done.stdout[:300].decode(errors='replace')}")
