"""`trust delegate` gives a set its keys, `trust expire` says how long root and targets count: with a fleet that goes by it."""
import os
import unittest
from datetime import datetime, timedelta, timezone

from colleague import Colleague
from lab import LabTest, wait_until, write
from skewed import DAY, SkewedTest


class Delegate(LabTest):
    mirrors = 1

    def roles(self):
        return {role["role"]: role for role in self.fleet("trust", "show", "-o", "json").json["roles"]}

    def add_set(self, name):
        """A set that the origin and the mirror carry from now on."""
        with open(self.fleet.fleet) as file:
            text = file.read()
        line = next(line for line in text.splitlines() if "{name: debian," in line)
        text = text.replace(line, line + "\n" + line.replace("name: debian", f"name: {name}"))
        text = text.replace("sets: [debian", f"sets: [{name}, debian")
        with open(self.fleet.fleet, "w") as file:
            file.write(text)
        self.fleet("apply")
        source = self.fleet.scratch(f"source-{name}")
        write(os.path.join(source, "file"), f"of {name}".encode())
        return source

    def test_a_new_set_is_published_by_those_who_were_named_and_nobody_else(self):
        source = self.add_set("extra")
        nobody = self.fleet("publish", "extra", source, expect=4)
        self.assertIn("no key of fleet", nobody.err)
        self.assertIn("trust delegate extra", nobody.err)
        self.assertNotIn("set-extra", self.roles())
        bob, carol = Colleague(self.fleet, "bob"), Colleague(self.fleet, "carol")
        keys = ["--key", bob.public, "--key", carol.public]
        # What cannot be is refused, and leaves nothing.
        for arguments, code, words in [
                (["extra", *keys, "--threshold", "3"], 64, "would have 2 keys and need 3 of them"),
                (["extra", "--no-passphrase", "--threshold", "2"], 64, "would have 1 keys and need 2 of them"),
                (["debian", *keys], 64, "role set-debian is there already"),
                (["No Name", *keys], 64, "set-No Name is not 1 to 67 of a-z, 0-9 and -")]:
            self.assertIn(words, self.fleet("trust", "delegate", *arguments, expect=code).err)
        self.assertNotIn("set-extra", self.roles())
        self.assertFalse(os.path.exists(os.path.join(self.fleet.path, "trust", "keys", "set-extra.key")))
        done = self.fleet("trust", "delegate", "extra", *keys, "--threshold", "2")
        self.assertIn("set-extra: 2 of 2 keys, new", done.err)
        role = self.roles()["set-extra"]
        self.assertEqual((2, {"bob", "carol"}), (role["threshold"], {key["owner"] for key in role["keys"]}))
        # The keys of another set, one of both, and both.
        debian = os.path.join(self.fleet.path, "trust", "keys", "set-debian.key")
        self.assertIn("is not a key of the role", self.fleet("publish", "extra", source, "--key", debian, expect=4).err)
        alone = self.fleet("publish", "extra", source, "--key", bob.key, expect=4)
        self.assertIn("take the signatures of 2 keys, and 1 of theirs is on this machine", alone.err)
        self.fleet("publish", "extra", source, "--key", bob.key, "--key", carol.key)
        self.fleet("sync", "--wait")
        self.assertServed(source, set="extra")
        explained = self.fleet("trust", "show", "--explain", "extra/1").out
        self.assertNotIn("NOT MET", explained)
        self.assertIn("wants 2 of 2", explained)

    def test_a_key_is_made_where_none_is_named(self):
        source = self.add_set("made")
        done = self.fleet("trust", "delegate", "made", "--no-passphrase", "--owner", "alice", "--classic")
        self.assertIn("made " + os.path.join(self.fleet.path, "trust", "keys", "set-made.key"), done.err)
        role = self.roles()["set-made"]
        self.assertEqual([("alice, set-made", "ed25519")], [(key["owner"], key["kind"]) for key in role["keys"]])
        self.fleet("publish", "made", source)
        self.fleet("sync", "--wait")
        self.assertServed(source, set="made")


class Expire(SkewedTest):
    mirrors = 1

    def setUp(self):
        super().setUp()
        self.source = self.fleet.scratch("source")
        self.number = 0

    def publish(self, **expected):
        self.number += 1
        write(os.path.join(self.source, "a"), b"release %d" % self.number, modified=1_700_000_000 + self.number)
        return self.fleet("publish", "debian", self.source, **expected)

    def stale(self):
        """Hosts that say that nothing they have is fresh."""
        return {p["mirror"] for p in self.fleet.status()["problems"] if p["code"] == "freshness-expired"}

    def until(self, role):
        """The day until which the newest document of a role counts."""
        lines = self.fleet("trust", "show", "--explain", "debian").out.splitlines()
        return [line.split(" until ")[1][:10] for line in lines if line.startswith(f"{role} ")][-1]

    @staticmethod
    def day(days):
        return str((datetime.now(timezone.utc) + timedelta(days=days)).date())

    def expire(self, role, days):
        """Signs a role to count so many days; midnight may come in between."""
        before = self.day(days)
        self.fleet("trust", "expire", role, "--days", str(days))
        self.assertIn(self.until(role), [before, self.day(days)])

    def test_what_has_expired_is_served_and_a_signature_lets_the_fleet_go_on(self):
        for arguments in [["targets", "--days", "0"], ["targets", "--days", "3651"], ["targets"], ["nobody", "--days", "9"]]:
            self.fleet("trust", "expire", *arguments, expect=64)
        self.assertIn("is not signed with this folder's keys",
                      self.fleet("trust", "expire", "debian", "--days", "9", expect=64).err)
        self.publish()
        self.fleet("sync", "--wait")
        # By the clock of these days nothing but this role has come to its end: the keeper goes on signing. It never goes
        # back: hosts would not let what had expired count again.
        for role, days, clock in [("targets", 1, 2), ("root", 3, 4)]:
            with self.subTest(role):
                self.expire(role, days)
                self.set_clock(clock * DAY)
                for host in ["origin", "m1"]:
                    self.start(host)
                wait_until(lambda: self.stale() == {"origin", "m1"}, "hosts say that nothing is fresh")
                refused = self.publish(expect=None)
                self.assertNotEqual(0, refused.code)
                self.assertIn("expired", refused.err)
                self.assertTrue(os.path.exists(os.path.join(self.fleet.served("m1"), "a")))
                self.expire(role, 300)
                self.publish()
                self.fleet("sync", "debian", "--wait")
                self.assertServed(self.source)
                wait_until(lambda: not self.stale(), "what hosts have is fresh again")


if __name__ == "__main__":
    unittest.main()
