"""A coordinator, an origin and a mirror that were taken over, with their real keys, certificates and protocols.

`fleet-hostile` (Tests/Hostile) plays them. After each attack the mirror under attack serves, byte for byte, what it served
before, or (where the table says so) the very release that was published; and its log says why it refused.
"""
import contextlib
import copy
import json
import os
import random
import re
import subprocess
import time

from lab import HOSTILE, LabTest, listing, wait_until, write

SET = "debian"

# What a peer does: the request that it answers wrongly, how, what else it withholds, what the log of the mirror says.
# The outcome `refused`: nothing changes; `converges`: the mirror gets the release all the same, by another way.
PEER = [
    ("metadata", "flip", [], "refused", "too early at offset"),
    ("metadata", "truncate", [], "refused", "too early at offset"),
    ("metadata", "extend", [], "refused", "1 bytes are left over after the end"),
    ("metadata", "garbage", [], "refused", "this is no TUF metadata"),
    ("metadata", "empty", [], "refused", "the input ends 4 bytes too early"),
    ("metadata", "absent", [], "refused", "metadata is not there"),
    ("metadata", "other", [], "refused", "this is no TUF metadata"),
    ("metadata", "endless", [], "refused", "item 0 has more than the 16777216 bytes"),
    ("release", "flip", [], "refused", "release [0-9a-f]{64} came, [0-9a-f]{64} was asked for"),
    ("release", "truncate", [], "refused", "release [0-9a-f]{64} came, [0-9a-f]{64} was asked for"),
    ("release", "extend", [], "refused", "release [0-9a-f]{64} came, [0-9a-f]{64} was asked for"),
    ("release", "garbage", [], "refused", "release [0-9a-f]{64} came, [0-9a-f]{64} was asked for"),
    ("release", "empty", [], "refused", "release [0-9a-f]{64} came, [0-9a-f]{64} was asked for"),
    ("release", "other", [], "refused", "release [0-9a-f]{64} came, [0-9a-f]{64} was asked for"),
    ("release", "absent", [], "refused", "release is not there"),
    ("release", "endless", [], "refused", "item 0 has more than the 65536 bytes"),
    ("release", "twice", [], "refused", "item 0 was answered before"),
    ("release", "beyond", [], "refused", "item 1 was not asked for"),
    ("release", "raw", [], "refused", "the input ends 3 bytes too early"),
    ("release", "reset", [], "refused", "the peer says internal: hostile"),
    ("release", "hollow", [], "refused", "a message says nothing"),
    ("release", "stall", [], "refused", "noProgress: nothing came for 15 s"),
    ("changeset", "flip", [], "refused", "its digest differs"),
    ("changeset", "truncate", [], "refused", "its digest differs"),
    ("changeset", "garbage", [], "refused", "item 0 has more than the .* bytes"),
    ("changeset", "endless", [], "refused", "item 0 has more than the .* bytes"),
    ("changeset", "absent", [], "converges", "changeset is not there"),
    ("nodes", "flip", ["changeset", "packed tree"], "refused", "wrong bytes for manifest node [0-9a-f]{64}: they have another digest"),
    ("nodes", "truncate", ["changeset", "packed tree"], "refused", "wrong bytes for manifest node [0-9a-f]{64}: they have another digest"),
    ("nodes", "extend", ["changeset", "packed tree"], "refused", "wrong bytes for manifest node [0-9a-f]{64}: they have another digest"),
    ("nodes", "garbage", ["changeset", "packed tree"], "refused", "wrong bytes for manifest node [0-9a-f]{64}: they have another digest"),
    ("nodes", "empty", ["changeset", "packed tree"], "refused", "wrong bytes for manifest node [0-9a-f]{64}: they have another digest"),
    ("nodes", "absent", ["changeset", "packed tree"], "refused", "a node of the manifest is not there"),
    ("nodes", "endless", ["changeset", "packed tree"], "refused", "item 0 has more than the 65536 bytes"),
    ("nodes", "beyond", ["changeset", "packed tree"], "refused", "item 1 was not asked for"),
    ("nodes", "raw", ["changeset", "packed tree"], "refused", "the input ends 3 bytes too early"),
    ("chunk lists", "flip", [], "refused", "wrong bytes for chunk list"),
    ("chunk lists", "truncate", [], "refused", "wrong bytes for chunk list"),
    ("chunk lists", "extend", [], "refused", "wrong bytes for chunk list"),
    ("chunk lists", "garbage", [], "refused", "wrong bytes for chunk list"),
    ("chunk lists", "empty", [], "refused", "wrong bytes for chunk list"),
    ("chunk lists", "endless", [], "refused", "item 0 has more than the .* bytes"),
    ("chunks", "flip", [], "refused", "a source sent wrong bytes"),
    ("chunks", "truncate", [], "refused", "a source sent wrong bytes"),
    ("chunks", "garbage", [], "refused", "a source sent wrong bytes"),
    ("chunks", "empty", [], "refused", "a source sent wrong bytes"),
    ("chunks", "extend", [], "refused", "has more than the .* bytes"),
    ("chunks", "absent", [], "refused", "no source has chunk"),
    ("chunks", "swap", [], "refused", "no source has chunk"),
    ("chunks", "endless", [], "refused", "no source has chunk"),
    ("chunks", "twice", [], "refused", "was answered before"),
    ("chunks", "beyond", [], "refused", "was not asked for"),
    ("chunks", "raw", [], "refused", "the input ends 3 bytes too early"),
    ("chunks", "reset", [], "refused", "no source has chunk"),
]


