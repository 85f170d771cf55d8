"""The cases: each lets the fleet and its peers do the same work in turns, and says what came of it."""
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "EndToEnd"))

import data  # noqa: E402
import lab  # noqa: E402
import measuring  # noqa: E402
import peers  # noqa: E402
import processes  # noqa: E402

SET = "debian"


class Row:
    """One line of the table: ours beside one peer. `wanted`: the least ratio of the peer's time to ours, or the most
    that our value may be."""

    def __init__(self, label, ours, unit="s", peer=None, version=None, theirs=None, wanted=None, limit=None):
        self.label, self.ours, self.unit, self.peer, self.version = label, ours, unit, peer, version
        self.theirs, self.wanted, self.limit = theirs, wanted, limit


class Fleet:
    """A lab whose mirrors run only when they are measured."""

    def __init__(self, mirrors, interval="30s"):
        self.lab = lab.Lab(mirrors)
        self.mirrors = self.lab.mirrors
        self.running = set()
        # Reports at their interval would be counted as traffic of what is measured.
        self.lab.lab("stop", "coordinator", *self.mirrors)
        with open(self.lab.fleet) as file:
            text = file.read()
        with open(self.lab.fleet, "w") as file:
            file.write(text.replace("report_interval: 1s", f"report_interval: {interval}"))
        self.lab.lab("start", "coordinator")

    def agents(self, *mirrors):
        return [self.lab.pid(name) for name in ("origin", *mirrors)]

    def publish(self, source):
        def work():
            self.lab("publish", SET, source, timeout=3600)
        return measuring.timed(work, self.agents())

    def start(self, *mirrors):
        self.lab.lab("start", *mirrors)
        self.running.update(mirrors)

    def stop(self, *mirrors):
        self.lab.lab("stop", *mirrors)
        self.running.difference_update(mirrors)

    def sync(self, *mirrors):
        """From the start of fleetctl to its end; notes bytes received by the mirrors and the agents' own time."""
        options = [word for name in mirrors for word in ("--mirror", name)]

        def work():
            outcome = self.lab("sync", SET, *options, "--wait", "-o", "json", timeout=3600).json
            sets = [found["sets"][0] for found in outcome["mirrors"]]
            sources = {name for one in sets for name in one["bytesBySource"]}
            if len(mirrors) == 1 and sources - {"origin"}:
                raise AssertionError(f"others than the origin served {mirrors[0]}: {sources}")
            return {"bytes": sum(sum(one["bytesBySource"].values()) for one in sets),
                    "inside": max((one["seconds"] for one in sets), default=0)}

        return measuring.timed(work, self.agents(*mirrors))

    def settle(self):
        """Waits until what agents do by themselves, as linking the spare trees, is done: else it would take the processors
        of whoever is measured next."""
        agents = [self.lab.pid(name) for name in ("origin", *self.running)]
        used = measuring.cpu_of(agents)
        while True:
            time.sleep(1)
            before, used = used, measuring.cpu_of(agents)
            if used - before < 0.03:
                return

    def first_sync(self, mirror):
        """The first sync of a mirror that starts for it and ends after it."""
        self.start(mirror)
        self.settle()
        try:
            return self.sync(mirror)
        finally:
            self.stop(mirror)

    def adopt(self, mirror, source):
        """`fleet-agent adopt` of a mirror whose agent does not run."""
        def work():
            subprocess.run(
                [os.path.join(lab.BIN, "fleet-agent"), "adopt", SET, source, "--config", "agent.yaml"],
                cwd=self.lab.host(mirror), check=True, capture_output=True)

        return measuring.timed(work)

    def address(self, host):
        """Host and port of an agent, as fleet.yaml has them."""
        with open(self.lab.fleet) as file:
            for line in file:
                if f"name: {host}," in line and "address:" in line:
                    name, _, port = line.split('address: "')[1].split('"')[0].rpartition(":")
                    return name, port
        raise AssertionError(f"fleet.yaml has no {host}")

    def payload(self):
        """TCP payload so far on every connection of the coordinator and the agents that is open."""
        ports = set()
        with open(self.lab.fleet) as file:
            for line in file:
                for key in ("listen:", "address:"):
                    if key in line:
                        ports.add(line.split(key)[1].split('"')[1].rpartition(":")[2])
        return measuring.payload_by_connection(ports)

    def close(self):
        self.lab.close()


