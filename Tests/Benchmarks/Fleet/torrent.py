"""What BitTorrent needs beside a client: a torrent of a tree, and a tracker; by Python's standard library."""
import hashlib
import http.server
import os
import socket
import sys
import urllib.parse

PIECE = 256 << 10


def bencode(value):
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, str):
        return bencode(value.encode())
    if isinstance(value, list):
        return b"l" + b"".join(map(bencode, value)) + b"e"
    return b"d" + b"".join(bencode(key) + bencode(value[key]) for key in sorted(value)) + b"e"


def make(tree, tracker, path):
    """Writes a torrent of the folder `tree` to `path`."""
    files, pieces, pending = [], [], b""
    for place, folders, names in os.walk(tree):
        folders.sort()
        for name in sorted(names):
            full = os.path.join(place, name)
            files.append({"length": os.path.getsize(full), "path": os.path.relpath(full, tree).split(os.sep)})
            with open(full, "rb") as file:
                while part := file.read(PIECE - len(pending)):
                    pending += part
                    if len(pending) == PIECE:
                        pieces.append(hashlib.sha1(pending).digest())
                        pending = b""
    if pending:
        pieces.append(hashlib.sha1(pending).digest())
    info = {"name": os.path.basename(tree), "piece length": PIECE, "pieces": b"".join(pieces), "files": files}
    with open(path, "wb") as file:
        file.write(bencode({"announce": tracker, "info": info}))


class Tracker(http.server.BaseHTTPRequestHandler):
    """Tells everybody who announces of everybody else."""

    protocol_version = "HTTP/1.1"
    peers = {}

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        here = (self.client_address[0], int(query["port"][0]))
        self.peers[here] = True
        known = b"".join(socket.inet_aton(host) + port.to_bytes(2, "big") for host, port in self.peers
                         if (host, port) != here)
        body = bencode({"interval": 3, "min interval": 1, "peers": known})
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Tracker).serve_forever()
