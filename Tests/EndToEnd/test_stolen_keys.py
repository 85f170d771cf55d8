"""Keys in the hands of an attacker, with real processes: the keeper's, and that of a set."""
import os
import shutil
import subprocess

from lab import HOSTILE, LabTest, listing, run, write
from test_attacks import SET, Attacked

# What is signed with the stolen online key, and what a mirror with state says of it.
REFUSED = [
    ("rollback", rf"the new snapshot lists version \d+ of set-{SET}.json, the trusted one lists \d+"),
    ("leave-out", rf"the new snapshot leaves out set-{SET}.json"),
    ("mix", rf"the metadata of role set-{SET} has (more than \d+ bytes|another length or hash)"),
    ("forge", rf"the metadata of role set-{SET} is signed by 0 of the keys .*1 are needed"),
    ("old-timestamp", r"version 1 of role timestamp came, version \d+ is trusted already"),
    ("future", r"role timestamp says that it was signed at"),
    ("expired", r"role timestamp expired at"),
]


class StolenOnlineKey(Attacked):
    def metadata(self):
        return self.fleet.host("m1", "srv", ".store", "metadata")

    def sign(self, attack):
        """What the thief of the online key makes of what m1 has; the path."""
        folder = self.fleet.scratch("signed")
        subprocess.run(
            [HOSTILE, "keeper", "--key", self.fleet.host("origin", "online.key"), "--fleet", self.fleet_name(),
             "--set", SET, "--held", self.metadata(), "--old", self.old, "--attack", attack, "--out", attack],
            cwd=folder, check=True)
        return os.path.join(folder, attack)

    def offers(self, documents):
        """m2 as a host that offers these documents to whoever asks for metadata, and each time says they are newer."""
        self.claim = getattr(self, "claim", 2**40) + 1
        return self.hostile(
            "peer", "m2", "--fleet", self.fleet_name(), "--name", "m2", "--upstream", "origin", "--address",
            self.address("origin"), "--file", documents, "--change", "metadata=other", "--timestamp", self.claim)

    def test_a_stolen_online_key_delays_and_changes_nothing(self):
        self.old = os.path.join(self.fleet.scratch("old"), "metadata")
        with open(self.metadata(), "rb") as file:
            write(self.old, file.read())
        self.release()
        self.fleet("sync", SET, "--wait")
        self.served = 2
        self.take_over_the_coordinator()
        for attack, pattern in REFUSED:
            with self.subTest(attack), self.offers(self.sign(attack)):
                since = len(self.fleet.log("m1"))
                # To m2 for something that it does not have, so that both greet.
                self.plan([self.line(2, sources=["m2"], release="0" * 64)])
                self.expect(since, pattern)
                self.plan([], idle=[SET])
        # Numbers that honest documents do not reach: they are signed, and nobody can tell.
        with self.offers(self.sign("forward")):
            since = len(self.fleet.log("m1"))
            self.plan([self.line(2, sources=["m2"], release="0" * 64)])
            self.expect(since, f"metadata is new.* timestamp={2**50}")
        self.processes.close()
        self.fleet.lab("start", "coordinator", "m2")
        self.fleet("coordinator", "new-term", "--force")
        # What comes next is behind: m1 serves what it has, and says so, until the online key is another one.
        self.release()
        since = len(self.fleet.log("m1"))
        self.fleet("sync", SET, "--mirror", "m1", "--wait", "--timeout", "5s", expect=3)
        self.expect(since, f"release 3 of {SET} is not one that the keys of the set signed, the newest is 2")
        self.fleet("trust", "rotate", "online", "--no-hand-over")
        self.fleet.lab("stop", "origin")
        with open(os.path.join(self.fleet.path, "trust", "keys", "online-2.key"), "rb") as file:
            write(self.fleet.host("origin", "online.key"), file.read(), mode=0o600)
        self.fleet.lab("start", "origin")
        self.fleet("trust", "hand-over")
        self.release()
        self.fleet("sync", SET, "--wait")
        self.assertServed(self.source)


