"""A network of its own for a lab, and faults in it.

Everything of a lab is on loopback and every host has an address of its own, so one network namespace with rules for
addresses can cut any host off. What is made while the network is open lives in it: make it before the lab.
"""
import ctypes
import os
import subprocess

CLONE_NEWNET = 0x40000000
COORDINATOR, ORIGIN = "127.0.1.1", "127.0.1.2"


def mirror(number):
    """The address of the mirror m`number` of a lab."""
    return f"127.0.1.{10 + number}"


def missing():
    """Why there can be no such network here; None if there can."""
    if os.geteuid() != 0:
        return "needs root, to make a network namespace"
    probe = subprocess.run(["unshare", "--net", "nft", "list", "ruleset"], capture_output=True)
    return None if probe.returncode == 0 else f"no network namespace with nftables: {probe.stderr.decode().strip()}"


def call(*command):
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


class Network:
    """Moves this thread, and so all that it starts, into a network of its own, until `close`."""

    def __init__(self):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        if self.libc.unshare(CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        call("ip", "link", "set", "lo", "up")
        call("nft", "add table inet faults")
        call("nft", "add chain inet faults out { type filter hook output priority 0; }")

    def rule(self, rule):
        call("nft", "add rule inet faults out " + rule)

    def lose_from(self, address):
        """Nobody hears the host at `address`, which hears everybody who calls it."""
        self.rule(f"ip saddr {address} drop")

    def lose_to(self, address):
        """The host at `address` hears nobody."""
        self.rule(f"ip daddr {address} drop")

    def cut(self, address):
        """The host at `address` is behind a partition."""
        self.lose_from(address)
        self.lose_to(address)

    def reset(self, address):
        """Every packet to the host at `address` is answered by a reset."""
        self.rule(f"ip daddr {address} meta l4proto tcp reject with tcp reset")

    def slow(self, megabits):
        """All of loopback together has so much bandwidth, so that a fault falls into the middle of a transfer."""
        call("tc", "qdisc", "replace", "dev", "lo", "root", "tbf", "rate", f"{megabits}mbit", "burst", "256kb",
             "limit", "4mb")

    def fast(self):
        """Takes `slow` back."""
        call("tc", "qdisc", "del", "dev", "lo", "root")

    def heal(self):
        """Takes all faults away."""
        call("nft", "flush chain inet faults out")

    def close(self):
        if self.libc.setns(self.before, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        os.close(self.before)
