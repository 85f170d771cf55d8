"""Distributes a set from one origin to all mirrors over limited links, beside rsync and BitTorrent, in turns.

    scripts/bench swarm [--mirrors 8] [--rate 100] [--size 256M] [--shape big|mix] [--update 20M] [--rounds 1]
                        [--up-rates 100,50,...] [--up-limits 95,46,...] [--regions 2 --region-rate 20] [--with rsync,aria2]
                        [--fault KIND:HOST@PERCENT[+SECONDS]] [--dir DIR] [--json]

Every host is in a network namespace behind a link of `--rate` Mbit/s in both directions (`fleetctl lab up --netns`), so
it needs root. All mirrors start empty; with `--update` they hold a release before, and so many bytes of it change.
Times are from the start of the command until a mirror serves the new tree (ours: encrypted, verified, durable). Bytes
are those that the interfaces count, which is the header of a packet of 64 KiB once: about 1.03 is one copy. Trees are
compared after each run.

Faults begin when the mirrors have received PERCENT of the set, on average of those that no fault is for, and end after
SECONDS, if those are given:
    stall:m1@50      the host stands still (SIGSTOP), then goes on
    kill:m1@50       it is killed, then started again
    slow:m1@0        its link has 8 kbit/s each way
    join:m8@50       it begins only then
    lie:m1@50        another program has its keys: it says that it has everything, and sends wrong bytes
    kill:origin@60   the origin is gone
Hosts that stay away, or slow, or lie, are not waited for.
"""
import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "..", "..", "EndToEnd"))

import data  # noqa: E402
import namespaces  # noqa: E402
import racing  # noqa: E402

KINDS = ("stall", "kill", "slow", "join", "lie")


class Fault:
    """Something that goes wrong during a run."""

    def __init__(self, text):
        kind, _, rest = text.partition(":")
        host, _, rest = rest.partition("@")
        percent, _, seconds = rest.partition("+")
        percent, seconds = percent.rstrip("%"), seconds.rstrip("s")
        if kind not in KINDS or not host or not percent.isdigit() or (seconds and not seconds.isdigit()):
            raise ValueError(f"not a fault: {text}; e.g. stall:m1@50 or kill:origin@60+5")
        self.kind, self.host, self.share = kind, host, int(percent) / 100
        self.seconds = int(seconds) if seconds else None
        self.began = None
        self.is_over = False

    @property
    def is_for_good(self):
        """Whether nobody waits for the host."""
        return self.kind != "join" and self.seconds is None and self.host != "origin"


def options_of(arguments):
    parser = argparse.ArgumentParser(prog="scripts/bench swarm", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mirrors", type=int, default=8)
    parser.add_argument("--rate", type=float, default=100, help="Mbit/s of every link, both ways")
    parser.add_argument("--up-rates", type=rates, help="Mbit/s that mirrors send, in turns")
    parser.add_argument("--up-limits", type=rates, help="Mbit/s that our mirrors are told to send at most, in turns: with room for "
                                            "acknowledgements")
    parser.add_argument("--regions", type=int, default=1)
    parser.add_argument("--region-rate", type=float, help="Mbit/s of the link between regions")
    parser.add_argument("--size", default="256M")
    parser.add_argument("--shape", choices=["big", "mix"], default="big")
    parser.add_argument("--update", help="bytes that change of a set that all hold")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--with", dest="peers", default="", help="rsync, aria2")
    parser.add_argument("--fault", action="append", default=[], type=Fault)
    parser.add_argument("--limit", type=float, default=900, help="seconds after which a run is given up")
    parser.add_argument("--prefix", default=f"b{os.getpid() % 10_000_000}", help=argparse.SUPPRESS)
    parser.add_argument("--dir", help="where to work (default: $TMPDIR)")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--no-build", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    options.bytes = data.number_of_bytes(options.size)
    options.changed = data.number_of_bytes(options.update) if options.update else None
    options.peers = [name for name in options.peers.split(",") if name]
    unknown = [name for name in options.peers if name not in racing.PEERS]
    if unknown:
        parser.error(f"there is no peer {unknown[0]}; peers: {', '.join(racing.PEERS)}")
    lies = [fault for fault in options.fault if fault.kind == "lie"]
    if any(fault.host == "origin" or fault.seconds is not None for fault in lies):
        parser.error("a mirror lies, and to the end: lie:m1@50")
    if lies and options.peers:
        parser.error("there is no program that lies in the protocols of others: --fault lie without --with")
    if options.bytes is None or (options.update and options.changed is None):
        parser.error("sizes are numbers of bytes, with K, M or G")
    return options


def make_source(options, scratch):
    """The tree, and what it is before the update."""
    source = os.path.join(scratch, "source")
    if options.shape == "big":
        data.big(source, options.bytes)
    else:
        data.mix(source, options.bytes)
    return source


def rounds(options, scratch):
    racers = [racing.Ours] + [racing.PEERS[name] for name in options.peers]
    found = {racer.name: [] for racer in racers}
    source = make_source(options, scratch)
    for number in range(options.rounds):
        for racer in racers:
            net = racing.Net(options, os.path.join(scratch, f"{racer.name}-{number}"))
            try:
                result = racing.race(racer, net, options, source)
            finally:
                net.close()
            found[racer.name].append(result)
            print(f"  {racer.name}: {result.line()}", file=sys.stderr, flush=True)
    return found


def rates(text):
    """Rates in Mbit/s, as `100,7.5`, as they are given."""
    try:
        wrong = [rate for rate in text.split(",") if not float(rate) > 0]
    except ValueError:
        wrong = [text]
    if wrong:
        raise argparse.ArgumentTypeError(f"rates are numbers of Mbit/s, as 100,7.5, not {text}")
    return text


def main():
    options = options_of(sys.argv[1:])
    reason = namespaces.missing()
    if reason:
        sys.exit(f"bench swarm: {reason}")
    if options.dir:
        os.makedirs(options.dir, exist_ok=True)
        tempfile.tempdir = options.dir
    scratch = tempfile.mkdtemp(prefix="fleet-swarm-")
    try:
        found = rounds(options, scratch)
    finally:
        if not options.keep:
            shutil.rmtree(scratch, ignore_errors=True)
    if options.json:
        print(json.dumps({name: [vars(result) for result in results] for name, results in found.items()}, indent=2))
        return
    moved = options.changed or options.bytes
    print(f"{options.mirrors} mirrors, {options.rate:g} Mbit/s, {moved / (1 << 20):g} MiB {options.shape}"
          f"{' changed' if options.changed else ''}; ideal {moved * 8 / options.rate / 1e6:.2f} s; load "
          f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; median of {options.rounds}")
    for name, results in found.items():
        def median(of):
            values = [of(result) for result in results if of(result) is not None]
            return statistics.median(values) if values else None

        if median(lambda r: r.last) is None:
            print(f"  {name:6} no mirror was done")
            continue
        line = (f"  {name:6} last {median(lambda r: r.last):7.2f} s = {median(lambda r: r.over_ideal):5.3f} x ideal, first "
                f"{median(lambda r: r.first):7.2f} s; origin sent {median(lambda r: r.origin):.3f} of the set, all "
                f"{median(lambda r: r.total):.2f}")
        if options.regions > 1:
            line += f", over the region link {median(lambda r: r.region):.3f}"
        cpu = median(lambda r: r.cpu)
        print(line if cpu is None else f"{line}; CPU {cpu:.1f} s")


main()
