"""A set whose releases take the keys of two people, on two machines: requests, signatures offline, imports."""
import hashlib
import json
import os
import shutil

from colleague import Colleague
from lab import LabTest, write


class SharedSigning(LabTest):
    mirrors = 1

    def setUp(self):
        super().setUp()
        self.source = self.fleet.scratch("source")
        for index in range(10):
            write(os.path.join(self.source, f"file-{index}"), os.urandom(2_000), modified=1_700_000_000)
        os.utime(self.source, (1_700_000_000,) * 2)
        self.bob = Colleague(self.fleet, "bob")
        self.fleet("trust", "add-key", "debian", "--key", self.bob.public, "--threshold", "2")
        self.file = os.path.join(self.fleet.folder, "release.json")

    def request(self, *options):
        self.fleet("publish", "debian", self.source, "--request", self.file, *options)
        with open(self.file) as file:
            return json.load(file)

    def write(self, request):
        with open(self.file, "w") as file:
            json.dump(request, file)

    def sign(self, *options, **expected):
        return self.bob.sign(self.file, *options, **expected)

    def publish(self, *options, expect=0):
        return self.fleet("publish", "debian", "--import", self.file, *options, expect=expect)

    def releases(self):
        return len(self.fleet("release", "list", "debian", "-o", "json").json)

    def test_one_signature_is_refused_and_two_publish(self):
        alone = self.fleet("publish", "debian", self.source, expect=4)
        self.assertIn("take the signatures of 2 keys, and 1 of theirs is on this machine", alone.err)
        self.assertIn("publish SET --request FILE", alone.err)
        asked = self.fleet("publish", "debian", self.source, "--request", self.file)
        self.assertIn("asks for signatures: debian release 1", asked.out)
        self.assertIn("asks for 2 signatures, and has 1", asked.out)
        self.assertIn("(bob)", asked.out)
        early = self.publish(expect=4)
        self.assertIn("the release takes the signatures of 2 keys, and has 1", early.err)
        self.assertIn("(bob)", early.err)
        self.assertEqual(0, self.releases())
        # A stranger's key signs nothing, and his signature under Bob's name is none.
        self.assertIn("asks for no signature of", self.sign(key=self.bob.new_key("eve"), expect=4))
        with open(self.file) as file:
            request = json.load(file)
        honest = json.dumps(request)
        signatures = request["document"]["signatures"]
        roles = self.fleet("trust", "show", "-o", "json").json["roles"]
        bob = next(k["id"] for r in roles if r["role"] == "set-debian" for k in r["keys"] if k["owner"] == "bob")
        signatures.append({"keyid": bob, "sig": signatures[0]["sig"]})
        self.write(request)
        self.assertIn("and has 1", self.publish(expect=4).err)
        self.write(json.loads(honest))
        # Bob sees what he signs, and that it is what lies on his disk.
        other = self.fleet.scratch("other")
        shutil.copytree(self.source, other, dirs_exist_ok=True)
        write(os.path.join(other, "file-3"), b"another", modified=1_700_000_000)
        self.assertIn("a release of another tree than", self.sign("--tree", other, expect=4))
        shown = self.sign("--tree", self.source)
        root = self.fleet("publish", "debian", self.source, "--dry-run", "-o", "json").json["root"]
        for words in ["release 1 of debian", root, "10 files", "20000 bytes", f"read from  {self.source}, says the origin",
                      "is exactly that tree", "2 of 2 keys", "all signatures are there: fleetctl publish debian --import"]:
            self.assertIn(words, shown)
        self.assertIn("published debian release 1", self.publish().out)
        self.assertIn("unchanged", self.publish().out)
        self.fleet("sync", "debian", "--wait")
        self.assertServed(self.source)
        self.assertNotIn("NOT MET", self.fleet("trust", "show", "--explain", "debian").out)

    def test_a_request_that_was_altered_is_refused(self):
        request = self.request()
        honest = json.dumps(request)
        document = bytearray.fromhex(request["target"]["bytes"])
        place = document.index(b"debian") + 40
        document[place] ^= 1
        request["target"]["bytes"] = bytes(document).hex()
        self.write(request)
        self.assertIn("debian/1 is not what version", self.sign(expect=4))
        # Altered as a whole, Bob signs what he is shown; what Alice had signed is not that.
        named = request["document"]["signed"]["targets"]["debian/1"]["hashes"]
        for name in named:
            named[name] = hashlib.new(name, document).hexdigest()
        self.write(request)
        self.sign()
        self.assertIn("and has 1", self.publish(expect=4).err)
        for name, change, words, code in [
                ("another mark", lambda r: r.pop("mirrorfleet-role-change"), "it is no file of", 1),
                ("another target, too", lambda r: r["document"]["signed"]["targets"].update(
                    {"debian/yanked": r["document"]["signed"]["targets"]["debian/1"]}), "changes debian/yanked, too", 4),
                ("a version left out", lambda r: r["document"]["signed"].update(version=3), "version 3 of role", 4),
                ("another fleet", lambda r: r.update(fleet="other"), "is of fleet", 4),
                ("other keys", lambda r: r["trusted"]["targets"]["signed"]["delegations"]["roles"][0].update(threshold=1),
                 "is signed by 0 of the keys", 4)]:
            with self.subTest(name):
                request = json.loads(honest)
                change(request)
                self.write(request)
                self.assertIn(words, self.sign(expect=code))
        self.assertEqual(0, self.releases())

    def test_what_is_stale_says_why(self):
        self.request()
        self.sign()
        write(os.path.join(self.source, "file-0"), b"changed since", modified=1_700_000_000)
        refused = self.publish(expect=4)
        self.assertIn("release 1, as it was signed, cannot be made any more: the tree is another one now", refused.err)
        # Both keys on one machine publish as ever; then the request is of a release that is not the next one.
        self.fleet("publish", "debian", self.source, "--key", self.bob.key, "--key",
                   os.path.join(self.fleet.path, "trust", "keys", "set-debian.key"))
        write(os.path.join(self.source, "file-1"), b"more", modified=1_700_000_000)
        refused = self.publish(expect=4)
        self.assertIn("another release was signed since; the next one is 2", refused.err)
        # Signed by two of the three who may, who each have a copy; what takes away much says so to them.
        carol = Colleague(self.fleet, "carol")
        self.fleet("trust", "add-key", "debian", "--key", carol.public)
        for index in range(4):
            os.unlink(os.path.join(self.source, f"file-{index}"))
        self.fleet("publish", "debian", self.source, "--request", self.file, expect=4)
        away = self.fleet.scratch("away")
        os.rename(os.path.join(self.fleet.path, "trust", "keys", "set-debian.key"), os.path.join(away, "alice.key"))
        request = self.request("--confirm-delete")
        shown = self.sign()
        for words in ["MAY TAKE AWAY more", "takes away 4 files", "follows "]:
            self.assertIn(words, shown)
        os.rename(self.file, self.file + ".bob")
        self.write(request)
        carol.sign(self.file)
        self.assertIn("published debian release 2", self.publish("--import", self.file + ".bob").out)
        # An older content again, in the same way.
        self.fleet("release", "rollback", "debian", "1", "--request", self.file)
        self.sign()
        self.fleet("release", "rollback", "debian", "1", "--import", self.file, "--key", carol.key)
        self.fleet("sync", "debian", "--wait")
        self.assertEqual(10, len(os.listdir(self.fleet.served("m1"))))