def cpu(samples):
    return measuring.median([sample.cpu for sample in samples if sample])


def seconds(samples):
    return measuring.median([sample.seconds for sample in samples if sample])


def first_sync(options, scratch, source, wanted, loop):
    """Fresh mirrors beside rsync, and beside the loop in C if `loop`."""
    daemon = peers.RsyncDaemon(source, scratch)
    create = peers.CreateLoop(source, scratch) if loop else None
    fleet = Fleet(options.rounds)
    ours, theirs, least = [], [], []
    try:
        fleet.publish(source)
        # What each side reads from: rsync's daemon the source, the origin its store, whose large blobs it wrote past
        # the page cache.
        data.warm(source)
        data.warm(fleet.lab.served("origin"))
        for number, mirror in enumerate(fleet.mirrors):
            ours.append(fleet.first_sync(mirror))
            theirs.append(daemon.pull(os.path.join(scratch, f"rsync-{number}")))
            if create:
                least.append(create.run(os.path.join(scratch, f"create-{number}")))
            options.say(f"{ours[-1].seconds:.2f} s (agent {ours[-1].notes['inside']:.2f})",
                        theirs[-1], least[-1] if create else None)
    finally:
        fleet.close()
        daemon.close()
    rows = [
        Row("first sync", seconds(ours), "s", daemon.command, daemon.version, seconds(theirs), wanted),
        Row("first sync, CPU of all", cpu(ours), "CPU s", "rsync, client and daemon", daemon.version, cpu(theirs)),
    ]
    if create:
        rows.append(Row("first sync", seconds(ours), "s", create.command, create.version, seconds(least), 0.8))
    return rows


def case_big(options, scratch):
    """One file of 2 GiB, first sync (--size)"""
    source = os.path.join(scratch, "source")
    data.big(source, options.size or 2 << 30)
    return first_sync(options, scratch, source, 2.5, loop=False)


