#!/usr/bin/env python3
"""What runs on the logged disk, and what looks at it after a power cut (test_power_cuts.py).

    power_cut.py run LAB HOST COUNT     publishes or syncs COUNT releases with HOST's data in $ROOT; acknowledges in $MARK
    power_cut.py check LAB HOST         what came back in $ROOT must hold every acknowledgement in $ACKS
"""
import contextlib
import hashlib
import os
import random
import stat
import subprocess
import sys
import time

from lab import BIN, modified_at, run

SET = "debian"


def digest(root):
    """One digest of everything that a served tree promises."""
    found = hashlib.sha256()
    for folder, folders, files in os.walk(os.fsencode(root)):
        folders.sort()
        for name in sorted(folders + files):
            path = os.path.join(folder, name)
            seen = os.lstat(path)
            content = os.readlink(path) if stat.S_ISLNK(seen.st_mode) else b""
            if stat.S_ISREG(seen.st_mode):
                with open(path, "rb") as file:
                    content = file.read()
            what = (os.path.relpath(path, os.fsencode(root)), stat.S_IFMT(seen.st_mode), modified_at(seen),
                    stat.S_ISREG(seen.st_mode) and bool(seen.st_mode & 0o100), hashlib.sha256(content).hexdigest())
            found.update(repr(what).encode())
    return found.hexdigest()


def change(source, number):
    picker = random.Random(number)
    os.makedirs(f"{source}/pool", exist_ok=True)
    for _ in range(8):
        with open(f"{source}/pool/{picker.randrange(20)}", "wb") as file:
            file.write(picker.randbytes(picker.randrange(40_000)))
    with open(f"{source}/image", "wb") as file:
        file.write(picker.randbytes(1_500_000))
    os.utime(f"{source}/pool/{picker.randrange(20)}" if number > 3 else f"{source}/image", (number, number))


@contextlib.contextmanager
def agent(lab, host):
    """The host's agent, started on $ROOT and killed in the end."""
    home = f"{lab}/hosts/{host}"
    ready = f"{home}/power-cut.ready"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(ready)
    with open(f"{home}/power-cut.log", "ab") as log:
        process = subprocess.Popen([f"{BIN}/fleet-agent", "--config", f"{home}/agent.yaml", "--ready-file", ready],
                                   cwd=home, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        end = time.monotonic() + 60
        while not os.path.exists(ready):
            if process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"the agent does not start on what came back: {home}/power-cut.log")
            time.sleep(0.01)
        yield
    finally:
        process.kill()
        process.wait(60)


def use_disk(lab, host):
    path = f"{lab}/hosts/{host}/agent.yaml"
    with open(path) as file:
        text = file.read()
    with open(path, "w") as file:
        file.write("\n".join(f"data: {os.environ['ROOT']}/srv" if line.startswith("data:") else line
                             for line in text.split("\n")))


def work(lab, host, count):
    fleet = f"{lab}/fleet.yaml"
    source = f"{lab}/power-cut-source"
    use_disk(lab, host)
    with agent(lab, host):
        for number in range(1, count + 1):
            change(source, number)
            with open(f"{lab}/power-cut-states", "a") as states:
                states.write(f"{number} {digest(source)}\n")
            run("-f", fleet, "publish", SET, source)
            if host != "origin":
                run("-f", fleet, "sync", SET, "--mirror", host, "--wait")
            with open(os.environ["MARK"], "w") as mark:
                mark.write(f"{number}\n")
    # Nobody tells the agent to sync while what came back is looked at.
    run("lab", "stop", "--dir", lab, "coordinator", *([] if host == "origin" else ["origin"]))


def check(lab, host):
    with open(f"{lab}/power-cut-states") as file:
        states = dict(line.split() for line in file)
    with open(os.environ["ACKS"]) as file:
        acknowledged = max([int(line) for line in file], default=0)

    def served(when):
        link = f"{os.environ['ROOT']}/srv/{SET}"
        if not os.path.lexists(link):
            return 0
        sequence = os.readlink(link).split("/")[-1]
        if digest(os.path.realpath(link)) != states.get(sequence):
            raise SystemExit(f"{when}, release {sequence} is served torn")
        return int(sequence)

    # What a web server would show, before any agent has put anything right.
    if served("before the start") < acknowledged:
        raise SystemExit(f"lost: release {acknowledged} was acknowledged, {served('')} is served")
    if not os.path.exists(f"{os.environ['ROOT']}/srv"):
        return
    with agent(lab, host):
        verified = run("-f", f"{lab}/fleet.yaml", "verify", host, expect=None)
        if verified.code != 0:
            raise SystemExit(f"verify: {' '.join((verified.out + verified.err).split())}")
        if served("after the start") < acknowledged:
            raise SystemExit(f"the start went back behind release {acknowledged}")


if __name__ == "__main__":
    if sys.argv[1] == "run":
        work(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        check(sys.argv[2], sys.argv[3])
