"""Runs fleet-bench and its peers in turn and prints medians and ratios; called by scripts/bench.

A subject is a file beside this one with a function `peers(data)`: a dictionary from the name of a case of fleet-bench
to a list of Peer. Ours and the peers take turns in every round, so that a busy machine is busy for all. A peer may be a
case of fleet-bench, too.
"""

import argparse
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True


def main():
    files = sorted(name for name in os.listdir(HERE) if name.endswith(".py"))
    subjects = [name[:-3] for name in files if name not in ("run.py", "peer.py")]
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("program", help=argparse.SUPPRESS)
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=f"of {', '.join(subjects)}; default: all")
    parser.add_argument("--rounds", type=int, help="turns of ours and the peers (7; index: 1)")
    parser.add_argument("--samples", type=int, help="samples of each in a turn (3; index: 1)")
    parser.add_argument("--size", help="bytes of input, with K, M or G")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--no-build", action="store_true", help="use the fleet-bench that is there")
    options = parser.parse_args()
    unknown = [subject for subject in options.subjects if subject not in subjects]
    if unknown:
        parser.error(f"there is no subject {unknown[0]}; subjects: {', '.join(subjects)}")

    results = [measure(subject, options) for subject in options.subjects or subjects]
    if options.json:
        print(json.dumps({"machine": machine(), "subjects": results}, indent=2))
    else:
        print(machine())
        for result in results:
            show(result)


def measure(subject, asked):
    options = argparse.Namespace(**vars(asked))
    # Minutes each: not seven times for somebody who asks for nothing.
    options.rounds = options.rounds or (1 if subject == "index" else 7)
    options.samples = options.samples or (1 if subject == "index" else 3)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "input")
        command = [options.program, subject, "--write-input", path]
        subprocess.run(command + (["--size", options.size] if options.size else []), check=True)
        with open(path, "rb") as file:
            data = file.read()
        cases = ours(options.program, subject, path, 1)["measurements"]
        peers = load(subject).peers(data)
        result = {"subject": subject, "bytes": len(data), "cases": []}
        others = {peer.case for listed in peers.values() for peer in listed}
        for case in cases:
            if case["name"] in others:
                continue
            result["cases"].append(measure_case(subject, case["name"], path, peers.get(case["name"], []), options))
        return result


def measure_case(subject, name, path, peers, options):
    own, own_result, theirs = [], None, {peer.label: [] for peer in peers}
    for _ in range(options.rounds):
        report = ours(options.program, subject, path, options.samples, name)
        own += report["measurements"][0]["seconds"]
        own_result = report["measurements"][0]["result"]
        clock = time.thread_time if report["measurements"][0]["clock"] == "cpu" else time.perf_counter
        for peer in peers:
            if peer.case:
                other = ours(options.program, subject, path, options.samples, peer.case)["measurements"][0]
                theirs[peer.label] += other["seconds"]
                if peer.is_same_result and other["result"] != own_result:
                    sys.exit(f"bench: {name}: {peer.label} brought {other['result']}, we {own_result}")
            if peer.run is None:
                continue
            for sample in range(options.samples + 1):
                start = clock()
                result = peer.run()
                seconds = clock() - start
                if sample > 0:
                    theirs[peer.label].append(seconds)
            if peer.is_same_result and result != own_result:
                sys.exit(f"bench: {name}: {peer.label} computed {result}, we {own_result}")
    size = report["measurements"][0]["bytes"]
    return {
        "case": name,
        "kernel": report["kernel"],
        "bytes": size,
        "clock": report["measurements"][0]["clock"],
        "unit": report["measurements"][0]["unit"],
        "seconds": statistics.median(own),
        "result": own_result,
        "peers": [
            {
                "peer": peer.label,
                "version": peer.version,
                "command": peer.command,
                "seconds": statistics.median(theirs[peer.label]) if theirs[peer.label] else None,
            }
            for peer in peers
        ],
    }


def ours(program, subject, path, samples, only=None):
    command = [program, subject, "--json", "--input", path, "--samples", str(samples)]
    run = subprocess.run(command + (["--only", only] if only else []), check=True, capture_output=True)
    return json.loads(run.stdout)


def load(subject):
    sys.path.insert(0, HERE)
    spec = importlib.util.spec_from_file_location(f"peers_of_{subject}", os.path.join(HERE, f"{subject}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def machine():
    model = "unknown processor"
    with open("/proc/cpuinfo") as file:
        fields = dict(line.split(":", 1) for line in file.read().split("\n\n")[0].splitlines() if ":" in line)
        fields = {key.strip(): value.strip() for key, value in fields.items()}
        model = f"{fields.get('model name', model)} (family {fields.get('cpu family')}, model {fields.get('model')})"
    load = os.getloadavg()[0]
    return (
        f"{model}, {os.cpu_count()} cores, load {load:.1f}, Linux {platform.release().split('-')[0]}, "
        f"Python {platform.python_version()}"
    )


def show(result):
    kernel = result["cases"][0]["kernel"]
    unit, divisor = {"bytes": ("GB/s", 1e9), "entries": ("M/s", 1e6), "operations": ("/s", 1)}[
        result["cases"][0]["unit"]]
    clocks = " and ".join(sorted({case["clock"] for case in result["cases"]}))
    clocks = clocks.replace("processes", "CPU (of all threads of both ends)")
    print(f"\n{result['subject']}: {result['bytes']} bytes, BLAKE3 kernel {kernel}; {unit} by medians, {clocks} time")
    print(f"  {'case':30} {'ours':>7}  {'peer':24} {unit:>7} {'ratio':>6}")
    commands = []
    for case in result["cases"]:
        rate = case["bytes"] / case["seconds"] / divisor
        for peer in case["peers"] or [None]:
            line = f"  {case['case']:30} {rate:7.2f}"
            if peer is not None:
                label = f"{peer['peer']} {peer['version'] or ''}".strip()
                if (label, peer["command"]) not in commands:
                    commands.append((label, peer["command"]))
                if peer["seconds"] is None:
                    line += f"  {label:24} not measured"
                else:
                    ratio = peer["seconds"] / case["seconds"]
                    line += f"  {label:24} {case['bytes'] / peer['seconds'] / divisor:7.2f} {ratio:5.2f}x"
            print(line)
    print("  what is timed of the peers, in Python if nothing else is said:")
    for label, command in commands:
        print(f"    {label}: {command}")


main()
