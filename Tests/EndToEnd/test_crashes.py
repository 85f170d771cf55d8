"""kill -9 of agents and coordinator at random moments of publish and sync: every served tree stays one release, and the
next sync converges. test_phases.py hits every phase for certain, test_collect.py kills in collections."""
import os
import random
import re
import subprocess
import threading
import time

import trees
from lab import FLEETCTL, LONG, LabTest, listing, run, signal_host, wait_until, write

ROUNDS = 500 if LONG else 50


class Crashes(LabTest):
    def changed(self, source, number):
        """One more state of `source`: some files change, come and go."""
        picker = random.Random(trees.SEED * 1_000 + number)
        for _ in range(20):
            folder = os.path.join(source, f"{picker.randrange(5):04d}")
            write(os.path.join(folder, f"file-{picker.randrange(1_000):06d}"), picker.randbytes(30_000))
        trees.random_file(os.path.join(source, "big", f"image-{number % 3}"), 8_000_000, seed=number)

    def assertOneRelease(self, states, name):
        """The served tree of a host is exactly one published state."""
        link = self.fleet.host(name, "srv", "debian")
        if os.path.lexists(link):
            seen = listing(os.path.realpath(link))
            self.assertIn(seen, states, f"{name} serves a tree that was never published: {os.readlink(link)}")

    def phase(self, name, logged):
        """The last phase of store work that a host's log names beyond its first `logged` characters."""
        found = re.findall(r"phase=(\S+)", self.fleet.log(name)[logged:])
        return found[-1] if found else "none yet"

    def durations(self, source):
        """Seconds that a publish and a sync of a change take when nothing is killed."""
        self.changed(source, 0)
        took = {}
        for during, command in [("publish", ["publish", "debian", source]), ("sync", ["sync", "--wait"])]:
            began = time.monotonic()
            self.fleet(*command)
            took[during] = time.monotonic() - began
        return took

    def test_kills_at_random_lose_nothing(self):
        source = self.fleet.scratch("source")
        trees.many_files(source, 1_000)
        picker = random.Random(trees.SEED)
        states, hits = [listing(source)], []
        self.fleet("publish", "debian", source)
        self.fleet("sync", "--wait")
        took = self.durations(source)
        states.append(listing(source))
        for number in range(1, ROUNDS + 1):
            self.changed(source, number)
            state = listing(source)
            states = states[-4:] + [state]
            during = "publish" if number % 2 else "sync"
            if during == "sync":
                self.fleet("publish", "debian", source)
                command = ["sync", "--wait"]
                victim = picker.choice(["m1", "m2", "m3", "coordinator", "m1", "m2"])
            else:
                command = ["publish", "debian", source]
                victim = picker.choice(["origin", "origin", "coordinator"])
            logged = 0 if victim == "coordinator" else len(self.fleet.log(victim))
            process = subprocess.Popen([FLEETCTL, "-f", self.fleet.fleet, *command],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            # Not a wait for a state: the moment of the kill is the random input of this test.
            time.sleep(picker.uniform(0.0, took[during]))
            self.fleet.lab("kill", victim)
            hits.append((during, victim, "-" if victim == "coordinator" else self.phase(victim, logged)))
            # A sync would wait for a mirror that is dead; without the command the agents go on.
            if during == "sync":
                process.kill()
            process.wait(60)
            for name in ["origin", *self.fleet.mirrors]:
                self.assertOneRelease(states, name)
            self.fleet.lab("start", victim)
            self.fleet("publish", "debian", source)
            self.fleet("sync", "--wait")
            self.assertServed(source)
        print("\n" + "\n".join(f"    round {n}: {during}, killed {victim} in phase {phase}"
                               for n, (during, victim, phase) in enumerate(hits)))

    def test_a_coordinator_that_dies_disturbs_no_transfer(self):
        source = self.fleet.scratch("source")
        trees.random_file(os.path.join(source, "image"), 1 << 30)
        self.fleet("publish", "iso", source)
        process = subprocess.Popen([FLEETCTL, "-f", self.fleet.fleet, "sync", "iso", "--mirror", "m1", "--wait"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        staging = self.fleet.host("m1", "srv", ".store", "staging")
        wait_until(lambda: held(staging) > 0, "m1 is fetching")
        self.fleet.lab("kill", "coordinator")
        wait_until(lambda: os.path.lexists(self.fleet.host("m1", "srv", "iso")), "m1 finishes by itself")
        self.assertServed(source, "iso", ["m1"])
        self.fleet.lab("start", "coordinator")
        self.assertEqual(process.wait(60), 0, "the sync that was waiting goes on with the coordinator that is back")
        self.assertEqual(self.fleet.mirror("m1", "iso")["sequence"], 1)


def held(folder):
    """Bytes on disk below `folder`."""
    total = 0
    for place, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.stat(os.path.join(place, name)).st_blocks * 512
            except FileNotFoundError:
                pass
    return total
