#!/usr/bin/env python3
"""A second, independent implementation of key files with a passphrase.

Writes the frozen vectors beside it, key-file.txt. It follows docs/formats/key-file.md and shares no code with the Swift
sources. Needs the Python package cryptography, from 48 on. The vectors never change: run it to add one, and see in the
diff that no other line moved.
"""
import base64
import hashlib
import os

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

here = os.path.dirname(os.path.abspath(__file__))
PASSPHRASE = "correct horse battery staple"


def text(data):
    return base64.b64encode(data).decode()


def public(kind, seed):
    curve = Ed25519PrivateKey.from_private_bytes(seed[-32:]).public_key().public_bytes_raw()
    if kind == "ed25519":
        return curve
    return MLDSA65PrivateKey.from_seed_bytes(seed[:32]).public_key().public_bytes_raw() + curve


def encrypted(kind, seed, public_line, cost, salt, nonce):
    key = hashlib.scrypt(PASSPHRASE.encode(), salt=salt, n=1 << cost, r=8, p=1, maxmem=1 << 30, dklen=32)
    bound = b"mirrorfleet v1 key file\0" + public_line.encode()
    box = nonce + ChaCha20Poly1305(key).encrypt(nonce, seed, bound)
    return f"{kind}-encrypted:scrypt:{cost}:{text(salt)}:{text(box)}"


with open(os.path.join(here, "key-file.txt"), "w") as out:
    out.write("# Key files, by key-file-vectors.py: the lines of each file.\n")
    out.write(f"passphrase = {PASSPHRASE}\n")
    for name, kind, count, cost in [("hybrid", "mldsa65-ed25519", 64, 15), ("classic", "ed25519", 32, 16)]:
        seed = bytes(range(1, count + 1))
        line = f"{kind}:{text(public(kind, seed))}"
        out.write(f"{name}-public = {line}\n")
        out.write(f"{name}-secret = {kind}-secret:{text(seed)}\n")
        box = encrypted(kind, seed, line, cost, bytes(range(100, 116)), bytes(range(200, 212)))
        out.write(f"{name}-encrypted = {box}\n")
