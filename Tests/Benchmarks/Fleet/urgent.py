"""Asks for something small and urgent over a link that is full of bulk.

    scripts/bench urgent [--rate 100] [--rtt 0] [--samples 200] [--rounds 3]

Two programs (`fleet-bench urgent`) in network namespaces have a link of `--rate` Mbit/s both ways between them, with
the queue that labs have: 256 KiB or 20 ms. One sends chunks from memory as fast as the other takes them; that one asks
for 4 KiB on an interactive stream, again and again, and notes how long each answer takes: with no bulk, on the
connection that carries the bulk, and, as the peer, on a connection of its own beside it. With `--rtt` (ms) `wire.c`
makes the way longer. It needs root and a C compiler. `--rate 0` is loopback: there the processors are what is full.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "..", "..", "EndToEnd"))

import namespaces  # noqa: E402

ADDRESSES = {"origin": "10.91.7.1", "mirror": "10.91.7.2"}
GOAL_MS = 30


class Link:
    """Two namespaces, and between them a third with the switch or the long wire."""

    def __init__(self, options, folder):
        self.prefix = f"u{os.getpid() % 10_000_000}"
        self.wire = None
        try:
            self.make(options, folder)
        except BaseException:
            self.close()
            raise

    def make(self, options, folder):
        for name in ("switch", *ADDRESSES):
            self.ip("netns", "add", self.name(name))
        ends = []
        for name, address in ADDRESSES.items():
            self.ip("-n", self.name("switch"), "link", "add", f"to-{name}", "type", "veth",
                    "peer", "name", "e0", "netns", self.name(name))
            self.ip("-n", self.name(name), "addr", "add", f"{address}/24", "dev", "e0")
            self.ip("-n", self.name(name), "link", "set", "lo", "up")
            self.ip("-n", self.name(name), "link", "set", "e0", "up")
            ends += [(name, "e0"), ("switch", f"to-{name}")]
        if options.rtt:
            program = os.path.join(folder, "wire")
            subprocess.run(["cc", "-O2", "-o", program, os.path.join(HERE, "wire.c")], check=True)
            within = ["ip", "netns", "exec", self.name("switch")]
            self.wire = subprocess.Popen([*within, program, "wire1", "wire2", str(int(options.rtt * 500)), "0"],
                                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
            if self.wire.stdout.readline() != b"up\n":
                raise SystemExit("bench urgent: there is no wire")
        for number, name in enumerate(ADDRESSES, 1):
            bridge = f"br{number}" if options.rtt else "br1"
            if options.rtt or number == 1:
                self.ip("-n", self.name("switch"), "link", "add", bridge, "type", "bridge")
                self.ip("-n", self.name("switch"), "link", "set", bridge, "up")
            for device in [f"to-{name}"] + ([f"wire{number}"] if options.rtt else []):
                self.ip("-n", self.name("switch"), "link", "set", device, "master", bridge, "up")
        rate = options.rate * 1e6 / 8
        burst = max(80 << 10, int(rate / 250))
        queue = burst + max(256 << 10, int(rate / 50), int(rate * options.rtt / 1e3))
        for name, device in ends:
            subprocess.run(["tc", "-n", self.name(name), "qdisc", "add", "dev", device, "root", "tbf", "rate",
                            f"{options.rate:g}mbit", "burst", f"{burst}b", "limit", f"{queue}b"], check=True)

    def name(self, name):
        return f"{self.prefix}-{name}"

    @staticmethod
    def ip(*words):
        subprocess.run(["ip", *words], check=True)

    def close(self):
        if self.wire:
            self.wire.kill()
            self.wire.wait()
        for name in namespaces.names(f"{self.prefix}-"):
            subprocess.run(["ip", "netns", "delete", name], check=False)


def measure(program, link, options):
    """Milliseconds of each question by its case, and Mbit/s of the bulk."""
    command = [program, "urgent", "--json", "--samples", str(options.samples)]
    if link:
        command = ["ip", "netns", "exec", link.name("mirror"), *command, "--address", ADDRESSES["origin"], "--through",
                   f"ip netns exec {link.name('origin')}"]
    run = subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    found = {case["name"]: case for case in json.loads(run.stdout)["measurements"]}
    bulk = found.pop("the bulk")
    rate = bulk["bytes"] * 8 / bulk["seconds"][0] / 1e6
    return {name: [second * 1e3 for second in case["seconds"]] for name, case in found.items()}, rate


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench urgent", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=100, help="Mbit/s; 0: loopback, without a limit")
    parser.add_argument("--rtt", type=float, default=0, help="ms")
    parser.add_argument("--samples", type=int, default=200, help="questions of each case in a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--no-build", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not (options.rate >= 0 and options.rtt >= 0) or min(options.samples, options.rounds) < 1:
        parser.error("rates and times are 0 or more, samples and rounds at least 1")
    reason = options.rate and namespaces.missing()
    if reason:
        sys.exit(f"bench urgent: {reason}")
    program = os.path.join(os.environ["FLEET_BIN"], "fleet-bench")
    scratch = tempfile.mkdtemp(prefix="fleet-urgent-")
    link = None
    cases, rates = {}, []
    try:
        link = Link(options, scratch) if options.rate else None
        for _ in range(options.rounds):
            found, rate = measure(program, link, options)
            rates.append(rate)
            for name, times in found.items():
                cases.setdefault(name, []).extend(times)
    finally:
        if link:
            link.close()
        shutil.rmtree(scratch, ignore_errors=True)
    show(options, cases, rates)


def show(options, cases, rates):
    if options.json:
        print(json.dumps({"rate": options.rate, "rtt": options.rtt, "bulk": rates, "milliseconds": cases}))
        return
    where = f"{options.rate:g} Mbit/s, {options.rtt:g} ms" if options.rate else "loopback"
    print(f"{where}; bulk {statistics.median(rates):.1f} Mbit/s; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} "
          f"cores; 4 KiB, {options.rounds} rounds of {options.samples}")
    for name, times in cases.items():
        within = sum(time <= GOAL_MS + options.rtt for time in times) / len(times)
        print(f"  {name:22} ms: half within {percentile(times, 0.5):6.2f}, 95 % within {percentile(times, 0.95):6.2f}, "
              f"all within {max(times):6.2f}; {within:.1%} within {GOAL_MS + options.rtt:g}")


main()
