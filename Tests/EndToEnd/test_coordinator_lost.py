"""The coordinator lost: away while publishing, killed in every phase of its work, its disk gone. Mirrors learn of heads
from each other's greetings and finish without it."""
import os
import shutil
import subprocess
import time

import trees
from lab import FLEETCTL, LabTest, listing, run, wait_until, write

# Every phase at which the coordinator's state on disk is another; what an operator's command was doing then.
PLAN_PHASES = ["reports-wanted", "report-saved", "plan-made", "plan-saved", "plan-handed-out"]
RELEASE_PHASES = ["release-verified", "release-saved"]


class CoordinatorLost(LabTest):
    mirrors = 3

    def setUp(self):
        super().setUp()
        self.source = self.fleet.scratch("source")
        trees.many_files(self.source, 50)
        self.fleet("publish", "debian", self.source)
        self.fleet("sync", "--wait")
        self.number = 0

    def changed(self):
        self.number += 1
        write(os.path.join(self.source, "news", f"{self.number}"), b"%d" % self.number * 10_000)

    def start(self, *names, at=None):
        """Starts hosts; the coordinator armed to die when it arrives at a phase."""
        os.environ.pop("FLEET_CRASH_AT", None)
        if at:
            os.environ["FLEET_CRASH_AT"] = at
        try:
            return self.fleet.lab("start", *names, expect=None if at else 0)
        finally:
            os.environ.pop("FLEET_CRASH_AT", None)

    def serves(self, name, wanted):
        try:
            return listing(self.fleet.served(name)) == wanted
        except OSError:
            return False

    def is_running(self):
        """Whether the coordinator runs."""
        try:
            with open(self.fleet.host("coordinator", "coordinator.pid")) as file:
                pid = int(file.read())
            with open(f"/proc/{pid}/stat") as file:
                return file.read().rpartition(")")[2].split()[0] != "Z"
        except FileNotFoundError:
            return False

    def generation(self):
        """What the next plan's would be."""
        found = self.fleet("plan", "-o", "json").json["generation"]
        return found["term"], found["number"]

    def head(self):
        found = next(s for s in self.fleet.status()["sets"] if s["name"] == "debian")["head"]
        return found and found["sequence"]

    def test_what_was_published_without_it_is_known_when_it_is_back(self):
        self.fleet.lab("kill", "coordinator")
        self.changed()
        done = self.fleet("publish", "debian", self.source)
        self.assertIn("the release stands", done.err)
        self.fleet.lab("start", "coordinator")
        wait_until(lambda: self.head() == 2, "the coordinator learns of the release from the origin's report")
        self.fleet("sync", "--wait")
        self.assertServed(self.source)

    def test_mirrors_learn_from_greetings_and_finish_without_it(self):
        self.fleet.lab("kill", "coordinator")
        self.changed()
        self.fleet("publish", "debian", self.source)
        wanted = listing(self.source)
        for name in self.fleet.mirrors:
            wait_until(lambda: self.serves(name, wanted), f"{name} serves what was published without the coordinator")
        # Alone already, the next release is heard of at once: from open connections, not only from a round of calls.
        self.changed()
        self.fleet("publish", "debian", self.source)
        wanted = listing(self.source)
        for name in self.fleet.mirrors:
            wait_until(lambda: self.serves(name, wanted), f"{name} serves the next release, too", 30)
        # Also a mirror that starts without it, and from a mirror when the origin is gone as well.
        self.fleet.lab("kill", "m3")
        self.changed()
        self.fleet("publish", "debian", self.source)
        wanted = listing(self.source)
        wait_until(lambda: self.serves("m1", wanted), "m1 serves the third")
        self.fleet.lab("kill", "origin")
        self.fleet.lab("start", "m3")
        wait_until(lambda: self.serves("m3", wanted), "m3 learns of it from mirrors, after a restart")
        # It is back: it learns what was done without it, and has nothing to ask for.
        self.fleet.lab("start")
        wait_until(lambda: self.head() == 4, "the coordinator knows the head")
        self.fleet("sync", "--wait")
        self.assertServed(self.source)
        plan = self.fleet("plan", "--detailed-exitcode", expect=None)
        self.assertEqual(plan.code, 0, plan)

    def test_while_it_lives_mirrors_move_only_on_sync(self):
        before = listing(self.fleet.served("m1"))
        self.changed()
        self.fleet("publish", "debian", self.source)
        # A restart that takes no longer than a moment is no loss.
        self.fleet.lab("kill", "coordinator")
        self.fleet.lab("start", "coordinator")
        for name in self.fleet.mirrors:
            self.fleet("verify", name, "--quick")
            self.assertEqual(listing(self.fleet.served(name)), before, f"{name} moved without a sync")
            self.assertNotIn("following a release", self.fleet.log(name))
        self.fleet("sync", "--wait")
        self.assertServed(self.source)

    def test_a_command_does_not_wait_for_a_coordinator_that_is_away(self):
        self.fleet.lab("kill", "coordinator")
        # An agent tells what it found, and gives a coordinator that does not answer the 3 s of a new start.
        self.fleet("verify", "m1")
        began = time.monotonic()
        self.fleet("verify", "m1")
        self.assertLess(time.monotonic() - began, 2.5)

    def test_killed_in_every_phase_of_a_plan(self):
        for phase in PLAN_PHASES:
            with self.subTest(phase=phase):
                self.changed()
                self.fleet("publish", "debian", self.source)
                before = self.generation()
                self.fleet.lab("kill", "coordinator")
                self.start("coordinator", at=phase)
                # It may have died already, at a report that came with its start.
                # Nobody waits for the end: a command that lost the coordinator asks for it until its time is over.
                done = self.fleet("sync", expect=None)
                wait_until(lambda: not self.is_running(), f"the coordinator dies at {phase}: {done}")
                self.start("coordinator")
                self.fleet("sync", "--wait")
                self.assertServed(self.source)
                self.assertGreater(self.generation(), before)

    def test_killed_in_every_phase_of_a_registration(self):
        for phase in RELEASE_PHASES:
            with self.subTest(phase=phase):
                self.changed()
                self.fleet.lab("kill", "coordinator")
                self.start("coordinator", at=phase)
                done = self.fleet("publish", "debian", self.source)
                wait_until(lambda: not self.is_running(), f"the coordinator dies at {phase}: {done}")
                self.assertIn("the release stands", done.err)
                self.start("coordinator")
                wait_until(lambda: self.head() == self.number + 1, "the head is known")
                self.fleet("sync", "--wait")
                self.assertServed(self.source)

    def lose_disk(self):
        self.fleet.lab("kill", "coordinator")
        shutil.rmtree(self.fleet.host("coordinator", "state"))

    def test_its_disk_gone(self):
        for _ in range(2):
            self.fleet("sync")
        before = self.generation()
        self.lose_disk()
        done = self.fleet.lab("start", "coordinator")
        self.assertIn("term 2 begins", done.err)
        wait_until(lambda: self.head() == 1, "the head is known again")
        wait_until(lambda: all(m["state"] == "in-sync" for m in self.fleet.status()["mirrors"]),
                   "the status is full again")
        self.assertGreater(self.generation(), before)
        self.assertEqual(self.generation(), (2, 1))
        self.changed()
        self.fleet("publish", "debian", self.source)
        self.fleet("sync", "--wait")
        self.assertServed(self.source)
        # A mirror that was away holds the old term: the operator's word reaches it with the plan.
        self.assertNotIn("was refused", self.fleet.log("m1"))
        # Lost again, killed while the new term is declared: it stands, or is declared again.
        self.lose_disk()
        self.start("coordinator", at="term-saved")
        wait_until(lambda: not self.is_running(), "the coordinator dies at term-saved")
        self.fleet.lab("start", "coordinator")
        self.changed()
        self.fleet("publish", "debian", self.source)
        self.fleet("sync", "--wait")
        self.assertServed(self.source)
        self.assertEqual(self.generation()[0], 3)

    def test_no_plan_before_an_operator_said_so(self):
        hosts = ["origin", *self.fleet.mirrors]
        self.fleet.lab("kill", *hosts)
        self.lose_disk()
        # Started by hand, as in a real fleet: nobody declares a term.
        home = self.fleet.host("coordinator")
        process = subprocess.Popen(
            [os.path.join(os.path.dirname(FLEETCTL), "fleet-coordinator"), "--fleet", self.fleet.fleet, "--state",
             os.path.join(home, "state"), "--certificate", os.path.join(home, "coordinator.pem"), "--key",
             os.path.join(home, "coordinator.key"), "--authority", os.path.join(home, "authority.pem")],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: (process.kill(), process.wait()))

        # Before anybody reports it cannot know that there were plans.
        wait_until(lambda: self.fleet("status", expect=None).code == 0, "the coordinator answers")
        done = self.fleet("sync", expect=5)
        self.assertIn("no mirror has reported yet", done.err)
        early = self.fleet("coordinator", "new-term", expect=5)
        self.assertIn("is not known: no report yet from", early.err)
        self.fleet.lab("start", *hosts)

        def reported():
            done = self.fleet("status", "-o", "json", expect=None)
            return done.code == 0 and all(m["state"] != "unknown" for m in done.json["mirrors"])

        wait_until(reported, "all mirrors report")
        done = self.fleet("sync", expect=1)
        self.assertIn("lost its plans", done.err)
        self.assertIn("new-term", done.err)
        done = self.fleet("coordinator", "new-term", "-o", "json")
        self.assertEqual(done.json["term"], 2, done)
        again = self.fleet("coordinator", "new-term", expect=4)
        self.assertIn("needs no new term", again.err)
        self.changed()
        self.fleet("publish", "debian", self.source)
        self.fleet("sync", "--wait")
        self.assertServed(self.source)
