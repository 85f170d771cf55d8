"""kill -9 exactly at every named phase of the store (FLEET_CRASH_AT): what is served stays one release, a start goes on,
and the next sync or collection finishes."""
import os
import random
import re
import shutil

import trees
from lab import LONG, LabTest, listing, wait_until, write
from test_damage import flip_byte

HERE = os.path.dirname(os.path.abspath(__file__))
# Every phase is hit at least so many times, on origin and mirrors together.
HITS = 8 if LONG else 2

# Where a phase can be met. A new phase of the store belongs into one of these.
PUBLISH = ["ingest-scan", "ingest-manifest"]
FETCH = ["fetch-manifest", "fetch-prepare", "fetch-chunks"]
COMMIT = ["group-rename", "group-sync", "group-record", "variants", "closure", "hold-release", "tree-link", "tree-sync",
          "tree-rename", "flip", "flip-sync", "head", "clean-up"]
ELSEWHERE = ["recover", "quarantine"]
COLLECT = ["collect-mark", "collect-sweep", "collect-files"]
# A set touched as a whole reaches it, where blocks are not shared.
TIMES = ["times"]


def phases_of_store():
    """The names in StorePhase.swift: a phase that this test does not know must not go untested."""
    path = os.path.join(HERE, "..", "..", "Sources", "System", "Store", "StorePhase.swift")
    with open(path) as file:
        found = re.findall(r'^    case (\w+)(?: = "([\w-]+)")?$', file.read(), re.M)
    return [value or name for name, value in found]


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


class PhaseTest(LabTest):
    """Agents that die where a test says, and what must be true of them then."""

    def setUp(self):
        super().setUp()
        self.prepare()
        self.source = self.fleet.scratch("source")
        trees.many_files(self.source, 300)
        self.states = []
        self.hits = {}
        self.armed = {}
        self.number = 0
        self.converge()

    def prepare(self):
        """What the fleet needs before its first release."""

    def change(self):
        """One more state of the source: files come, change and go, one only in its time, and one larger than a chunk."""
        self.number += 1
        picker = random.Random(trees.SEED * 1_000 + self.number)
        for _ in range(10):
            write(os.path.join(self.source, "0000", f"file-{picker.randrange(200):06d}"), picker.randbytes(20_000))
        shutil.rmtree(os.path.join(self.source, "passing"), ignore_errors=True)
        write(os.path.join(self.source, "passing", f"{self.number}"), picker.randbytes(100))
        os.utime(os.path.join(self.source, "0001", "file-000250"), (self.number, self.number))
        trees.random_file(os.path.join(self.source, "image"), 3_000_000, seed=self.number)

    def converge(self):
        state = listing(self.source)
        self.states = [s for s in self.states[-2:] if s != state] + [state]
        self.fleet("publish", "debian", self.source)
        self.fleet("sync", "--wait")
        self.assertServed(self.source, mirrors=["origin", *self.fleet.mirrors])

    def start(self, name, at=None, expect=0):
        """Starts a host's agent, armed to die when it arrives at a phase."""
        os.environ.pop("FLEET_CRASH_AT", None)
        if at:
            os.environ["FLEET_CRASH_AT"] = at
        try:
            return self.fleet.lab("start", name, expect=expect)
        finally:
            os.environ.pop("FLEET_CRASH_AT", None)

    def arm(self, name, phase):
        self.fleet.lab("kill", name)
        self.armed[name] = len(self.fleet.log(name))
        done = self.start(name, phase, expect=None)
        # What it has to do already may bring it to the phase before it says that it is ready; nothing else may end it.
        if done.code != 0:
            self.assertFalse(is_running(self.fleet.pid(name)), f"{name} runs and is not ready\n{done}")
            self.assertDiedAt(name, phase)

    def expectDeath(self, name, phase):
        """Waits until the agent has died where it should, and sees what its host serves."""
        pid = self.fleet.pid(name)
        wait_until(lambda: not is_running(pid), f"{name} dies at {phase}", 30)
        self.assertDiedAt(name, phase)
        self.hits.setdefault(phase, []).append(name)
        served = listing(self.fleet.served(name))
        self.assertIn(served, self.states, f"{name}, killed at {phase}, serves a tree that was never published")

    def assertDiedAt(self, name, phase):
        """The phase is among the last that the agent came to since it was armed."""
        seen = re.findall(r"phase=(\S+)", self.fleet.log(name)[self.armed[name]:])
        # A collection beside it may have logged a phase of its own meanwhile.
        self.assertIn(phase.split(":")[0], seen[-3:], f"{name} died elsewhere")

    def assertHits(self, phases):
        print("\n" + "\n".join(f"    {phase}: killed {', '.join(self.hits.get(phase, []))}" for phase in phases))
        for phase in phases:
            self.assertGreaterEqual(len(self.hits.get(phase, [])), HITS, f"{phase} was not hit often enough")


