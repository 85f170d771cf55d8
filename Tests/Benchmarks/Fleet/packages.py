"""Distributes many packages from an origin to mirrors that start empty: publish until all of them hold the release.

    scripts/bench packages [--files 10000] [--least 4K] [--most 60K] [--mirrors 3] [--rounds 1] [--dir DIR] [--json]

All hosts are on this machine, over loopback, each with a store of its own on the same disk. The time is that of
`fleetctl publish --replicas`, from its start until every mirror serves the release, verified and durable. Trees are
compared after each run.
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
from lab import Lab  # noqa: E402


def options_of(arguments):
    parser = argparse.ArgumentParser(prog="scripts/bench packages", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--least", default="4K")
    parser.add_argument("--most", default="60K")
    parser.add_argument("--mirrors", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--dir", help="where to work (default: $TMPDIR)")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--no-build", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    options.sizes = [data.number_of_bytes(text) for text in (options.least, options.most)]
    if None in options.sizes or options.sizes[0] > options.sizes[1]:
        parser.error("sizes are numbers of bytes, with K, M or G, the least first")
    return options


def measure(options, source):
    lab = Lab(options.mirrors)
    try:
        began = time.monotonic()
        done = lab("publish", "debian", source, "--replicas", options.mirrors, "--timeout", "1h", "-o", "json",
                   timeout=4_000)
        seconds = time.monotonic() - began
        for name in lab.mirrors:
            subprocess.run(["diff", "-rq", source, lab.served(name)], check=True)
        status = next(s for s in lab.status()["sets"] if s["name"] == "debian")
        return {"seconds": seconds, "publish": done.json["seconds"], "originCopies": status["originCopies"]}
    finally:
        lab.close()


def main():
    options = options_of(sys.argv[1:])
    if options.dir:
        os.makedirs(options.dir, exist_ok=True)
        tempfile.tempdir = options.dir
    scratch = tempfile.mkdtemp(prefix="fleet-packages-")
    try:
        source = os.path.join(scratch, "source")
        total = data.many(source, options.files, *options.sizes)
        found = [measure(options, source) for _ in range(options.rounds)]
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if options.json:
        print(json.dumps({"files": options.files, "bytes": total, "rounds": found}, indent=2))
        return
    seconds = statistics.median(run["seconds"] for run in found)
    print(f"{options.files} packages, {total / 1e6:.0f} MB, {options.mirrors} mirrors: {seconds:.1f} s until all hold them "
          f"= {options.files / seconds * 3600:.0f} an hour; publish alone "
          f"{statistics.median(run['publish'] for run in found):.1f} s; the origin sent "
          f"{statistics.median(run['originCopies'] for run in found):.2f} copies; load {os.getloadavg()[0]:.1f} on "
          f"{os.cpu_count()} cores; median of {options.rounds}")


main()
