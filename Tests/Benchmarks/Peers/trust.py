"""Peers of `fleet-bench trust`: the PyPI package cryptography (OpenSSL), signatures alone, no JSON and no rules."""

import hashlib

from peer import Peer, module

LABEL = b"COMPSIG-MLDSA65-Ed25519-SHA512"
# Of a root two, of timestamp, snapshot, targets and the delegated role one each.
SIGNATURES = 6


def peers(data):
    cryptography, version = module("cryptography")
    if not cryptography:
        return {
            "verify chain": [Peer("cryptography", version, "6 composite signatures", None)],
            "sign": [Peer("cryptography", version, "1 composite signature", None)],
        }
    from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa

    lattice, curve = mldsa.MLDSA65PrivateKey.generate(), ed25519.Ed25519PrivateKey.generate()
    keys = lattice.public_key(), curve.public_key()

    def message():
        return b"CompositeAlgorithmSignatures2025" + LABEL + b"\0" + hashlib.sha512(data).digest()

    def sign():
        return f"{len(lattice.sign(message(), LABEL) + curve.sign(message()))} bytes"

    signatures = lattice.sign(message(), LABEL), curve.sign(message())

    def verify():
        for _ in range(SIGNATURES):
            keys[0].verify(signatures[0], message(), LABEL)
            keys[1].verify(signatures[1], message())

    verification = "MLDSA65PublicKey.verify and Ed25519PublicKey.verify, 6 times"
    return {
        "verify chain": [Peer("cryptography", version, verification, verify)],
        "sign": [Peer("cryptography", version, "MLDSA65PrivateKey.sign and Ed25519PrivateKey.sign", sign, True)],
    }
