"""Brings a set to one mirror over a link with a rate, a round trip and losses, beside iperf3, in turns.

    scripts/bench wan [--rate 100] [--rtt 50] [--loss 0.1] [--size 128M] [--rounds 3] [--control bbr] [--with rsync]

The origin and the mirror are in network namespaces behind links of `--rate` Mbit/s. With a round trip (ms) or losses (per
cent, each way) `wire.c` is the link between them; queues are then as long as one round trip of the rate. It needs root,
iperf3 and a C compiler. Ours is the size of the set over the time that the agent took, from the plan to the flip:
encrypted, verified, durable. The peer is what iperf3 moves from the origin to the mirror in 10 s.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "..", "..", "EndToEnd"))

import data  # noqa: E402
import namespaces  # noqa: E402
import racing  # noqa: E402

MIRROR = "m2"
SECONDS = 10


class Wan(racing.Net):
    """A lab with the origin in one region and the mirror in another, between which there may be a wire."""

    def __init__(self, options, folder):
        super().__init__(options, folder)
        self.wire = None
        self.lab.lab("stop", "m1")
        if options.rtt or options.loss:
            self.stretch()

    def stretch(self):
        """Puts the wire in the place of the link between the regions."""
        options, switch = self.options, f"{self.options.prefix}-switch"
        program = os.path.join(self.folder, "wire")
        subprocess.run(["cc", "-O2", "-o", program, os.path.join(HERE, "wire.c")], check=True)
        self.wire = self.run("switch", program, "wire1", "wire2", str(int(options.rtt * 500)),
                             str(int(options.loss * 10_000)), stdout=subprocess.PIPE)
        if self.wire.stdout.readline() != b"up\n":
            raise SystemExit("bench wan: there is no wire")
        lines = ["link delete to2"]
        for region in (1, 2):
            lines += [f"link set wire{region} master br{region} up"]
        subprocess.run(["ip", "-n", switch, "-batch", "-"], input="\n".join(lines).encode(), check=True)
        # What is under way on such a path must have room in the queues before it.
        burst = 80 << 10
        queue = burst + (256 << 10) + int(options.rate * 1e6 / 8 * options.rtt / 1e3)
        for number, host in enumerate(self.hosts):
            for namespace, device in ((host, "e0"), ("switch", f"p{number + 1}")):
                subprocess.run(["tc", "-n", f"{options.prefix}-{namespace}", "qdisc", "change", "dev", device, "root",
                                "tbf", "rate", f"{options.rate:g}mbit", "burst", f"{burst}b", "limit", f"{queue}b"],
                               check=True)

    def close(self):
        if self.wire:
            racing.end([self.wire])
        super().close()


def iperf(net, options):
    """Mbit/s that iperf3 moves to the mirror."""
    server = net.run(MIRROR, "iperf3", "-s", "-1", stdout=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        control = ["-C", options.control] if options.control else []
        done = net.run("origin", "iperf3", "-c", net.addresses[MIRROR], "-t", str(SECONDS), "-J", *control,
                       stdout=subprocess.PIPE)
        out, _ = done.communicate(timeout=10 * SECONDS)
        return json.loads(out)["end"]["sum_received"]["bits_per_second"] / 1e6
    finally:
        racing.end([server])


def ours(net, options, source):
    """Mbit/s of a sync of content that the mirror has nothing of."""
    shutil.rmtree(source, ignore_errors=True)
    data.big(source, options.bytes)
    net.lab("publish", racing.SET, source, timeout=3600)
    data.warm(source)
    data.warm(net.lab.served("origin", racing.SET))
    outcome = net.lab("sync", racing.SET, "--mirror", MIRROR, "--wait", "--timeout", "1h", "-o", "json",
                      timeout=3600).json
    seconds = outcome["mirrors"][0]["sets"][0]["seconds"]
    subprocess.run(["diff", "-r", source, net.lab.served(MIRROR, racing.SET)], check=True)
    return options.bytes * 8 / seconds / 1e6


def rsync(net, options, source):
    """Mbit/s of rsync from a daemon on the origin."""
    target = os.path.join(net.folder, "rsync")
    shutil.rmtree(target, ignore_errors=True)
    os.makedirs(target)
    configuration = os.path.join(net.folder, "rsyncd.conf")
    with open(configuration, "w") as file:
        file.write(f"use chroot = no\nreverse lookup = no\n[d]\npath = {source}\nuid = root\ngid = root\n")
    daemon = net.run("origin", "rsync", "--daemon", "--no-detach", "--port=8730", f"--config={configuration}")
    try:
        time.sleep(0.5)
        began = time.monotonic()
        client = net.run(MIRROR, "rsync", "-a", f"rsync://{net.addresses['origin']}:8730/d/", target)
        client.wait(options.limit)
        return options.bytes * 8 / (time.monotonic() - began) / 1e6
    except subprocess.TimeoutExpired:
        racing.end([client])
        return sum(entry.stat().st_size for entry in os.scandir(target)) * 8 / options.limit / 1e6
    finally:
        racing.end([daemon])


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench wan", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=100)
    parser.add_argument("--rtt", type=float, default=0, help="ms")
    parser.add_argument("--loss", type=float, default=0, help="per cent, each way")
    parser.add_argument("--size", default="128M")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--control", help="the congestion control of iperf3, e.g. bbr")
    parser.add_argument("--with", dest="peers", default="", help="rsync")
    parser.add_argument("--limit", type=float, default=60, help="seconds for rsync")
    parser.add_argument("--dir", help="where to work (default: $TMPDIR)")
    parser.add_argument("--prefix", default=f"b{os.getpid() % 10_000_000}", help=argparse.SUPPRESS)
    parser.add_argument("--no-build", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.bytes = data.number_of_bytes(options.size) or parser.error("--size is a number of bytes, with K, M or G")
    options.mirrors, options.regions, options.region_rate, options.up_rates = 2, 2, None, None
    options.up_limits = None
    reason = namespaces.missing() or (shutil.which("iperf3") is None and "iperf3 is not installed")
    if reason:
        sys.exit(f"bench wan: {reason}")
    if options.dir:
        os.makedirs(options.dir, exist_ok=True)
        tempfile.tempdir = options.dir
    scratch = tempfile.mkdtemp(prefix="fleet-wan-")
    rates = {"iperf3": [], "ours": []}
    if options.peers:
        rates["rsync"] = []
    net = Wan(options, os.path.join(scratch, "net"))
    try:
        source = os.path.join(scratch, "source")
        for _ in range(options.rounds):
            rates["iperf3"].append(iperf(net, options))
            rates["ours"].append(ours(net, options, source))
            if options.peers:
                rates["rsync"].append(rsync(net, options, source))
            print("  " + ", ".join(f"{name} {found[-1]:.1f}" for name, found in rates.items()), file=sys.stderr,
                  flush=True)
    finally:
        net.close()
        shutil.rmtree(scratch, ignore_errors=True)
    print(f"{options.rate:g} Mbit/s, {options.rtt:g} ms, {options.loss:g} % lost, {options.bytes >> 20} MiB; load "
          f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; medians of {options.rounds}")
    peer = statistics.median(rates["iperf3"])
    for name, found in rates.items():
        rate = statistics.median(found)
        print(f"  {name:6} {rate:7.2f} Mbit/s, {rate / peer:.3f} of iperf3{' -C ' + options.control if options.control else ''}")


main()