class Attacked(LabTest):
    mirrors = 2

    def setUp(self):
        super().setUp()
        self.source = self.fleet.scratch("source")
        self.random = random.Random(11)
        self.lines, self.trees = {}, {}
        self.fleet.reconfigure((f"name: {SET}, origin", f"name: {SET}, keep_releases: 200, origin"))
        self.release()
        self.fleet("sync", SET, "--wait")
        self.served = 1
        self.processes = contextlib.ExitStack()
        self.addCleanup(self.processes.close)

    def release(self):
        """The next release: two files of several chunks, some small ones; and the line that an honest plan has for m1."""
        number = len(self.trees) + 1
        for name in ["big", "also-big"]:
            write(os.path.join(self.source, name), self.random.randbytes(400_000), modified=1_600_000_000 + number)
        for index in range(5):
            write(os.path.join(self.source, f"d{index}", f"f{index}"), self.random.randbytes(3_000))
        if number == 1:
            for index in range(2_000):
                write(os.path.join(self.source, "many", f"{index:04d}"), b"%d" % index)
        self.fleet("publish", SET, self.source)
        self.trees[number] = listing(self.source)
        plan = self.fleet("plan", "-o", "json").json
        lines = plan.get("lines") or plan["plan"]["lines"]
        self.lines[number] = next(line for line in lines if line["mirror"] == "m1" and line["set"] == SET)
        if number > 1:
            self.assertEqual(self.lines[number]["sequence"], number)

    def address(self, name):
        return self.fleet.address(name)

    def fleet_name(self):
        return self.fleet.name()

    def hostile(self, role, name, *arguments):
        """Starts fleet-hostile with the identity of `name`; a context that ends it."""
        process = subprocess.Popen(
            [HOSTILE, role, *self.fleet.identity(name), "--listen", self.address(name), *map(str, arguments)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

        @contextlib.contextmanager
        def running():
            try:
                line = process.stdout.readline()
                self.assertEqual(line, b"ready\n", line or process.stderr.read())
                yield process
            finally:
                process.kill()
                process.communicate()
        return running()

    def take_over_the_coordinator(self):
        """From here on m1 hears what the test writes into a folder."""
        self.answers = self.fleet.scratch("answers")
        self.number = 1_000
        self.fleet.lab("stop", "m1", "m2", "coordinator")
        self.answer("reports", {"interval": 1, "wantedReleases": []})
        self.answer("metadata", b"", status=404)
        self.plan([])
        self.processes.enter_context(self.hostile("coordinator", "coordinator", "--folder", self.answers))
        self.fleet.lab("start", "m1")
        since = len(self.fleet.log("m1"))
        self.plan([self.line(2, release="0" * 64)])
        self.expect(since, "came, 0{64} was asked for")

    def answer(self, name, body, status=200):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        path = os.path.join(self.answers, name)
        with open(path + ".new", "wb") as file:
            file.write(b"%d\n" % status + body)
        os.rename(path + ".new", path)

    def plan(self, lines, **more):
        """Hands out a plan above all before, unless `more` says otherwise."""
        self.number += 1
        self.answer("assignments", {
            "generation": {"term": 1, "number": self.number}, "lines": lines, "idle": [], "reportNow": 0, **more})

    def line(self, number, sources=("origin",), **more):
        line = copy.deepcopy(self.lines[number])
        line["sources"] = [
            source if isinstance(source, dict) else
            {"name": source, "address": self.address(source), "sequence": number} for source in sources]
        line.update(more)
        return {key: value for key, value in line.items() if value is not None}

    def said(self, since):
        return self.fleet.log("m1")[since:]

    def expect(self, since, pattern, may_converge_to=None):
        """Waits for the refusal in the log; then m1 serves what it served, or what may be."""
        wait_until(lambda: re.search(pattern, self.said(since)), f"{pattern!r} in the log of m1:\n", deadline=40)
        self.expect_served(may_converge_to)

    def expect_served(self, may_converge_to=None):
        found = listing(self.fleet.served("m1"))
        if may_converge_to and found == self.trees[may_converge_to]:
            self.served = may_converge_to
        self.assertEqual(found, self.trees[self.served], "m1 serves something else than it should")

    def converge(self, number):
        """What an honest plan does, as soon as there is one again."""
        self.plan([self.line(number)])
        wait_until(lambda: listing(self.fleet.served("m1")) == self.trees[number], f"m1 serves release {number}")
        self.served = number


class HostileCoordinator(Attacked):
    def test_a_stolen_coordinator_changes_no_byte(self):
        for _ in range(3):
            self.release()
        self.take_over_the_coordinator()
        line, other = self.line, {"name": "origin", "address": self.address("origin"), "sequence": 2}
        # Not the origin: connections to it are open, and who is there stands in its certificate.
        nowhere = {**other, "name": "m2", "address": "127.0.0.1:1"}
        attacks = [
            ("an older plan", [line(2)], "an older plan was refused", {"generation": {"term": 1, "number": 1}}),
            ("a plan of no number", [line(2)], "an older plan was refused", {"generation": {"term": 0, "number": 0}}),
            ("a term that nobody declared", [line(2)], "no operator declared was refused", {"generation": {"term": 9, "number": 1}}),
            ("a forged term", [line(2)], "no operator declared was refused", {"generation": {"term": 9, "number": 2}, "term": "AAAA"}),
            ("a release of another digest", [line(2, release="0" * 64)], "came, 0{64} was asked for", {}),
            ("the digest of another release", [line(2, release=self.lines[3]["release"])], f"came, {self.lines[3]['release']} was", {}),
            ("a sequence that nobody published", [line(2, sequence=99)], "release is not there", {}),
            ("the highest sequence there is", [line(2, sequence=2**64 - 1)], "release is not there", {}),
            ("sequence 0", [line(2, sequence=0)], None, {}),
            ("no sequence", [line(2, sequence=None)], "the plan names no release for debian", {}),
            ("no digest", [line(2, release=None)], "the plan names no release for debian", {}),
            ("a digest that is none", [line(2, release="../../etc/passwd")], "the plan names no release for debian", {}),
            ("no sources", [line(2, sources=[])], "no source for debian could be asked", {}),
            ("a source that is not of the fleet", [line(2, sources=[{**other, "name": "mallory"}])], "no source for debian: mallory: wrongPeer: the peer is spiffe://", {}),
            ("another host under a mirror's name", [line(2, sources=[{**other, "name": "m2", "address": self.address("coordinator")}])], "no source for debian: m2: ", {}),
            ("the origin under another's name", [line(2, sources=[{**other, "name": "m2"}])], "no source for debian: m2: wrongPeer: the peer is spiffe://", {}),
            ("a source that is not there", [line(2, sources=[nowhere])], "connection refused", {}),
            ("itself as the source", [line(2, sources=["m1"])], "no source for debian: m1: ", {}),
            ("a hundred sources that are not there", [line(2, sources=[{**nowhere, "name": f"x{n}"} for n in range(100)])], "x99: ", {}),
            ("a set that nobody has", [line(2, set="secrets")], "no set secrets here", {}),
            ("a set with a path for a name", [line(2, set="../../../etc")], "is no name of a set", {}),
            ("the release for another set", [line(2, set="iso")], "no source for iso", {}),
            ("work for another mirror", [line(2, mirror="m2")], None, {}),
            ("idle for all", [], None, {"idle": [SET, "iso", "secrets", "../.."]}),
            ("a call for reports", [], None, {"reportNow": 2**63}),
        ]
        for name, lines, pattern, more in attacks:
            with self.subTest(name):
                since = len(self.fleet.log("m1"))
                self.plan(lines, **more)
                if pattern:
                    self.expect(since, pattern)
                else:
                    # Nothing is said; what comes after it shows that it was taken in.
                    self.plan([self.line(2, release="0" * 64)])
                    self.expect(since, "was asked for")
        # Rolled back: to what it served before, after it has moved on.
        self.converge(3)
        for action in ["sync", "repair"]:
            with self.subTest(f"rollback by {action}"):
                since = len(self.fleet.log("m1"))
                self.plan([self.line(2, action=action)])
                self.plan([self.line(4, release="0" * 64)])
                self.expect(since, "was asked for")
        self.converge(4)

    def test_a_coordinator_that_talks_nonsense_stops_nothing(self):
        self.release()
        self.take_over_the_coordinator()
        for name, body, status in [
                ("no JSON", b"\x00" * 1_000, 200), ("an array", [], 200), ("an unknown action", None, 200),
                ("40 MB", b" " * 40_000_000, 200), ("a redirect", b"", 302), ("a failure", b"", 500),
                ("a refusal that is none", b"{", 403)]:
            with self.subTest(name):
                since = len(self.fleet.log("m1"))
                if body is None:
                    self.plan([self.line(2, action="delete")])
                else:
                    self.answer("assignments", body, status)
                wait_until(lambda: "the poll for plans failed" in self.said(since), f"m1 says it of {name}")
                found = listing(self.fleet.served("m1"))
                # Without plans it asks its neighbours, whose releases are signed.
                self.assertIn(found, [self.trees[1], self.trees[2]])
        for name, receipt in [("interval 0", {"interval": 0, "wantedReleases": []}),
                              ("interval below 0", {"interval": -5, "wantedReleases": []}),
                              ("interval without end", {"interval": 2**62, "wantedReleases": []}),
                              ("wanted releases", {"interval": 1, "wantedReleases": [{"set": "../..", "sequence": 0}] * 50})]:
            with self.subTest(name):
                self.answer("reports", receipt)
        self.converge(2)


class HostilePeers(Attacked):
    def test_a_stolen_mirror_or_origin_changes_no_byte(self):
        # The documents of a set name its newest 32 releases. For one before these, m1 asks for newer documents; and what
        # comes before the manifest is refused as a whole, so that one release serves for all of it.
        numbers, last = [], 9
        for kind, *_ in PEER:
            if kind not in ["metadata", "release", "chunk lists"]:
                last += 1
            numbers.append(2 if kind == "metadata" else last)
        self.assertLess(last - 9, 32)
        for _ in range(last):
            self.release()
        self.assertGreater(len(self.trees), 2 + 32)
        old = os.path.join(self.fleet.folder, "old")
        with open(old, "wb") as file:
            file.write(b"\x01" * 300)
        self.take_over_the_coordinator()
        for number, (kind, change, withheld, outcome, pattern) in zip(numbers, PEER):
            with self.subTest(f"{kind}={change}"):
                changes = [f"{kind}={change}", *(f"{other}=absent" for other in withheld)]
                arguments = [word for text in changes for word in ("--change", text)]
                with self.hostile("peer", "m2", "--fleet", self.fleet_name(), "--name", "m2", "--upstream", "origin",
                                  "--address", self.address("origin"), "--file", old, *arguments):
                    since = len(self.fleet.log("m1"))
                    self.plan([self.line(number, sources=["m2"])])
                    if outcome == "converges":
                        self.expect(since, "serving a release", may_converge_to=number)
                        self.assertEqual(self.served, number)
                        if pattern:
                            self.assertRegex(self.said(since), pattern)
                    else:
                        self.expect(since, pattern)
                    self.plan([], idle=[SET])
        self.converge(len(self.trees))


class SlowPeers(Attacked):
    """A source that gives one byte a second: another one is asked beside it. Where there is no other, an answer as a whole
    has its time (AnswerPaceTests)."""

    def test_a_slow_source_holds_nobody_up(self):
        kinds = ["release", "changeset", "nodes", "chunk lists", "chunks"]
        for _ in kinds:
            self.release()
        self.take_over_the_coordinator()
        for number, kind in enumerate(kinds, 2):
            withheld = ["changeset=absent", "packed tree=absent"] if kind == "nodes" else []
            changes = [word for text in [f"{kind}=slow", *withheld] for word in ("--change", text)]
            with self.subTest(kind), self.hostile(
                    "peer", "m2", "--fleet", self.fleet_name(), "--name", "m2", "--upstream", "origin", "--address",
                    self.address("origin"), *changes):
                began = time.monotonic()
                self.plan([self.line(number, sources=["m2", "origin"])])
                wait_until(lambda: listing(self.fleet.served("m1")) == self.trees[number], f"m1 serves release {number}",
                           deadline=12)
                self.served = number
                print(f"\n    {kind}: {time.monotonic() - began:.1f} s", end="")
                self.plan([], idle=[SET])
