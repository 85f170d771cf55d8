"""Networks that break: partitions, one-way loss, resets, a source that stands still, floods, no descriptors left.
Every wait ends, nothing spins, and the fleet is in step again within 30 s after the fault went away."""
import os
import resource
import signal
import socket
import subprocess
import time
import unittest

import network
import trees
from lab import FLEETCTL, LONG, LabTest, signal_host, wait_until
from processes import descriptors, forget_peak, peak_memory, processor_seconds

# How long a fault lasts is the input of these tests, not a wait: a long one is beyond the 30 s after which a silent
# peer is given up.
FAULT_SECONDS = 45 if LONG else 4
CONVERGE_SECONDS = 30
SIZE = 80_000_000
MEGABITS = 160
# From the first byte of a connection until its peer is known.
HANDSHAKE_SECONDS = 10
# How a TLS handshake begins: a record, and in it a message that is longer than what is said of it.
CLIENT_HELLO = bytes.fromhex("1603010200010001fc0303") + bytes(32)


class Faults(LabTest):
    mirrors = 2
    round = 0

    def setUp(self):
        reason = network.missing()
        if reason:
            self.skipTest(reason)
        self.network = network.Network()
        self.addCleanup(self.network.close)
        super().setUp()

    def start_sync(self):
        """A sync that waits until all mirrors have the newest release."""
        process = subprocess.Popen(
            [FLEETCTL, "-f", self.fleet.fleet, "sync", "iso", "--wait", "--timeout", "300s"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def staged(self, name):
        """Bytes of the transfer under way that are on the disk of a mirror."""
        total = 0
        for place, _, files in os.walk(self.fleet.host(name, "srv", ".store", "staging")):
            for file in files:
                try:
                    total += os.stat(os.path.join(place, file)).st_blocks * 512
                except FileNotFoundError:
                    pass
        return total

    def agents(self):
        return [self.fleet.pid(name) for name in ["origin", *self.fleet.mirrors]]

    def wait_until_in_step(self, healed):
        """Waits until every mirror says that it serves the newest release, at most so long after `healed`."""
        sequence = next(s for s in self.fleet.status()["sets"] if s["name"] == "iso")["head"]["sequence"]
        wait_until(lambda: all(self.fleet.mirror(name, "iso")["sequence"] == sequence for name in self.fleet.mirrors),
                   f"all mirrors serve release {sequence}",
                   deadline=max(1.0, CONVERGE_SECONDS - (time.monotonic() - healed)))

    def fault_in_mid_transfer(self, what, begin, end):
        """Publishes, lets the fault begin in the middle of the transfer, and measures how long the fleet takes after
        the fault has ended."""
        source = self.fleet.scratch("source")
        self.round += 1
        trees.random_file(os.path.join(source, "image"), SIZE, seed=trees.SEED * 1_000 + self.round)
        self.fleet("publish", "iso", source)
        self.network.slow(MEGABITS)
        process = self.start_sync()
        wait_until(lambda: self.staged("m1") > SIZE // 10, "m1 is fetching")
        begin()
        before = sum(map(processor_seconds, self.agents()))
        time.sleep(FAULT_SECONDS)
        used = sum(map(processor_seconds, self.agents())) - before
        end()
        self.network.fast()
        healed = time.monotonic()
        # The command may have given up, since it tells an operator soon; the mirrors never do.
        self.wait_until_in_step(healed)
        took = time.monotonic() - healed
        process.kill()
        self.assertServed(source, "iso")
        print(f"\n    {what}: {FAULT_SECONDS} s, in step {took:.1f} s after its end, "
              f"{used / FAULT_SECONDS:.1%} of a processor during it", end="")
        # A third: the transfer between the mirrors goes on where it can.
        self.assertLess(used / FAULT_SECONDS, 0.35, f"{what}: something spins")

    def test_the_fleet_is_in_step_soon_after_every_fault_of_the_network(self):
        net = self.network
        self.fault_in_mid_transfer("origin behind a partition", lambda: net.cut(network.ORIGIN), net.heal)
        self.fault_in_mid_transfer("what the origin says is lost", lambda: net.lose_from(network.ORIGIN), net.heal)
        self.fault_in_mid_transfer("what is said to the origin is lost", lambda: net.lose_to(network.ORIGIN), net.heal)
        self.fault_in_mid_transfer("connections to the origin are reset", lambda: net.reset(network.ORIGIN), net.heal)
        self.fault_in_mid_transfer(
            "everybody behind a partition",
            lambda: [net.cut(address) for address in [network.COORDINATOR, network.ORIGIN, network.mirror(1)]], net.heal)
        self.fault_in_mid_transfer(
            "the origin stands still", lambda: signal_host(self.fleet, "origin", signal.SIGSTOP),
            lambda: signal_host(self.fleet, "origin", signal.SIGCONT))

    def test_a_coordinator_that_cannot_be_reached_is_reached_again_by_all(self):
        source = self.fleet.scratch("source")
        trees.many_files(source, 50)
        self.fleet("publish", "iso", source)
        self.network.cut(network.COORDINATOR)
        time.sleep(FAULT_SECONDS)
        self.network.heal()
        healed = time.monotonic()
        self.start_sync().wait(CONVERGE_SECONDS)
        self.wait_until_in_step(healed)
        self.assertServed(source, "iso")


class Readers(LabTest):
    mirrors = 1

    def test_a_reader_that_stands_still_costs_the_sender_little_memory(self):
        size = (2 << 30) if LONG else (256 << 20)
        source = self.fleet.scratch("source")
        trees.random_file(os.path.join(source, "image"), size)
        self.fleet("publish", "iso", source)
        # What publishing took is not what is measured here.
        origin = self.fleet.pid("origin")
        forget_peak(origin)
        process = subprocess.Popen([FLEETCTL, "-f", self.fleet.fleet, "sync", "iso", "--wait", "--timeout", "300s"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(process.kill)
        staging = self.fleet.host("m1", "srv", ".store", "staging")
        wait_until(lambda: any(names for _, _, names in os.walk(staging)), "m1 is fetching")
        signal_host(self.fleet, "m1", signal.SIGSTOP)
        if LONG:
            time.sleep(60)
        else:
            self.wait_until_quiet(origin)
        memory = peak_memory(origin)
        signal_host(self.fleet, "m1", signal.SIGCONT)
        out, _ = process.communicate(timeout=240)
        self.assertEqual(process.returncode, 0, out.decode())
        self.assertServed(source, "iso")
        print(f"\n    {size >> 20} MiB: the sender had {memory >> 20} MiB while the reader stood still, "
              f"{peak_memory(origin) >> 20} MiB in all; the reader {peak_memory(self.fleet.pid('m1')) >> 20} MiB", end="")
        self.assertLess(memory, 100_000_000)
        self.assertLess(peak_memory(self.fleet.pid("m1")), 200_000_000)

    def wait_until_quiet(self, pid):
        """Waits until a process has nothing to do any more: two looks in a row with the same processor time."""
        def is_quiet():
            before = processor_seconds(pid)
            time.sleep(0.3)
            return processor_seconds(pid) == before
        wait_until(is_quiet, f"process {pid} is quiet")


class Floods(LabTest):
    alone = True  # it measures what others feel of a flood
    mirrors = 1

    def connect(self, count, host=network.ORIGIN):
        """Begins `count` connections to a host, by default the origin, which say nothing."""
        made = []
        for _ in range(count):
            connection = socket.socket()
            connection.setblocking(False)
            try:
                connection.connect((host, self.port(host)))
            except BlockingIOError:
                pass
            made.append(connection)
        return made

    def port(self, host):
        with open(self.fleet.fleet) as file:
            for line in file:
                if host + ":" in line:
                    return int(line.split(host + ":")[1].split()[0].strip('",}'))
        raise AssertionError(f"fleet.yaml has no {host}")

    def publish_and_sync(self, number):
        source = self.fleet.scratch("source")
        trees.random_file(os.path.join(source, "file"), 1_000_000, seed=number)
        self.fleet("publish", "iso", source)
        self.fleet("sync", "iso", "--wait", "--timeout", "60s")
        self.assertServed(source, "iso")

    def test_connections_that_say_nothing_keep_nobody_out(self):
        self.publish_and_sync(1)
        idle = self.connect(300)
        # Operator and mirror get in from the same address as the flood.
        self.publish_and_sync(2)
        for connection in idle:
            connection.close()

    def trickle(self, open_ones, said, began, lasted):
        """Says byte number `said` of a TLS handshake on each connection; notes how long those lasted that were closed."""
        for connection, host in list(open_ones.items()):
            try:
                connection.send(CLIENT_HELLO[said:said + 1])
                closed = not connection.recv(1)
            except BlockingIOError:
                closed = False
            except OSError:
                closed = True
            if closed:
                lasted[host].append(time.monotonic() - began)
                del open_ones[connection]

    def test_connections_that_say_a_byte_a_second_are_closed_by_one_deadline(self):
        began = time.monotonic()
        lasted = {network.ORIGIN: [], network.COORDINATOR: []}
        open_ones = {connection: host for host in lasted for connection in self.connect(20, host)}
        for said in range(HANDSHAKE_SECONDS + 5):
            # A byte a second is what this test is about, not a wait.
            time.sleep(max(0, began + said + 1 - time.monotonic()))
            self.trickle(open_ones, said, began, lasted)
            if said == 3:
                # Good peers get in meanwhile.
                self.publish_and_sync(1)
        for host, seconds in lasted.items():
            self.assertEqual(len(seconds), 20, f"of 20 connections to {host} that trickle others are still open")
            print(f"\n    {host}: a byte a second, closed after {min(seconds):.0f} to {max(seconds):.0f} s", end="")
            self.assertGreater(min(seconds), HANDSHAKE_SECONDS - 1.5)
            self.assertLess(max(seconds), HANDSHAKE_SECONDS + 3)

    def test_an_agent_without_descriptors_does_not_spin_and_recovers(self):
        self.publish_and_sync(1)
        origin = self.fleet.pid("origin")
        before = resource.prlimit(origin, resource.RLIMIT_NOFILE)
        few = descriptors(origin) + 4
        resource.prlimit(origin, resource.RLIMIT_NOFILE, (few, before[1]))
        idle = self.connect(60)
        wait_until(lambda: descriptors(origin) >= few, "no descriptor is left")
        used = processor_seconds(origin)
        began = time.monotonic()
        # The fault lasts so long; it is not a wait for anything.
        time.sleep(3)
        share = (processor_seconds(origin) - used) / (time.monotonic() - began)
        self.assertIn("cannot take a connection", self.fleet.log("origin"))
        resource.prlimit(origin, resource.RLIMIT_NOFILE, before)
        for connection in idle:
            connection.close()
        print(f"\n    without descriptors: {share:.1%} of a processor", end="")
        self.assertLess(share, 0.2, "accepting spins")
        self.publish_and_sync(2)


if __name__ == "__main__":
    unittest.main()