class StolenSetKey(LabTest):
    mirrors = 1

    def test_keys_that_were_taken_away_sign_nothing(self):
        self.source = self.fleet.scratch("source")
        bob = os.path.join(self.fleet.scratch("bob"), "bob")
        run("trust", "new-key", bob, "--no-passphrase")
        self.fleet("trust", "add-key", SET, "--key", bob + ".pub")
        write(os.path.join(self.source, "by-bob"), b"one")
        self.fleet("publish", SET, self.source, "--key", bob + ".key")
        self.fleet("sync", SET, "--wait")
        self.assertServed(self.source)
        before = listing(self.source)
        roles = self.fleet("trust", "show", "-o", "json").json["roles"]
        stolen = next(key["id"] for role in roles for key in role["keys"] if key["owner"] == "bob")
        shutil.copytree(os.path.join(self.fleet.path, "trust"), os.path.join(self.fleet.path, "before"))
        self.fleet("trust", "revoke", stolen)
        write(os.path.join(self.source, "by-bob"), b"two")
        refused = self.fleet("publish", SET, self.source, "--key", bob + ".key", expect=4)
        self.assertIn("is not a key of the role", refused.err)
        # The thief's own fleetctl believes what was true before; hosts do not.
        thief = os.path.join(self.fleet.path, "thief.yaml")
        with open(self.fleet.fleet) as file:
            write(thief, file.read().replace("{folder: trust}", "{folder: before}").encode())
        refused = run("-f", thief, "publish", SET, self.source, "--key", bob + ".key", expect=4)
        self.assertIn("the signature is not accepted: the metadata of role set-debian is signed by 0 of the keys", refused.err)
        self.assertEqual(before, listing(self.fleet.served("m1")))
        self.fleet("publish", SET, self.source)
        self.fleet("sync", SET, "--wait")
        self.assertServed(self.source)


class StolenRoot(LabTest):
    """The threshold of root keys was stolen: only hands on every host help, as the guide says."""

    mirrors = 1

    def with_folder(self, name):
        """A copy of the fleet's file that names another trust folder."""
        with open(self.fleet.fleet) as file:
            text = file.read()
        self.assertIn("folder: trust}", text)
        path = os.path.join(self.fleet.path, f"{name}.yaml")
        with open(path, "w") as file:
            file.write(text.replace("folder: trust}", f"folder: {name}}}"))
        return path

    def publish(self, file=None, **options):
        self.number = getattr(self, "number", 0) + 1
        write(os.path.join(self.source, "file"), os.urandom(20_000), modified=1_700_000_000 + self.number)
        return run("-f", file or self.fleet.fleet, "publish", "debian", self.source, **options)

    def test_hosts_that_were_told_by_hand_believe_the_thief_no_more(self):
        self.source = self.fleet.scratch("source")
        self.publish()
        self.fleet("sync", "debian", "--wait")
        # The thief takes all over: a root of his own, and a release that he alone wanted.
        shutil.copytree(os.path.join(self.fleet.path, "trust"), os.path.join(self.fleet.path, "stolen"))
        thief = self.with_folder("stolen")
        run("-f", thief, "trust", "rotate", "root", "--no-passphrase")
        run("-f", thief, "trust", "rotate", "debian", "--no-passphrase")
        self.publish(thief)
        self.fleet("sync", "debian", "--wait")
        self.assertServed(self.source)
        refused = self.publish(expect=None)
        self.assertNotEqual(0, refused.code, "the owner's keys count no more")
        # As the guide says.
        shutil.copy(self.with_folder("trust-2"), self.fleet.fleet)
        self.fleet("trust", "init", "--no-passphrase")
        new = os.path.join(self.fleet.path, "trust-2")
        self.fleet.lab("stop", "coordinator", "origin", "m1")
        for host in ["origin", "m1"]:
            shutil.copy(os.path.join(new, "metadata", "1.root.json"), self.fleet.host(host, "root.json"))
            os.unlink(self.fleet.host(host, "srv", ".store", "metadata"))
        shutil.copy(os.path.join(new, "keys", "online.key"), self.fleet.host("origin", "online.key"))
        self.fleet.lab("start", "coordinator", "origin", "m1")
        with open(self.fleet.host("coordinator", "coordinator.log")) as file:
            self.assertIn("other roots than before: metadata is forgotten", file.read())
        self.fleet("trust", "hand-over")
        self.publish()
        self.fleet("sync", "debian", "--wait")
        self.assertServed(self.source)
        served = listing(self.fleet.served("m1"))
        # Whatever the thief signs now counts nowhere.
        self.assertNotEqual(0, self.publish(thief, expect=None).code)
        self.assertNotEqual(0, run("-f", thief, "trust", "hand-over", expect=None).code)
        self.fleet("sync", "debian", "--wait", expect=None)
        self.assertEqual(served, listing(self.fleet.served("m1")))
