"""A mirror that has a tree from rsync: it is taken in by links, served meanwhile, and only what differs is fetched."""
import fcntl
import json
import os
import signal
import socket
import subprocess

import trees
from lab import BIN, LabTest, listing, write


class Adopt(LabTest):
    mirrors = 2

    def setUp(self):
        super().setUp()
        self.source = self.fleet.scratch("source")
        trees.odd_tree(self.source)
        trees.random_file(os.path.join(self.source, "large.img"), 20_000_000)
        for name in self.fleet.mirrors:
            subprocess.run(["cp", "-a", self.source, self.fleet.host(name, "srv", "debian")], check=True)
        write(os.path.join(self.source, "news"), os.urandom(50_000))

    def adopt(self, name, *arguments, config="agent.yaml", expect=0, crash_at=None):
        home = self.fleet.host(name)
        done = subprocess.run(
            [os.path.join(BIN, "fleet-agent"), "adopt", "debian", "srv/debian", "--config", config, *arguments],
            cwd=home, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
            env={**os.environ, **({"FLEET_CRASH_AT": crash_at} if crash_at else {})})
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done

    def test_a_tree_of_rsync_is_taken_in_and_only_what_differs_is_fetched(self):
        old = self.fleet.host("m1", "srv", "debian")
        before = listing(old)
        inode = os.stat(os.path.join(old, "large.img")).st_ino
        # The agent of m1 runs and is asked; that of m2 does not.
        said = self.adopt("m1")
        self.assertRegex(said.stdout, r"the folder is kept as \S+/\.adopted/debian\n")
        self.fleet.lab("kill", "m2")
        first = json.loads(self.adopt("m2", "--json").stdout)
        self.assertEqual(0, first["knownFiles"])
        again = json.loads(self.adopt("m2", "--json").stdout)
        self.assertEqual(again["files"], again["knownFiles"])
        self.assertEqual(before, listing(old), "adopting changed the tree")
        self.fleet.lab("start", "m2")

        self.fleet("publish", "debian", self.source)
        summary = self.fleet("sync", "debian", "--wait", "-o", "json").json
        for mirror in summary["mirrors"]:
            self.assertLess(sum(mirror["sets"][0]["bytesBySource"].values()), 200_000, mirror)
        self.assertServed(self.source)
        self.assertEqual(inode, os.stat(os.path.join(self.fleet.served("m1"), "large.img")).st_ino)
        self.assertEqual(before, listing(self.fleet.host("m1", "srv", ".adopted", "debian")))
        self.assertIn("is served from the store already", self.adopt("m1", expect=4).stderr)

    def test_a_killed_adoption_goes_on_where_it_was(self):
        # More files than one group has: the second is on its way when the first is durable.
        trees.many_files(self.fleet.host("m2", "srv", "debian", "many"), 18_000, low=20, high=40)
        old = self.fleet.host("m2", "srv", "debian")
        before = self.inodes(old)
        self.fleet.lab("kill", "m2")
        # After the fifth the first group is durable, so the last is of the second.
        for phase in ["recover", "group-rename", "group-sync", "group-record", "group-rename:2", "group-record"]:
            self.adopt("m2", expect=-signal.SIGKILL, crash_at=phase)
            self.assertEqual(before, self.inodes(old), f"killed at {phase}")
        done = json.loads(self.adopt("m2", "--json").stdout)
        self.assertEqual(before, self.inodes(old))
        self.assertEqual(done["files"], done["linkedFiles"] + done["heldFiles"])
        self.assertGreater(done["knownFiles"], 16_000, "what was durable is not read again")
        self.assertLess(done["knownFiles"], done["files"], "nothing was left to do")
        self.fleet.lab("start", "m2")
        self.fleet("verify", "m2")

    def test_an_agent_that_is_ending_is_waited_for(self):
        self.fleet.lab("kill", "m2")
        host, port = self.fleet.address("m2").rsplit(":", 1)
        taken = open(self.fleet.host("m2", "srv", ".store", "lock"))
        with taken, socket.create_server((host, int(port))) as server:
            fcntl.flock(taken, fcntl.LOCK_EX)
            asking = subprocess.Popen(
                [os.path.join(BIN, "fleet-agent"), "adopt", "debian", "srv/debian", "--config", "agent.yaml", "--json"],
                cwd=self.fleet.host("m2"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
            # It has found the store taken when it comes here. What answers it is no agent, and gone a moment later.
            server.accept()[0].close()
        said, _ = asking.communicate(timeout=60)
        self.assertEqual(0, asking.returncode)
        self.assertEqual(0, json.loads(said)["knownFiles"])

    def test_an_adoption_whose_agent_is_killed_goes_on(self):
        old = self.fleet.host("m1", "srv", "debian")
        before = self.inodes(old)
        self.fleet.lab("stop", "m1")
        os.environ["FLEET_CRASH_AT"] = "group-record"
        try:
            self.fleet.lab("start", "m1")
        finally:
            del os.environ["FLEET_CRASH_AT"]
        self.assertIn("run it again", self.adopt("m1", expect=5).stderr)
        self.assertEqual(before, self.inodes(old))
        self.fleet.lab("start", "m1")
        done = json.loads(self.adopt("m1", "--json").stdout)
        self.assertEqual(done["files"], done["linkedFiles"] + done["heldFiles"])
        self.assertEqual(before, self.inodes(old))

    def inodes(self, top):
        """Everything in a tree: its listing, with the bytes, and which inode each file is."""
        return listing(top), {os.path.join(folder, name): os.lstat(os.path.join(folder, name)).st_ino
                              for folder, _, names in os.walk(os.fsencode(top)) for name in names}

    def test_without_a_configuration_it_says_what_to_do(self):
        said = self.adopt("m1", config="no-such.yaml", expect=1).stderr
        self.assertIn("there is no no-such.yaml", said)
        self.assertIn("fleet-agent join", said)

    def test_only_the_host_itself_may_have_its_agent_adopt(self):
        # Another mirror, with its own certificate, asks the agent of m1.
        with open(self.fleet.host("m1", "agent.yaml")) as file:
            text = file.read()
        for name in ("agent.pem", "agent.key"):
            text = text.replace(name, self.fleet.host("m2", name))
        write(self.fleet.host("m1", "stranger.yaml"), text.encode())
        refused = self.adopt("m1", config="stranger.yaml", expect=5)
        self.assertIn("only m1 itself may ask for that", refused.stderr)
        self.adopt("m1")
