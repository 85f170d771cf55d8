"""A host whose database is lost: it is told so, made again from the files, serves what it served, and fetches nothing
that it has."""
import glob
import os
import subprocess

import trees
from lab import BIN, LabTest, write, wait_until


class Rebuild(LabTest):
    mirrors = 2

    def lose_database(self, name):
        self.fleet.lab("kill", name)
        for path in glob.glob(self.fleet.host(name, "srv", ".store", "store.db*")):
            os.unlink(path)

    def rebuild(self, name, expect=0):
        home = self.fleet.host(name)
        done = subprocess.run([os.path.join(BIN, "fleet-agent"), "rebuild", "--config", os.path.join(home, "agent.yaml")],
                              cwd=home, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done.stdout

    def test_a_mirror_gets_its_database_back_and_fetches_nothing_twice(self):
        source = self.fleet.scratch("source")
        trees.odd_tree(source)
        trees.many_files(os.path.join(source, "many"), 500)
        self.fleet("publish", "debian", source)
        self.fleet("sync", "--wait")
        self.lose_database("m1")
        self.assertServed(source, mirrors=["m1"])
        refused = self.fleet.lab("start", "m1", expect=None)
        self.assertNotEqual(refused.code, 0)
        self.assertIn("fleet-agent rebuild", self.fleet.log("m1"))

        self.assertIn("as it was signed", self.rebuild("m1"))
        self.fleet.lab("start", "m1")
        self.assertServed(source, mirrors=["m1"])
        wait_until(lambda: self.fleet.mirror("m1")["state"] == "in-sync", "m1 is in step again")
        self.fleet("verify", "m1")

        write(os.path.join(source, "one-more"), os.urandom(50_000))
        self.fleet("publish", "debian", source)
        self.fleet("sync", "--wait")
        self.assertServed(source)
        fetched = [line for line in self.fleet.log("m1").splitlines() if "fetching chunks" in line]
        self.assertIn(" bytes=50000 ", fetched[-1] + " ")

    def test_an_origin_gets_its_database_back_and_publishes_on(self):
        source = self.fleet.scratch("source")
        trees.odd_tree(source)
        self.fleet("publish", "debian", source)
        self.fleet("sync", "--wait")
        self.lose_database("origin")
        self.rebuild("origin")
        self.fleet.lab("start", "origin")
        write(os.path.join(source, "one-more"), os.urandom(50_000))
        self.fleet("publish", "debian", source)
        self.fleet("sync", "--wait")
        self.assertServed(source)

    def test_it_is_refused_while_the_agent_runs(self):
        home = self.fleet.host("m1")
        done = subprocess.run([os.path.join(BIN, "fleet-agent"), "rebuild", "--config", os.path.join(home, "agent.yaml")],
                              cwd=home, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn("stop it first", done.stderr)
