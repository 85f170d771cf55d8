"""Measures a whole fleet beside its peers, in turns, and prints medians and ratios; called by `scripts/bench fleet`."""
import argparse
import json
import os
import platform
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True


def main():
    import cases
    import data

    about = "\n".join(f"  {name:8} {case.__doc__}" for name, case in cases.ALL.items())
    parser = argparse.ArgumentParser(
        prog="scripts/bench fleet", epilog=f"cases:\n{about}", formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help="default: all")
    parser.add_argument("--rounds", type=int, default=3, help="turns of ours and the peers (3)")
    parser.add_argument("--files", type=int, help="how many files instead of the case's own number")
    parser.add_argument("--size", help="bytes of the one file, with K, M or G")
    parser.add_argument("--dir", help="where to work: a folder on a quiet ext4 (default: $TMPDIR)")
    parser.add_argument("--keep", action="store_true", help="leave what was made")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--no-build", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = [name for name in options.cases if name not in cases.ALL]
    if unknown:
        parser.error(f"there is no case {unknown[0]}; cases: {', '.join(cases.ALL)}")
    if options.size is not None:
        options.size = data.number_of_bytes(options.size) or parser.error(
            f"--size is a number of bytes, with K, M or G, not {options.size}")
    if options.dir:
        os.makedirs(options.dir, exist_ok=True)
        # The lab makes its folders there too.
        tempfile.tempdir = options.dir

    results = {}
    if not options.json:
        print(machine())
    for name in options.cases or cases.ALL:
        # Told apart in what is printed while it runs; the table has the medians only.
        options.say = lambda ours, *theirs, name=name: print(
            f"  {name}: {ours}", *(f"{sample.seconds:.2f} s" if sample else "not measured" for sample in theirs),
            sep="  ", file=sys.stderr)
        scratch = tempfile.mkdtemp(prefix=f"fleet-bench-{name}-")
        try:
            results[name] = cases.ALL[name](options, scratch)
        finally:
            if not options.keep:
                # Only now: ext4 makes files slowly for a while after many were removed.
                shutil.rmtree(scratch, ignore_errors=True)
        if not options.json:
            show(name, cases.ALL[name].__doc__, results[name])
    if options.json:
        print(json.dumps({"machine": machine(), "cases": {
            name: [vars(row) for row in rows] for name, rows in results.items()}}, indent=2))


def machine():
    return (f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Linux {platform.release().split('-')[0]}, "
            f"Python {platform.python_version()}")


def show(name, about, rows):
    print(f"\n{name}: {about}")
    for row in rows:
        line = f"  {row.label:60} {row.ours:9.3f} {row.unit:5}"
        if row.limit is not None:
            line += f"  limit {row.limit} {row.unit}: {'met' if row.ours <= row.limit else 'missed'}"
        elif row.theirs is None:
            line += "  peer: not measured" if row.peer else ""
        else:
            line += f"  peer {row.theirs:9.3f}  {row.theirs / row.ours:5.2f}x"
            if row.wanted is not None:
                line += f", wanted {row.wanted}x: {'met' if row.theirs / row.ours >= row.wanted else 'missed'}"
        print(line)
    for peer, version in dict.fromkeys((row.peer, row.version) for row in rows if row.peer):
        print(f"    peer: {version or 'not there'}: {peer}")


main()