class RaisedThreshold(LabTest):
    mirrors = 1

    def test_a_set_with_releases_comes_to_want_two_keys_that_are_never_in_one_place(self):
        source, file = self.fleet.scratch("source"), os.path.join(self.fleet.folder, "release.json")
        write(os.path.join(source, "file"), b"one", modified=1_700_000_000)
        self.fleet("publish", "debian", source)
        bob = Colleague(self.fleet, "bob")
        # At once it would leave the fleet with a release that too few have signed.
        early = self.fleet("trust", "add-key", "debian", "--key", bob.public, "--threshold", "2", expect=4)
        self.assertIn("set-debian has to be signed again by 2 of its keys, and 1 of them are here", early.err)
        self.assertIn("publish one release that all of them sign (publish --request)", early.err)
        self.fleet("trust", "threshold", "debian", "1")
        write(os.path.join(source, "file"), b"two", modified=1_700_000_001)
        self.fleet("publish", "debian", source, "--request", file)
        bob.sign(file)
        self.fleet("publish", "debian", "--import", file)
        self.fleet("trust", "threshold", "debian", "2")
        alone = self.fleet("publish", "debian", source, expect=4)
        self.assertIn("take the signatures of 2 keys", alone.err)
        self.fleet("sync", "debian", "--wait")
        self.assertServed(source)
        self.assertNotIn("NOT MET", self.fleet("trust", "show", "--explain", "debian").out)
