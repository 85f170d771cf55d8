"""Peers of `fleet-bench hash`: the official BLAKE3 (Rust with assembly, one thread), OpenSSL, xxHash."""

import hashlib
import ssl

from peer import Peer, module

SIZES = {"4 KiB": 4 << 10, "16 KiB": 16 << 10, "64 KiB": 64 << 10, "1 MiB": 1 << 20}


def peers(data):
    blake3, version = module("blake3")

    def parts(size):
        view = memoryview(data)
        return [view[start : start + size] for start in range(0, len(data), size)]

    def joined(digests):
        joint = b"".join(digests)
        return blake3.blake3(joint).hexdigest() if blake3 else None

    def one_by_one(size, command):
        buffers = parts(size)
        run = (lambda: joined([blake3.blake3(buffer).digest() for buffer in buffers])) if blake3 else None
        return Peer("blake3", version, command, run, is_same_result=True)

    each = "[blake3.blake3(part).digest() for part in parts]"
    cases = {}
    for label, size in {**SIZES, "whole": len(data)}.items():
        cases[f"blake3 {label}"] = [one_by_one(size, each)]
    for label, size in SIZES.items():
        # It has no call for many buffers, so the same one by one.
        cases[f"blake3 {label} batch"] = [one_by_one(size, each)]

    def incremental():
        hasher = blake3.blake3()
        for part in parts(256 << 10):
            hasher.update(part)
        return joined([hasher.digest()])

    command = "hasher.update(part) for each part, hasher.digest()"
    cases["blake3 whole in 256 KiB"] = [
        Peer("blake3", version, command, incremental if blake3 else None, is_same_result=True)
    ]

    buffers = parts(1 << 20)
    openssl = ssl.OPENSSL_VERSION.split()[1]
    for name in ("sha256", "sha512", "sha3_256"):
        make = getattr(hashlib, name)
        run = lambda make=make: joined([make(buffer).digest() for buffer in buffers])
        label = name.replace("_", "-")
        cases[f"{label} 1 MiB"] = [
            Peer("hashlib, OpenSSL", openssl, f"[hashlib.{name}(part).digest() for part in parts]", run, bool(blake3))
        ]
    xxhash, version_of_xxhash = module("xxhash")
    run = (lambda: joined([xxhash.xxh3_128(buffer).digest() for buffer in buffers])) if xxhash else None
    cases["xxh3-128 1 MiB"] = [
        Peer("xxhash", version_of_xxhash, "[xxhash.xxh3_128(part).digest() for part in parts]", run, bool(blake3))
    ]
    return cases
