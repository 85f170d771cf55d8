"""A set whose yanks take the keys of two people, on two machines: requests, signatures offline, imports."""
import hashlib
import json
import os
import shutil
import sqlite3
import unittest

from colleague import Colleague
from lab import LabTest, run, write


class SharedYanks(LabTest):
    mirrors = 1
    hosts = ["origin", "m1"]

    def setUp(self):
        super().setUp()
        self.source = self.fleet.scratch("source")
        for name in ["pool/bad", "pool/good", "top"]:
            write(os.path.join(self.source, name), os.urandom(2_000), modified=1_700_000_000)
        self.bob = Colleague(self.fleet, "bob")
        self.fleet("trust", "add-key", "debian", "--key", self.bob.public, "--threshold", "2")
        self.alice = os.path.join(self.fleet.path, "trust", "keys", "set-debian.key")
        self.both = ["--key", self.alice, "--key", self.bob.key]
        self.fleet("publish", "debian", self.source, *self.both)
        self.fleet("sync", "debian", "--wait")
        self.file = os.path.join(self.fleet.folder, "yank.json")

    def ask(self, verb, path, *options, **expected):
        """A request of the operator, who has one of the two keys."""
        reason = ["--reason", f"{path} is bad"] if verb == "yank" else []
        return self.fleet(verb, "debian", path, *reason, "--request", self.file, *options, **expected)

    def carry_out(self, verb, *options, expect=0):
        return self.fleet(verb, "debian", "--import", self.file, *options, expect=expect)

    def assertYanked(self, *paths):
        """All hosts serve the source without these paths."""
        for host in self.hosts:
            for path in ["pool/bad", "pool/good", "top"]:
                there = os.path.exists(os.path.join(self.fleet.served(host), path))
                self.assertEqual(path not in paths, there, f"{path} at {host}")

    def test_one_signature_yanks_nothing_and_two_do(self):
        alone = self.fleet("yank", "debian", "top", "--reason", "bad", expect=4)
        self.assertIn("take the signatures of 2 keys, and 1 of theirs is on this machine", alone.err)
        self.assertIn("yank", alone.err)
        asked = self.ask("yank", "pool/bad")
        self.assertIn("asks for signatures: yank of debian/pool/bad", asked.out)
        self.assertIn("asks for 2 signatures, and has 1", asked.out)
        early = self.carry_out("yank", expect=4)
        self.assertIn("the yank takes the signatures of 2 keys, and has 1", early.err)
        self.assertIn("(bob)", early.err)
        self.assertYanked()
        shown = self.bob.sign(self.file)
        for words in ["yank of debian, fleet ", "is served no more: pool/bad", "reason   pool/bad is bad",
                      "yanked then: 1 paths in all", "2 of 2 keys",
                      "all signatures are there: fleetctl yank debian --import"]:
            self.assertIn(words, shown)
        # It is what it is: nothing else takes it.
        self.assertIn("is for `yank debian`", self.carry_out("unyank", expect=64).err)
        self.assertIn("asks for something else: yank of debian",
                      self.fleet("publish", "debian", "--import", self.file, expect=64).err)
        done = self.carry_out("yank")
        self.assertIn("yanked debian/pool/bad", done.out)
        self.assertIn("every mirror of debian has said so", done.out)
        self.assertYanked("pool/bad")
        # Said again it is done already, also after the role has gone on.
        self.assertIn("yanked debian/pool/bad", self.carry_out("yank").out)
        # The next ones show what is in force, and leave it.
        self.ask("yank", "top")
        shown = self.bob.sign(self.file)
        self.assertIn("is served no more: top", shown)
        self.assertNotIn("pool/bad", shown)
        self.carry_out("yank")
        self.assertYanked("pool/bad", "top")
        self.ask("unyank", "pool/bad")
        shown = self.bob.sign(self.file)
        for words in ["unyank of debian", "is served again: pool/bad", "reason   pool/bad is bad"]:
            self.assertIn(words, shown)
        self.assertIn("unyanked debian/pool/bad", self.carry_out("unyank").out)
        self.assertYanked("top")
        self.assertNotIn("NOT MET", self.fleet("trust", "show", "--explain", "debian").out)

    def test_two_copies_are_signed_at_the_same_time(self):
        away = self.fleet.scratch("away")
        shutil.move(self.alice, os.path.join(away, "alice.key"))
        asked = self.ask("yank", "top")
        self.assertIn("asks for 2 signatures, and has 0", asked.out)
        shutil.copy(self.file, self.file + ".bob")
        self.bob.sign(self.file + ".bob")
        self.assertIn("has 1", self.carry_out("yank", "--import", self.file + ".bob", expect=4).err)
        run("trust", "sign", self.file, "--key", os.path.join(away, "alice.key"), "--yes")
        self.carry_out("yank", "--import", self.file + ".bob")
        self.assertYanked("top")

    def test_a_file_that_was_altered_is_refused(self):
        self.ask("yank", "pool/bad")
        self.bob.sign(self.file)
        self.carry_out("yank")
        self.ask("yank", "top")
        with open(self.file) as file:
            honest = file.read()

        def altered(change):
            request = json.loads(honest)
            change(request)
            with open(self.file, "w") as file:
                json.dump(request, file)

        def without_the_old(request):
            del request["target"]["replaces"]

        def empty(request):
            request["target"]["bytes"] = request["target"]["replaces"]

        def quietly_unyanking(request):
            """The list says top alone, and is shown as if there had been none before."""
            list = bytes.fromhex(request["target"]["bytes"])
            bad = list.index(b"pool/bad") - 1
            # Count 2 becomes 1, and the first entry goes: path, 8 bytes of time, reason.
            end = bad + 1 + 8 + 8 + 1 + len("pool/bad is bad")
            shorter = list[:bad - 1] + b"\x01" + list[end:]
            request["target"]["bytes"] = shorter.hex()
            named = request["document"]["signed"]["targets"]["debian/yanked"]
            named["length"] = len(shorter)
            for name in named["hashes"]:
                named["hashes"][name] = hashlib.new(name, shorter).hexdigest()
            return request

        def hidden(request):
            without_the_old(quietly_unyanking(request))

        for name, change, words in [
                ("the list before is left out", without_the_old, "does not show what that is now"),
                ("another list than the role names", empty, "debian/yanked is not what version"),
                ("one that serves another path again", quietly_unyanking, "yanks 1 paths and serves 1 again"),
                ("the same, out of sight", hidden, "does not show what that is now")]:
            with self.subTest(name):
                altered(change)
                self.assertIn(words, self.bob.sign(self.file, expect=4))
        # Altered and shown, Bob signs what he sees; what Alice had signed is not that.
        altered(lambda request: request["document"]["signed"].update(expires="2031-01-01T00:00:00Z"))
        self.bob.sign(self.file)
        self.assertIn("and has 1", self.carry_out("yank", expect=4).err)
        self.assertYanked("pool/bad")

    def test_what_is_stale_is_refused_and_says_why(self):
        self.ask("yank", "top")
        self.bob.sign(self.file)
        self.fleet("yank", "debian", "pool/bad", "--reason", "meanwhile", *self.both)
        refused = self.carry_out("yank", expect=4)
        self.assertIn("what was signed does not follow from what the fleet has now", refused.err)
        self.assertIn("ask for signatures again: yank debian, with --request", refused.err)
        self.assertYanked("pool/bad")
        self.assertIn("nothing at pool/none", self.ask("yank", "pool/none", expect=1).err)

    def test_an_origin_without_the_list_in_force_has_no_path_signed_away(self):
        self.fleet("yank", "debian", "pool/bad", "--reason", "bad", *self.both)
        for host in self.hosts:
            self.fleet.lab("stop", host)
        with sqlite3.connect(self.fleet.host("origin", "srv", ".store", "store.db")) as database:
            self.assertEqual(1, database.execute("DELETE FROM yank").rowcount)
        database.close()
        self.fleet.lab("start", "origin")
        # A yank of top would serve pool/bad again: the origin says that nothing is yanked.
        for done in [self.fleet("yank", "debian", "top", "--reason", "bad", *self.both, expect=5),
                     self.ask("yank", "top", expect=5)]:
            self.assertIn("in force at origin is not the one that was signed last", done.err)
        self.assertFalse(os.path.exists(self.file))
        # A mirror has it.
        self.fleet.lab("start", "m1")
        self.ask("yank", "top")
        self.assertIn("yanked then: 2 paths in all", self.bob.sign(self.file))
        self.carry_out("yank")
        self.assertYanked("pool/bad", "top")


if __name__ == "__main__":
    unittest.main()