class Phases(PhaseTest):
    def round(self, publish, sync):
        """One publish and one sync, each killed at a phase: `publish` of the origin, `sync` of each mirror."""
        self.change()
        self.states = self.states[-2:] + [listing(self.source)]
        if publish:
            self.arm("origin", publish)
            self.fleet("publish", "debian", self.source, expect=None)
            self.expectDeath("origin", publish)
            self.start("origin")
        self.fleet("publish", "debian", self.source)
        armed = dict(zip(self.fleet.mirrors, sync))
        for name, phase in armed.items():
            self.arm(name, phase)
        self.fleet("sync", expect=None)
        for name, phase in armed.items():
            self.expectDeath(name, phase)
        for name in armed:
            self.start(name)
        self.converge()

    def test_a_kill_at_60_percent_fetches_at_most_one_group_again(self):
        group, groups, size = 64 << 20, 10, 1 << 30
        source = self.fleet.scratch("large")
        for number in range(4):
            trees.random_file(os.path.join(source, f"image-{number}"), size // 4, seed=number)
        self.fleet("publish", "iso", source)
        # A group is synced whenever 64 MiB were written, so this is at 62.5 % or a little later.
        self.arm("m1", f"group-sync:{groups}")
        self.fleet("sync", "iso", "--mirror", "m1", "--wait", "--timeout", "60s", expect=None)
        pid = self.fleet.pid("m1")
        wait_until(lambda: not is_running(pid), "m1 dies in its tenth group")
        self.assertFalse(os.path.lexists(self.fleet.host("m1", "srv", "iso")))
        before = self.fetches("m1")
        self.start("m1")
        self.fleet("sync", "iso", "--mirror", "m1", "--wait")
        self.assertServed(source, "iso", ["m1"])
        after = self.fetches("m1")[len(before):]
        again = groups * group + after[0] - size
        print(f"\n    written before the kill: {groups * group}; asked for after it: {after[0]}; again: {max(0, again)}")
        self.assertLessEqual(again, group)
        self.assertEqual(len(after), 1, "it took more than one attempt")

    def fetches(self, name):
        """What each fetch of a host has found missing, in bytes."""
        return [int(count) for count in re.findall(r"fetching chunks.* bytes=(\d+)", self.fleet.log(name))] or [
            int(count) for count in re.findall(r"bytes=(\d+).*fetching chunks", self.fleet.log(name))]

    def test_a_kill_at_every_phase_loses_nothing(self):
        known = PUBLISH + FETCH + COMMIT + ELSEWHERE
        self.assertEqual(
            sorted(phases_of_store()), sorted(known + COLLECT + TIMES), "a phase of the store has no round here")
        publishes = (PUBLISH + COMMIT) * (HITS // 2) + PUBLISH * (HITS - HITS // 2)
        syncs = (FETCH * 2 + COMMIT) * (HITS // 2)
        while publishes or syncs:
            self.round(publishes.pop() if publishes else None, [syncs.pop() for _ in self.fleet.mirrors if syncs])
        for _ in range(HITS // 2):
            for name in ["origin", "m1"]:
                self.arm(name, "recover")
                self.expectDeath(name, "recover")
                self.start(name)
        for _ in range(HITS):
            self.arm("m1", "quarantine")
            flip_byte(os.path.join(self.fleet.served("m1"), "image"), 2_000_000)
            self.states.append(listing(self.fleet.served("m1")))
            self.fleet("verify", "m1", expect=None)
            self.expectDeath("m1", "quarantine")
            self.start("m1")
            self.fleet("verify", "m1", expect=1)
            self.converge()
        self.assertHits(known)


class TimesPhases(PhaseTest):
    mirrors = 1

    def change(self):
        """Every file another time: more than may be copied."""
        self.number += 1
        for folder, _, files in os.walk(self.source):
            for name in files:
                os.utime(os.path.join(folder, name), (self.number, self.number))
        self.states = self.states[-2:] + [listing(self.source)]

    def test_a_kill_before_times_change_in_place_is_made_good(self):
        picture = os.path.join(self.source, "0000", "file-000000")
        if os.system(f"cp --reflink=always {picture} {self.fleet.folder}/clone 2>/dev/null") == 0:
            self.skipTest("this file system shares blocks")
        for _ in range(HITS):
            self.change()
            self.arm("origin", "times")
            self.fleet("publish", "debian", self.source, expect=None)
            self.expectDeath("origin", "times")
            self.start("origin")
            self.fleet("verify", "origin")
            done = self.fleet("publish", "debian", self.source)
            self.assertIn("changed in place", done.out)
            self.arm("m1", "times")
            self.fleet("sync", expect=None)
            self.expectDeath("m1", "times")
            self.start("m1")
            self.converge()
            self.fleet("verify", "m1")
            self.fleet("verify", "origin")
        self.assertHits(TIMES)


class CollectionPhases(PhaseTest):
    mirrors = 2

    def prepare(self):
        # A tree keeps its release's content for as long as somebody may be in it.
        self.fleet.reconfigure(("{name: debian,", "{name: debian, linger: 0s,"))

    def blobs(self, name):
        """Every file of a store, with its content."""
        return {path: seen for path, seen in listing(self.fleet.host(name, "srv", ".store", "blobs")).items()
                if seen[0] == "file"}

    def collectable(self, name):
        """Files that a collection of a host would remove."""
        dry = self.fleet("collect", name, "--dry-run").out
        return int(re.search(rf"(?m)^{name}: would free .* (\d+) files? in ", dry)[1])

    def test_a_kill_at_every_phase_of_a_collection_loses_nothing(self):
        rounds = [(phase, ["origin", "m1"][number % 2]) for number in range(HITS) for phase in COLLECT]
        for phase, name in rounds:
            # The agents collect by themselves, too: there may be nothing left to do.
            while not self.collectable(name):
                self.change()
                self.converge()
            self.arm(name, phase)
            self.fleet("collect", name, expect=None)
            self.expectDeath(name, phase)
            self.start(name)
            # The next one finishes what this one began: the store is that of a mirror that was never killed.
            self.fleet("collect")
            self.assertEqual(self.blobs(name), self.blobs("m2"), f"{name} was killed at {phase}")
            self.assertRegex(self.fleet("collect", name).out, rf"(?m)^{name}: freed 0 B: 0 releases, 0 blobs, 0 files in ")
            self.fleet("verify", name)
            self.assertServed(self.source, mirrors=["origin", "m1", "m2"])
        self.assertHits(COLLECT)