def case_flood(options, scratch):
    """One file of 1 GiB, first sync, while strangers make 10,000 malformed connections a minute to the origin (--size)"""
    source = os.path.join(scratch, "source")
    data.big(source, options.size or 1 << 30)
    fleet = Fleet(2 * options.rounds)
    flooded, quiet, rates = [], [], []
    try:
        fleet.publish(source)
        data.warm(source)
        data.warm(fleet.lab.served("origin"))
        host, port = fleet.address("origin")
        for number in range(options.rounds):
            quiet.append(fleet.first_sync(fleet.mirrors[2 * number]))
            flood = subprocess.Popen([sys.executable, os.path.join(HERE, "flood.py"), host, port, "170"],
                                     stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
            try:
                flooded.append(fleet.first_sync(fleet.mirrors[2 * number + 1]))
            finally:
                flood.terminate()
                rates.append(float(flood.communicate()[0].split()[1]) * 60)
            options.say(f"{flooded[-1].seconds:.2f} s with {rates[-1]:.0f} connections a minute", quiet[-1])
    finally:
        fleet.close()
    return [
        Row("first sync during the flood", seconds(flooded), "s", "the same without it", "fleet", seconds(quiet), 0.8),
        Row("malformed connections a minute", measuring.median(rates), ""),
    ]


def case_small(options, scratch):
    """20,000 files of 2 to 60 KiB, first sync (--files)"""
    source = os.path.join(scratch, "source")
    data.many(source, options.files or 20_000, 2_048, 61_440)
    return first_sync(options, scratch, source, 1.4, loop=True)


def case_tiny(options, scratch):
    """200,000 files of 300 to 2,000 bytes, first sync (--files)"""
    source = os.path.join(scratch, "source")
    data.many(source, options.files or 200_000, 300, 2_000)
    return first_sync(options, scratch, source, 1.0, loop=False)


def case_publish(options, scratch):
    """One file of 4 GiB from the page cache, published beside casync and restic (--size)"""
    source = os.path.join(scratch, "source")
    size = options.size or 4 << 30
    data.big(source, size)
    ours, casync, restic = [], [], []
    for number in range(options.rounds):
        fleet = Fleet(1)
        try:
            data.warm(source)
            ours.append(fleet.publish(source))
        finally:
            fleet.close()
        casync.append(peers.casync(source, os.path.join(scratch, f"casync-{number}")))
        restic.append(peers.restic(source, os.path.join(scratch, f"restic-{number}")))
        options.say(f"{ours[-1].seconds:.2f} s", casync[-1], restic[-1])
    label = f"publish, {size / seconds(ours) / 1e6:.0f} MB/s"
    return [
        Row(label, seconds(ours), "s", "casync make --without=all --store=S.castr X.caidx DIR",
            measuring.version("casync", "--version"), seconds(casync), 5),
        Row(label, seconds(ours), "s", "restic -r REPO backup DIR", measuring.version("restic", "version"),
            seconds(restic), 3),
    ]


def case_change(options, scratch):
    """Nothing changed, then 0.1 % changed, of 200,000 files (--files)"""
    source = os.path.join(scratch, "source")
    count = options.files or 200_000
    data.many(source, count, 300, 2_000)
    daemon = peers.RsyncDaemon(source, scratch)
    fleet = Fleet(1)
    copy = os.path.join(scratch, "rsync")
    nothing, idle, both, alone, theirs, excess, wire = [], [], [], [], [], [], []
    changed = max(1, count // 1_000)
    try:
        fleet.publish(source)
        fleet.start("m1")
        fleet.sync("m1")
        daemon.pull(copy)
        for number in range(options.rounds):
            fleet.settle()
            before = fleet.payload()
            nothing.append(fleet.sync("m1"))
            after = fleet.payload()
            idle.append(sum(after[ends] - moved for ends, moved in before.items() if ends in after))
            data.change(source, changed, 100 + 2 * number)
            publish = fleet.publish(source)
            # At once, while the origin links its next tree; then by itself.
            sync = fleet.sync("m1")
            both.append(measuring.Sample(publish.seconds + sync.seconds))
            fleet.settle()
            daemon.pull(copy)
            size = data.change(source, changed, 101 + 2 * number)
            fleet.publish(source)
            fleet.settle()
            alone.append(fleet.sync("m1"))
            fleet.settle()
            theirs.append(daemon.pull(copy))
            wire.append(alone[-1].notes["bytes"])
            excess.append((wire[-1] - size) / changed)
            options.say(f"no-op {nothing[-1].seconds:.3f} s {idle[-1]} B, publish {publish.seconds:.3f} s, "
                        f"sync {sync.seconds:.3f} s, alone {alone[-1].seconds:.3f} s, {wire[-1]} B for {size} B", theirs[-1])
        subprocess.run(["diff", "-r", source, fleet.lab.served("m1")], check=True)
    finally:
        fleet.close()
        daemon.close()
    return [
        Row("no-op sync, from start to exit of fleetctl", 1000 * seconds(nothing), "ms", limit=100),
        # Of the origin's agent and the mirror's.
        Row("no-op sync, TCP payload on open connections, an agent", measuring.median(idle) / 2, "B", limit=1_024),
        Row("0.1 % changed, publish and sync", seconds(both), "s", daemon.command, daemon.version,
            seconds(theirs), 1),
        Row("0.1 % changed, sync", seconds(alone), "s", daemon.command, daemon.version, seconds(theirs), 10),
        Row("0.1 % changed, bytes received beyond the content, a change", measuring.median(excess), "B", limit=100),
    ]


def case_fast(options, scratch):
    """10 changed files of 1,000, three mirrors: publish and sync (--files)"""
    source = os.path.join(scratch, "source")
    data.many(source, options.files or 1_000, 300, 60_000)
    fleet = Fleet(3)
    whole = []
    try:
        fleet.publish(source)
        fleet.start(*fleet.mirrors)
        fleet.sync(*fleet.mirrors)
        for number in range(options.rounds):
            data.change(source, 10, 200 + number)
            publish = fleet.publish(source)
            sync = fleet.sync(*fleet.mirrors)
            whole.append(measuring.Sample(publish.seconds + sync.seconds))
            options.say(f"publish {publish.seconds:.3f} s, sync {sync.seconds:.3f} s")
    finally:
        fleet.close()
    return [Row("10 changed files, 3 mirrors: publish to last flip", seconds(whole), "s", limit=1)]


def case_memory(options, scratch):
    """The most memory of origin and mirror while 100,000 files of 10 to 60 bytes are published and synced (--files)"""
    source = os.path.join(scratch, "source")
    count = options.files or 100_000
    data.many(source, count, 10, 60)
    fleet = Fleet(1)
    rows = []

    def measured(label, hosts, work):
        """The peaks of `hosts` during `work` alone, and what they hold after it."""
        pids = {host: fleet.lab.pid(host) for host in hosts}
        for pid in pids.values():
            processes.forget_peak(pid)
        sample = work()
        for host, pid in pids.items():
            rows.append(Row(f"{label}, {host}: VmHWM", processes.peak_memory(pid) / 1e6, "MB", limit=200))
            rows.append(Row(f"{label}, {host}: VmRSS after it", processes.status(pid, "VmRSS") / 1e6, "MB"))
        # Now, for to remove a million files takes longer than to sync them.
        peaks = ", ".join(f"{host} {processes.peak_memory(pid) / 1e6:.0f} MB" for host, pid in pids.items())
        options.say(f"{label}: {sample.seconds:.1f} s, {peaks}")

    try:
        measured(f"publish of {count:,} files", ["origin"], lambda: fleet.publish(source))
        fleet.start("m1")
        measured("first sync", ["origin", "m1"], lambda: fleet.sync("m1"))
        data.change(source, max(1, count // 1_000), 300)
        measured("publish of 0.1 % changed", ["origin"], lambda: fleet.publish(source))
        measured("sync of it", ["origin", "m1"], lambda: fleet.sync("m1"))
    finally:
        fleet.close()
    return rows


def case_adopt(options, scratch):
    """Files of 4 GiB in all, half of them in one, adopted from a cold cache beside reading them (--size)"""
    source = os.path.join(scratch, "source")
    size = options.size or 4 << 30
    data.mix(source, size)
    ours, theirs = [], []
    for _ in range(options.rounds):
        fleet = Fleet(1)
        try:
            data.cool(source)
            ours.append(fleet.adopt("m1", source))
            data.cool(source)
            theirs.append(measuring.timed(lambda: data.warm(source)))
        finally:
            fleet.close()
        options.say(f"{ours[-1].seconds:.2f} s", theirs[-1])
    rate = size / seconds(ours) / 1e6
    return [
        Row(f"adopt, {rate:.0f} MB/s", seconds(ours), "s", "reading each file in pieces of 4 MiB", "Python",
            seconds(theirs), None if rate >= 1000 else 0.8),
        Row("adopt, CPU", cpu(ours), "CPU s"),
    ]


ALL = {
    "adopt": case_adopt, "publish": case_publish, "big": case_big, "small": case_small, "tiny": case_tiny,
    "change": case_change, "fast": case_fast, "flood": case_flood, "memory": case_memory,
}
