"""What operators see of swarms and say of sources: replicas, peers, explanations, pardons, limits of sharing."""
import os
import subprocess
import time

import trees
from lab import FLEETCTL, LabTest, wait_until
from terminal import at_terminal

SIZE = 12_000_000


class Peers(LabTest):
    def publish(self, seed, *options, expect=0):
        source = self.fleet.scratch("source")
        trees.random_file(os.path.join(source, "image"), SIZE, seed=trees.SEED + seed)
        return self.fleet("publish", "iso", source, *options, expect=expect)

    def peers(self):
        return self.fleet("peers", "-o", "json").json

    def damage(self, name):
        """The mirror gives wrong bytes from now on, and does not know it."""
        bad = os.path.join(self.fleet.served(name, "iso"), "image")
        before = os.stat(bad)
        with open(bad, "r+b") as file:
            for place in range(0, before.st_size, 16 << 10):
                file.seek(place)
                byte = file.read(1)
                file.seek(place)
                file.write(bytes([byte[0] ^ 1]))
        os.utime(bad, ns=(before.st_atime_ns, before.st_mtime_ns))

    def test_publish_returns_when_so_many_mirrors_of_the_regions_hold_it(self):
        self.assertIn("3 mirrors carry iso", self.publish(1, "--replicas", "9", expect=64).err)
        self.assertIn("its regions are: lab", self.publish(1, "--replicas", "1", "--region", "eu", expect=64).err)
        # A wrong wish makes no release.
        self.assertEqual(self.fleet("release", "list", "iso", "-o", "json").json, [])
        self.fleet("mirror", "pause", "m3")
        done = self.publish(1, "--replicas", "2", "--region", "lab", "-o", "json").json
        self.assertEqual(done["sequence"], 1)
        held = done["replication"]
        self.assertEqual((held["wanted"], held["held"], held["regions"]), (2, 2, ["lab"]))
        self.assertEqual([mirror["name"] for mirror in held["mirrors"] if mirror["holds"]], ["m1", "m2"])
        for name in ("m1", "m2"):
            self.assertEqual(self.fleet.mirror(name, "iso")["sequence"], 1)
        late = self.publish(2, "--replicas", "3", "--timeout", "4s", "-o", "json", expect=3).json
        self.assertEqual((late["sequence"], late["replication"]["held"]), (2, 2))
        self.assertEqual([m["reason"] for m in late["replication"]["mirrors"] if not m["holds"]], ["paused"])
        self.fleet("mirror", "resume", "m3")
        # Nothing new, and all the same all are to have it.
        again = self.fleet("publish", "iso", self.fleet.scratch("source"), "--replicas", "3")
        self.assertIn("unchanged", again.out)
        self.assertIn("3 mirrors hold it, 3 are wanted", again.out)

    def test_a_sync_shows_who_gives_what_to_whom(self):
        self.fleet("mirror", "limit", "origin", "--up", "2MB")
        self.publish(1)
        shown = {}

        def watch():
            peers, status = self.peers(), self.fleet.status()
            for swarm in peers["swarms"]:
                for link in swarm["links"]:
                    if link.get("receiving"):
                        shown[(link["mirror"], link["role"])] = link
            head = next(s for s in status["sets"] if s["name"] == "iso")
            if head["originCopies"]:
                shown["copies"] = head["originCopies"]
            return {("m1", "mirror"), ("m2", "mirror"), ("m3", "mirror"), "copies"} <= set(shown)

        process = subprocess.Popen([FLEETCTL, "-f", self.fleet.fleet, "sync", "iso", "--wait"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        wait_until(watch, f"every mirror receives from somebody: {shown}")
        link = shown[("m1", "mirror")]
        self.assertEqual((link["region"], link["peerRegion"]), ("lab", "lab"))
        # A busy machine makes somebody late now and then.
        self.assertIn(link["score"], range(500, 1001))
        process.wait()
        self.assertEqual(process.returncode, 0)
        self.assertRegex(self.fleet("status").out, r"iso .* [01]\.\d\dx ")
        self.assertLess(next(s for s in self.fleet.status()["sets"] if s["name"] == "iso")["originCopies"], 1.6)
        wait_until(lambda: not self.peers()["swarms"], "the swarm is over")
        self.assertIn("no release spreads now", self.fleet("peers").out)

        # At a terminal: what each receives and from whom, and how often the origin sent.
        self.publish(2)
        code, text = at_terminal(f"TERM=xterm stty cols 200; TERM=xterm fleetctl -f {self.fleet.fleet} sync iso --wait",
                                 self.fleet.folder)
        self.assertEqual(code, 0, text)
        self.assertRegex(text, r"m1 iso .*MB of .*MB/s .*left.*chunks from (origin|m\d) [\d.]+ MB, ")
        self.assertRegex(text, r"origin iso .* sent, [01]\.\d\d copies")

    def test_a_source_that_was_cut_off_is_explained_and_pardoned(self):
        self.fleet.lab("stop", "m3")
        self.publish(1)
        self.fleet("sync", "iso", "--wait", "--mirror", "m1", "--mirror", "m2")
        self.damage("m1")
        for name in ("origin", "m2"):
            self.fleet("mirror", "limit", name, "--up", "2MB")
        self.fleet.lab("start", "m3")
        self.fleet("sync", "iso", "--wait", "--mirror", "m3")

        def standing():
            return [s for s in self.peers()["standings"] if s["source"] == "m1"]

        found = wait_until(standing, "m3 says what it thinks of m1")
        self.assertEqual([(s["mirror"], s["score"], s["offences"]) for s in found], [("m3", 0, 1)])
        self.assertGreater(found[0]["cutOffUntil"], time.time() + 3_000)
        text = self.fleet("explain", "mirror", "m1").out
        self.assertRegex(text, r"m3 says  score 0 of 1000, wrong bytes 1x, asked for nothing until 20")
        self.assertIn("mirror pardon m1", text)
        told = self.fleet("explain", "mirror", "m1", "-o", "json").json
        self.assertEqual([o["by"] for o in told["opinions"]], ["m3"])
        self.assertIn("verify m1", told["remedies"])
        self.assertIn("it says     m1 has score 0", self.fleet("explain", "mirror", "m3").out)

        # A restart forgets nothing.
        self.fleet.lab("stop", "m3")
        self.fleet.lab("start", "m3")
        wait_until(lambda: standing() and standing()[0]["offences"] == 1, "m3 remembers")
        pardoned = self.fleet("mirror", "pardon", "m1")
        self.assertEqual(pardoned.out, "m3 asks m1 again\n")
        wait_until(lambda: not standing(), "nobody has anything against m1")
        self.assertIn("nobody has anything against m1", self.fleet("mirror", "pardon", "m1").out)
        self.fleet.lab("stop", "m2")
        self.fleet("mirror", "pardon", "m1", expect=3)
        self.fleet("mirror", "pardon", "m1", "--at", "m2", expect=5)

    def test_a_host_that_shares_little_is_asked_again_later_and_all_arrives(self):
        self.fleet.reconfigure(("defaults:\n", "swarm: {upload_slots: 2, requests_per_peer: 1}\n\ndefaults:\n"))
        self.publish(1)
        outcome = self.fleet("sync", "iso", "--wait", "-o", "json").json
        self.assertEqual({m["result"] for m in outcome["mirrors"]}, {"done"})
        self.assertServed(os.path.join(self.fleet.folder, "source"), "iso")
        # Whoever was refused holds nothing against the host.
        self.assertEqual(self.peers()["standings"], [])
        logs = "".join(self.fleet.log(name) for name in self.fleet.mirrors)
        self.assertNotIn("a request in the swarm failed", logs)
        self.assertIn("busy, retry after 500 ms", logs)


if __name__ == "__main__":
    import unittest
    unittest.main()
