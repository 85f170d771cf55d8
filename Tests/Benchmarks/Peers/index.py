"""Peers of `fleet-bench index`: SQLite by Python's own module, sorted batches of 10,000, a table WITHOUT ROWID."""

import os
import shutil
import sqlite3
import tempfile

from peer import Peer

BATCH = 10_000
DIGEST = 32


class Table:
    """The same entries in SQLite, made once for the look-ups."""

    def __init__(self, data):
        self.data = data
        self.folder = None

    def digests(self):
        return [self.data[at : at + DIGEST] for at in range(0, len(self.data) - DIGEST + 1, DIGEST)]

    def fill(self):
        if self.folder:
            self.connection.close()
            shutil.rmtree(self.folder)
        self.folder = tempfile.mkdtemp(prefix="fleet-bench-sqlite-")
        self.connection = sqlite3.connect(os.path.join(self.folder, "index.db"), isolation_level=None)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = NORMAL")
        self.connection.execute("CREATE TABLE chunk (digest BLOB PRIMARY KEY, place BLOB) WITHOUT ROWID")
        digests = self.digests()
        for at in range(0, len(digests), BATCH):
            self.connection.execute("BEGIN")
            rows = [(digest, digest[:24]) for digest in sorted(digests[at : at + BATCH])]
            self.connection.executemany("INSERT OR REPLACE INTO chunk VALUES (?, ?)", rows)
            self.connection.execute("COMMIT")
        return f"{len(digests)} entries"

    def find(self):
        if not self.folder:
            self.fill()
        found = 0
        for digest in self.digests():
            found += self.connection.execute("SELECT 1 FROM chunk WHERE digest = ?", (digest,)).fetchone() is not None
        return f"{found} found"


def peers(data):
    table = Table(data)
    version = sqlite3.sqlite_version
    return {
        "inserts": [Peer("sqlite3", version, "INSERT OR REPLACE, sorted batches of 10,000, WAL, NORMAL", table.fill)],
        "hits": [Peer("sqlite3", version, "SELECT 1 FROM chunk WHERE digest = ?", table.find, True)],
    }
