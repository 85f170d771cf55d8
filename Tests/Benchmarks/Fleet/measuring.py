"""What the cases measure with: wall time, CPU time of processes, bytes on open connections."""
import ctypes
import os
import re
import shutil
import statistics
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")
LIBC = ctypes.CDLL(None, use_errno=True)


class Sample:
    """One run: `seconds` by the wall clock, `cpu` of all processes that took part, and what else a case notes."""

    def __init__(self, seconds, cpu=None, **notes):
        self.seconds, self.cpu, self.notes = seconds, cpu, notes


def timed(work, pids=()):
    """Runs `work`. CPU time is that of children that ended meanwhile and of `pids` with their ended children."""
    before = cpu_of(pids)
    children = os.times()
    began = time.monotonic()
    notes = work()
    seconds = time.monotonic() - began
    ended = os.times()
    own = ended.children_user + ended.children_system - children.children_user - children.children_system
    return Sample(seconds, own + cpu_of(pids) - before, **(notes or {}))


def cpu_of(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        total += sum(int(field) for field in fields[11:15])
    return total / TICKS


def sync_file_system(path):
    """syncfs(2): what a mirror does before it says that it has something."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if LIBC.syncfs(descriptor) != 0:
            raise OSError(ctypes.get_errno(), "syncfs")
    finally:
        os.close(descriptor)


def payload_by_connection(ports):
    """Bytes of TCP payload, both ways, of each open connection that has one of `ports` at one end; by `ss -tin`."""
    text = subprocess.run(["ss", "-Htino"], capture_output=True, text=True, check=True).stdout
    found, ends = {}, None
    for line in text.splitlines():
        if not line.startswith(("\t", " ")):
            fields = line.split()
            ends = tuple(sorted(fields[3:5]))
            wanted = any(end.rpartition(":")[2] in ports for end in ends)
            continue
        if not wanted:
            continue
        # Both ends are on this machine: what one sent the other received, so one end says all.
        moved = [int(match) for match in re.findall(r"bytes_(?:sent|received):(\d+)", line)]
        found[ends] = max(found.get(ends, 0), sum(moved))
    return found


def version(*command):
    """The first line that a program says of its version, None if it is not there."""
    if shutil.which(command[0]) is None:
        return None
    done = subprocess.run(command, capture_output=True, text=True)
    return (done.stdout or done.stderr).splitlines()[0].strip()


def median(values):
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None
