"""The programs that a fleet is measured beside."""
import os
import shutil
import socket
import subprocess
import time

import measuring

HERE = os.path.dirname(os.path.abspath(__file__))


class RsyncDaemon:
    """An rsync daemon on a port of its own that offers one folder."""

    command = "rsync -a --delete rsync://127.0.0.1:PORT/d/ DIR/, then syncfs; daemon: use chroot = no"

    def __init__(self, source, scratch):
        self.version = measuring.version("rsync", "--version")
        if self.version is None:
            return
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        configuration = os.path.join(scratch, f"rsyncd-{self.port}.conf")
        with open(configuration, "w") as file:
            file.write(f"use chroot = no\nreverse lookup = no\n[d]\npath = {source}\nuid = root\ngid = root\n")
        self.daemon = subprocess.Popen(
            ["rsync", "--daemon", "--no-detach", "--address=127.0.0.1", f"--port={self.port}",
             f"--config={configuration}"], stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def pull(self, target):
        """One rsync to `target`, with a syncfs after it; None if there is no rsync."""
        if self.version is None:
            return None
        os.makedirs(target, exist_ok=True)

        def work():
            subprocess.run(["rsync", "-a", "--delete", f"rsync://127.0.0.1:{self.port}/d/", f"{target}/"], check=True)
            measuring.sync_file_system(target)

        return measuring.timed(work, [self.daemon.pid])

    def close(self):
        if self.version is not None:
            self.daemon.terminate()
            self.daemon.wait()


class CreateLoop:
    """A loop in C that creates, writes, dates and links files of given sizes, with a syncfs at its end."""

    command = "create.c: open, write, futimens, close and link for each file, then syncfs"

    def __init__(self, source, scratch):
        self.version = measuring.version("cc", "--version")
        if self.version is None:
            return
        self.program = os.path.join(scratch, "create")
        subprocess.run(["cc", "-O2", "-o", self.program, os.path.join(HERE, "create.c")], check=True)
        self.list = os.path.join(scratch, "create.list")
        with open(self.list, "w") as file:
            for place, _, names in sorted(os.walk(source)):
                for name in sorted(names):
                    seen = os.stat(os.path.join(place, name))
                    path = os.path.relpath(os.path.join(place, name), source)
                    file.write(f"{path} {seen.st_size} {int(seen.st_mtime)}\n")

    def run(self, target):
        if self.version is None:
            return None
        os.makedirs(target)
        return measuring.timed(lambda: subprocess.run([self.program, self.list, target], check=True) and None)


def casync(source, target):
    """Stores `source` with casync; None if it is not there."""
    if shutil.which("casync") is None:
        return None
    os.makedirs(target)
    command = ["casync", "make", "--without=all", f"--store={target}/s.castr", f"{target}/x.caidx", source]
    return measuring.timed(lambda: subprocess.run(command, check=True, capture_output=True) and None)


def restic(source, target):
    """Stores `source` with restic; None if it is not there."""
    if shutil.which("restic") is None:
        return None
    environment = {**os.environ, "RESTIC_PASSWORD": "x", "RESTIC_CACHE_DIR": f"{target}-cache"}
    subprocess.run(["restic", "-q", "init", "-r", target], check=True, env=environment, capture_output=True)
    command = ["restic", "-q", "-r", target, "backup", source]
    return measuring.timed(lambda: subprocess.run(command, check=True, env=environment) and None)
