#!/usr/bin/env python3
"""A second, independent implementation of the formats around releases.

Writes the frozen vectors beside it: chunk-list.txt, chunk-log.txt, release-document.txt. It follows
docs/formats/ and shares no code with the Swift sources. Needs b3sum. The vectors
never change: run it to add a vector, and see in the diff that no other line moved.
"""
import os
import struct
import subprocess

here = os.path.dirname(os.path.abspath(__file__))


def derive(context, data):
    out = subprocess.run(["b3sum", "--no-names", "--derive-key", context], input=data, capture_output=True, check=True)
    return bytes.fromhex(out.stdout.decode().strip())


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def prefixed(data):
    return varint(len(data)) + data


def sample(number):
    """The digest with which the vectors name something: 32 equal bytes."""
    return bytes([number]) * 32


def write(name, lines):
    with open(os.path.join(here, name), "w") as file:
        file.write("# Made by release-vectors.py; frozen.\n")
        for key, value in lines:
            file.write(f"{key} = {value.hex() if isinstance(value, bytes) else value}\n")


# Chunk lists: digests 32 x 1, 32 x 2 and so on, with these lengths.
lines = []
for title, lengths in [("two", [1, 1 << 20]), ("three", [65536, 127, 128]), ("many", [100 + i for i in range(200)])]:
    encoded = b"\x01" + varint(len(lengths))
    for index, length in enumerate(lengths):
        encoded += varint(length) + sample(index + 1)
    lines += [(f"{title}.lengths", ",".join(map(str, lengths))), (f"{title}.encoded", encoded),
              (f"{title}.digest", derive("mirrorfleet v1 chunk list", encoded))]
write("chunk-list.txt", lines)


# Chunk log: entry i has the digest 32 x i (mod 256) and the length i + 1. The tree is that of RFC 6962, recursively.
def leaf(index):
    return derive("mirrorfleet v1 chunk log entry", sample(index % 256) + struct.pack("<I", index + 1))


def node(left, right):
    return derive("mirrorfleet v1 chunk log node", left + right)


leaves = [leaf(index) for index in range(21)]


def tree(start, end):
    if end == start:
        return derive("mirrorfleet v1 chunk log node", b"")
    if end - start == 1:
        return leaves[start]
    split = 1
    while split * 2 < end - start:
        split *= 2
    return node(tree(start, start + split), tree(start + split, end))


def state(size):
    peaks, start = b"", 0
    while start < size:
        width = 1 << ((size - start).bit_length() - 1)
        peaks += tree(start, start + width)
        start += width
    return b"\x01" + struct.pack("<I", 7) + varint(size) + peaks


def path(index, start, end):
    if end - start == 1:
        return []
    split = 1
    while split * 2 < end - start:
        split *= 2
    if index < start + split:
        return path(index, start, start + split) + [tree(start + split, end)]
    return path(index, start + split, end) + [tree(start, start + split)]


def subproof(size, start, end, whole):
    if size == end:
        return [] if whole else [tree(start, end)]
    split = 1
    while split * 2 < end - start:
        split *= 2
    if size <= start + split:
        return subproof(size, start, start + split, whole) + [tree(start + split, end)]
    return subproof(size, start + split, end, False) + [tree(start, start + split)]


def proof(first, second, digests):
    return b"\x01" + varint(first) + varint(second) + varint(len(digests)) + b"".join(digests)


lines = [("leaf.0", leaves[0]), ("leaf.5", leaves[5])]
lines += [(f"root.{size}", tree(0, size)) for size in [0, 1, 2, 3, 4, 5, 7, 8, 13, 21]]
lines += [(f"state.{size}", state(size)) for size in [0, 1, 13, 21]]
lines += [(f"inclusion.{index}.{size}", proof(index, size, path(index, 0, size)))
          for index, size in [(0, 1), (0, 13), (12, 13), (20, 21), (6, 21)]]
lines += [(f"consistency.{first}.{second}", proof(first, second, subproof(first, 0, second, True)))
          for first, second in [(8, 13), (13, 21), (6, 8), (20, 21), (1, 2)]]
write("chunk-log.txt", lines)


# Release documents.
def document(fleet, name, sequence, published, manifest, previous, changeset, profile, log, confirmed, note, extensions):
    root, height, entries, files, size = manifest
    epoch, log_size, log_root = log
    out = b"MFRD" + struct.pack("<H", 1) + prefixed(fleet) + prefixed(name) + varint(sequence)
    out += struct.pack("<q", published) + root + bytes([height]) + varint(entries) + varint(files) + varint(size)
    out += {None: b"\x00", "new": b"\x02"}[previous] if not isinstance(previous, bytes) else b"\x01" + previous
    out += b"\x00" if changeset is None else b"\x01" + changeset[0] + varint(changeset[1])
    out += bytes([profile]) + struct.pack("<I", epoch) + varint(log_size) + log_root + varint(confirmed)
    out += prefixed(note) + varint(len(extensions))
    for number, critical, data in extensions:
        out += struct.pack("<I", number) + bytes([critical]) + prefixed(data)
    return out


first = document(b"example-packages", b"debian", 1, 1767225600, (sample(0x11), 1, 3, 2, 4096), None, None, 1,
                 (1, 2, sample(0x22)), 0, b"", [])
second = document(b"example-packages", b"debian", 300, 1767229200, (sample(0x33), 4, 1_000_000, 900_000, 5 << 40),
                  sample(0x44), (sample(0x55), 34_000), 2, (2, 20_000_000, sample(0x66)), 1234,
                  "pöint release\nwith \x1b[31mred\x1b[0m".encode(), [(7, 0, b"later"), (9, 0, b"")])
fresh = document(b"a", b"0-0", 2**64 - 1, 253402300799, (sample(0x77), 12, 20_000_000, 0, 0), "new", None, 255,
                 (2**32 - 1, 1 << 40, sample(0x88)), 2**64 - 1, b"x" * 4096, [])
documents = [("first", first), ("second", second), ("fresh", fresh)]
lines = []
for title, encoded in documents:
    lines += [(f"{title}.encoded", encoded), (f"{title}.digest", derive("mirrorfleet v1 release document", encoded))]
write("release-document.txt", lines)
