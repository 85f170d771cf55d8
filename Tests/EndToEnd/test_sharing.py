"""What a host shares with others: whom it tells of whom, when it yields to its clients, how many connections it takes."""
import contextlib
import os
import re
import socket
import subprocess
import sys
import threading
import unittest

import trees
from lab import HOSTILE, LabTest, listing, run, wait_until
from test_attacks import SET, Attacked

# Of /proc/pressure/io, in percent: what a busy disk is far above, and one at rest far below.
PRESSURE_FILE, PRESSURE = "/proc/pressure/io", 20


class PeerExchange(Attacked):
    """The coordinator is the test, so that the plan says who is linked to whom."""

    mirrors = 3
    SIZE = 12_000_000

    def begin(self, limited=()):
        """Release 2 has a large file; hosts of `limited` send 2 MB/s, so that a swarm has time to form."""
        trees.random_file(os.path.join(self.source, "image"), self.SIZE)
        self.release()
        for name in limited:
            with open(self.fleet.host(name, "agent.yaml"), "a") as file:
                file.write("bandwidth: {up: 2MB}\n")
            self.fleet.lab("stop", name)
            self.fleet.lab("start", name)
        self.take_over_the_coordinator()

    def all_ask_for_plans(self):
        """Started anew: one that had no answer for long asks again only when the others have all that there is."""
        since = {name: len(self.fleet.log(name)) for name in self.fleet.mirrors}
        self.fleet.lab("stop", "m3")
        self.fleet.lab("start", "m2", "m3")
        self.plan([self.line_for(name, release="0" * 64) for name in self.fleet.mirrors])
        for name in self.fleet.mirrors:
            wait_until(lambda: "0" * 64 + " was asked for" in self.fleet.log(name)[since[name]:],
                       f"{name} follows plans", deadline=40)

    def line_for(self, mirror, *peers, **more):
        places = [{"name": name, "address": self.address(name), "sequence": 2, "region": "lab"} for name in peers]
        return self.line(2, mirror=mirror, peers=places, region="lab", **more)

    def expect_release(self, name):
        wait_until(lambda: listing(self.fleet.served(name)) == self.trees[2], f"{name} serves release 2")

    def received(self, name):
        """Bytes that a mirror has received in its last sync, by source, as the real coordinator says once it is back."""
        self.processes.close()
        self.fleet.lab("start", "coordinator")
        def last():
            return self.fleet.mirror(name, SET).get("lastSync") or {}
        wait_until(lambda: last().get("sequence") == 2, f"the sync of {name} to release 2 is reported")
        return last()["bytesBySource"]

    def test_a_mirror_gets_content_from_one_that_only_a_peer_told_it_of(self):
        self.begin(limited=["origin"])
        self.all_ask_for_plans()
        # m1 and m3 know the origin and m2, and each other by m2's word alone.
        self.plan([self.line_for("m1", "m2"), self.line_for("m2", "m1", "m3"), self.line_for("m3", "m2")])
        for name in self.fleet.mirrors:
            self.expect_release(name)
        received = self.received("m1")
        print(f"\n    m1 received {received}", end="")
        self.assertGreater(received.get("m3", 0), self.SIZE // 40, received)
        self.assertRegex(self.fleet.log("m1"), r'a host takes part".* peer=m3')

    def test_only_members_of_the_fleet_are_linked_to_whatever_a_peer_says(self):
        self.begin()
        # One with the name of m3 and the fleet's, by another authority; one that is another member than is said; ports
        # at which nobody speaks the protocol.
        elsewhere = self.fleet.scratch("elsewhere")
        run("keys", "init", "--dir", os.path.join(elsewhere, "keys"), "--fleet", self.fleet_name())
        run("keys", "issue", "--dir", os.path.join(elsewhere, "keys"), "agent", "stranger", "--out", elsewhere)
        ports = Ports(16)
        self.addCleanup(ports.close)
        stranger = f"127.0.0.1:{ports.free()}"
        members = [f"stranger={stranger}", f"m3={self.address('origin')}",
                   *(f"nobody{number}=127.0.0.1:{port}" for number, port in enumerate(ports.numbers[:14]))]
        words = [word for member in members for word in ("--member", member)]
        self.fleet.lab("stop", "m3")
        with self.stranger(elsewhere, stranger), self.hostile(
                "mirror", "m2", "--fleet", self.fleet_name(), "--name", "m2", "--upstream", "origin", "--address",
                self.address("origin"), "--empty", *words):
            since = len(self.fleet.log("m1"))
            self.plan([self.line_for("m1", "m2")])
            wait_until(lambda: self.said(since).count("a member that a peer named") >= 3, "m1 tried whom m2 named")
            self.expect_release("m1")
            said = self.said(since)
        self.assertRegex(said, r'a member that a peer named".*wrongPeer: the peer is spiffe://\S+/origin.* peer=m3')
        self.assertRegex(said, r'a member that a peer named".*error=\S*handshake.* peer=stranger|'
                               r'a member that a peer named".*peer=stranger.*handshake', said[-3_000:])
        for name in ["stranger", "m3", "nobody"]:
            self.assertNotRegex(said, rf'a host takes part".* peer={name}')
        # Four at once, and one more for each of the first two that failed: then m2 is not listened to any more.
        self.assertLessEqual(len(ports.called), 4, "m2 had m1 call whomever it named")
        self.assertEqual({"origin"}, set(self.received("m1")))

    @contextlib.contextmanager
    def stranger(self, folder, place):
        process = subprocess.Popen(
            [HOSTILE, "mirror", "--certificate", f"{folder}/agent.pem", "--key", f"{folder}/agent.key", "--authority",
             f"{folder}/keys/authority.pem", "--listen", place, "--fleet", self.fleet_name(), "--name", "stranger",
             "--upstream", "origin", "--address", self.address("origin")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            self.assertEqual(process.stdout.readline(), b"ready\n")
            yield
        finally:
            process.kill()
            process.communicate()


class Ports:
    """Ports at which somebody takes connections, and ends each at once; which were called."""

    def __init__(self, count):
        self.listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
        self.numbers = [listener.getsockname()[1] for listener in self.listeners]
        self.called = set()
        for listener in self.listeners:
            threading.Thread(target=self.take, args=(listener,), daemon=True).start()

    def take(self, listener):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                self.called.add(listener.getsockname()[1])
                connection.close()

    def free(self):
        """A port of its own at which nobody takes connections any more."""
        listener = self.listeners.pop()
        number = self.numbers.pop()
        self.shut(listener)
        return number

    @staticmethod
    def shut(listener):
        # Closing alone does not end a call of accept().
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()

    def close(self):
        for listener in self.listeners:
            self.shut(listener)


class Connections(LabTest):
    ALLOWED, TRIED = 3, 8

    def test_who_opens_more_connections_than_it_may_is_refused_and_others_are_served(self):
        with open(self.fleet.host("m1", "agent.yaml"), "a") as file:
            file.write(f"sharing: {{connections_per_peer: {self.ALLOWED}}}\n")
        self.fleet.lab("stop", "m1", "m2", "m3")
        self.fleet.lab("start", "m1")
        source = self.fleet.scratch("source")
        trees.random_file(os.path.join(source, "image"), 8_000_000)
        self.fleet("publish", SET, source)
        self.fleet("sync", SET, "--wait", "--mirror", "m1")
        crowd = subprocess.Popen(
            [HOSTILE, "crowd", *self.fleet.identity("m2"), "--fleet", self.fleet.name(), "--name", "m2", "--target",
             "m1", "--address", self.fleet.address("m1"), "--connections", str(self.TRIED)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            lines = [crowd.stdout.readline().rstrip("\n") for _ in range(self.TRIED + 1)]
            self.assertEqual(lines[-1], "ready", lines)
            self.assertEqual(lines[:self.ALLOWED], ["open"] * self.ALLOWED, lines)
            for line in lines[self.ALLOWED:-1]:
                self.assertRegex(line, rf"^refused .*busy: {self.ALLOWED} connections of this peer are open")
            # With the origin away m1 alone has the release.
            self.fleet.lab("stop", "origin")
            self.fleet.lab("start", "m3")
            done = self.fleet("sync", SET, "--wait", "--mirror", "m3", "-o", "json").json
            self.assertEqual(["m1"], list(done["mirrors"][0]["bytesBySource"]))
            self.assertServed(source, SET, ["m3"])
        finally:
            crowd.kill()
            crowd.communicate()
        # Its places are free again.
        self.fleet.lab("start", "m2")
        done = self.fleet("sync", SET, "--wait", "--mirror", "m2", "-o", "json").json
        self.assertIn("m1", done["mirrors"][0]["bytesBySource"])
        self.assertServed(source, SET, ["m2"])


class Yielding(LabTest):
    alone = True  # it keeps the disk of the machine busy
    mirrors = 1
    RATE, SIZE = 16_000_000, 400_000_000
    # A client that waits for the disk with each of its writes.
    CLIENT = "import os, sys\nfile = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY)\n" \
             "while os.pwrite(file, bytes(65536), 0): os.fdatasync(file)"

    def pressure(self):
        with open(PRESSURE_FILE) as file:
            return float(re.search(r"some avg10=([\d.]+)", file.read()).group(1))

    def row(self):
        return self.fleet("bandwidth", "-o", "json").json["mirrors"][0]

    @contextlib.contextmanager
    def busy_disk(self):
        """While other programs wait for the disk on which the mirror's store is."""
        paths = [os.path.join(self.fleet.folder, f"client-{number}") for number in range(4)]
        clients = [subprocess.Popen([sys.executable, "-c", self.CLIENT, path]) for path in paths]
        try:
            yield
        finally:
            for client in clients:
                client.kill()
                client.wait()

    def test_a_sync_yields_while_clients_wait_for_the_disk_and_takes_up_again(self):
        if not os.path.exists(PRESSURE_FILE):
            self.skipTest("the kernel does not count who waits for the disk (no /proc/pressure/io)")
        with open(self.fleet.host("m1", "agent.yaml"), "a") as file:
            file.write(f"sharing: {{yield_above: {PRESSURE}%}}\n")
        with open(self.fleet.host("origin", "agent.yaml"), "a") as file:
            file.write(f"bandwidth: {{up: {self.RATE // 1_000_000}MB}}\n")
        self.fleet.lab("stop", "m1", "origin")
        self.fleet.lab("start", "m1", "origin")
        source = self.fleet.scratch("source")
        trees.random_file(os.path.join(source, "image"), self.SIZE)
        self.fleet("publish", SET, source)
        wait_until(lambda: self.pressure() < PRESSURE / 2, "the disk is at rest")
        self.fleet("sync", SET)
        wait_until(lambda: self.row().get("receiving", 0) > self.RATE / 2, "m1 receives as fast as the origin sends")
        self.assertIsNone(self.row().get("down"))
        with self.busy_disk():
            try:
                wait_until(lambda: self.pressure() > PRESSURE, "programs wait for the disk", deadline=60)
            except AssertionError:
                self.skipTest(f"four writers do not keep this disk busy: {self.pressure()} %")
            # Halved each second, down to 1 MB/s.
            wait_until(lambda: (self.row().get("down") or self.RATE) <= 2_000_000, "m1 limits what it receives")
            wait_until(lambda: self.row().get("receiving", 0) < self.RATE / 4, "m1 receives less")
            self.assertNotEqual(self.fleet.mirror("m1", SET)["sequence"], 1)
        wait_until(lambda: self.row().get("down") is None, "m1 has no limit any more")
        wait_until(lambda: self.fleet.mirror("m1", SET)["sequence"] == 1, "m1 serves the release")
        self.assertServed(source, SET)
        limits = re.findall(r'bandwidth limits".* down="?([^" ]+)', self.fleet.log("m1"))
        print(f"\n    limits in turn: {' '.join(limits)}", end="")
        self.assertEqual(limits[-1], "none")


if __name__ == "__main__":
    unittest.main()
