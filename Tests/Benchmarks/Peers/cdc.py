"""Peers of `fleet-bench cdc`: the PyPI package fastcdc, whose inner loop is C by Cython. Its cuts are others."""

from peer import Peer, module

PROFILES = {"default": (64 << 10, 256 << 10, 1 << 20), "images": (16 << 10, 64 << 10, 256 << 10)}


def peers(data):
    fastcdc, version = module("fastcdc")
    cases = {}
    for name, (minimum, average, maximum) in PROFILES.items():
        run = None
        if fastcdc:
            run = lambda a=minimum, b=average, c=maximum: sum(1 for _ in fastcdc.fastcdc(data, a, b, c))
        command = f"for _ in fastcdc.fastcdc(data, {minimum}, {average}, {maximum}): pass"
        cases[f"fastcdc {name}"] = [Peer("fastcdc", version, command, run)]
    return cases
