"""Served trees: readers that stay, trees that go, and the way back to an older release."""
import os
import unittest

from lab import LabTest, modified_at, write


def contents(top):
    """Every file below a folder, with its bytes and time."""
    found = {}
    for folder, _, files in os.walk(top):
        for name in files:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, top)] = (file.read(), modified_at(os.stat(path)))
    return found


class Trees(LabTest):
    def fill(self, source, number):
        for index in range(20):
            write(os.path.join(source, f"d{index % 4}/file-{index}"), b"%d" % number)
        write(os.path.join(source, f"only-{number}"), b"x")
        if number > 1:
            os.remove(os.path.join(source, f"only-{number - 1}"))

    def test_a_reader_that_entered_a_release_walks_through_ten_flips(self):
        source = self.fleet.scratch("source")
        self.fill(source, 1)
        self.fleet("publish", "debian", source)
        self.fleet("sync", "debian", "--wait")
        first = contents(source)
        served = self.fleet.served("m1")
        before = os.getcwd()
        os.chdir(os.path.realpath(served))
        try:
            for number in range(2, 12):
                self.fill(source, number)
                self.fleet("publish", "debian", source)
                self.fleet("sync", "debian", "--wait")
                self.assertEqual(contents("."), first, f"after flip {number}")
        finally:
            os.chdir(before)
        self.assertEqual(contents(self.fleet.served("m1")), contents(source))

    def test_a_rollback_serves_the_old_content_as_a_new_release_everywhere(self):
        source = self.fleet.scratch("source")
        self.fill(source, 1)
        self.fleet("publish", "debian", source)
        old = contents(source)
        self.fleet("sync", "debian", "--wait")
        self.fill(source, 2)
        self.fleet("publish", "debian", source)
        self.fleet("sync", "debian", "--wait")
        self.assertServed(source)
        result = self.fleet("release", "rollback", "debian", "-o", "json").json
        self.assertEqual(result["sequence"], 3)
        self.assertEqual(result["newBytes"], 0)
        self.fleet("sync", "debian", "--wait")
        for name in ["origin", "m1"]:
            self.assertEqual(contents(os.path.realpath(self.fleet.served(name))), old, name)
        self.assertEqual(self.fleet("release", "diff", "debian", "1", "3").out, "")
        # And by its number, and to what is not there.
        self.assertEqual(self.fleet("release", "rollback", "debian", "2", "-o", "json").json["sequence"], 4)
        refused = self.fleet("release", "rollback", "debian", "77", expect=None)
        self.assertNotEqual(refused.code, 0)
        self.assertIn("release 77", refused.err)


if __name__ == "__main__":
    unittest.main()
