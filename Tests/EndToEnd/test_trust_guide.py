"""The guide docs/guides/trust.md, word by word: ceremonies on machines that share nothing but a stick, and a fleet."""
import json
import os
import re
import shutil
import tempfile
import unittest

from lab import LabTest, run, wait_until, write
from terminal import PASSPHRASE, at_terminal
from test_guide import TREE, blocks

GUIDE = os.path.join(TREE, "docs", "guides", "trust.md")


def steps():
    """Machine and command of every line in the guide, before and with the fleet."""
    with open(GUIDE) as file:
        alone, _, fleet = file.read().partition("\n## With the fleet\n")
    found = []
    for part in [alone, fleet]:
        lines, machine = [], None
        for language, words, content in blocks(part):
            named = re.findall(r"On (Alice|Bob|Carol|the operator)'s machine", words)
            machine = named[-1] if named else machine
            if not language:
                lines += [(machine, line) for line in content.replace("\\\n", " ").splitlines()]
        found.append(lines)
    return found


class TrustGuideTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="fleet-e2e-trust-guide-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        for name in ["Alice", "Bob", "Carol", "usb"]:
            os.mkdir(os.path.join(self.folder, name))

    def type(self, machine, line, expect=0):
        line = line.replace("/media/usb", os.path.join(self.folder, "usb"))
        for owner in re.findall(r"\b([A-Z]+)_ID\b", line):
            line = line.replace(f"{owner}_ID", self.key(owner.lower()))
        code, shown = at_terminal(line, os.path.join(self.folder, machine))
        self.assertEqual(expect, code, f"{machine}$ {line}\n{shown}")
        return shown

    def show(self):
        return run("trust", "show", "-o", "json", "--dir", os.path.join(self.folder, "Alice", "trust")).json

    def role(self, name):
        return next(role for role in self.show()["roles"] if role["role"] == name)

    def key(self, owner):
        return next(key["id"] for key in self.role("root")["keys"] if key["owner"] == owner)

    def test_the_ceremonies_of_the_guide(self):
        commands, seen = steps()[0], []
        for machine, line in commands:
            seen.append(self.type(machine, line))
        self.assertGreater(len(commands), 25, "the blocks of the guide were found")
        root = self.role("root")
        self.assertEqual((2, {"alice, root", "bob-2", "carol"}),
                         (root["threshold"], {key["owner"] for key in root["keys"]}))
        self.assertNotIn("pending", self.show())
        # Six changes of the root, two of targets: one by itself, one with the keys of targets.
        self.assertEqual((6, 3), (root["version"], self.role("targets")["version"]))
        shown = "".join(seen)
        self.assertIn("root 3 lacks 1 of 2 signatures, as root 3 wants them, by: ", shown)
        self.assertNotIn(PASSPHRASE, shown, "what is typed is not shown")
        explained = seen[-1]
        self.assertIn("root 6 wants 1 of 1", explained)
        self.assertNotIn("NOT MET", explained)

    def test_what_is_wrong_at_a_terminal(self):
        self.type("Alice", "fleetctl trust init --dir trust --fleet example --set debian --owner alice")
        self.type("Bob", "fleetctl trust new-key bob && cp bob.pub /media/usb/")
        code, shown = at_terminal(
            "fleetctl trust expire root --days 9 --dir trust", os.path.join(self.folder, "Alice"),
            answers=[(b"passphrase", "wrong words")])
        self.assertEqual(1, code, shown)
        self.assertEqual(3, shown.count("passphrase of "), shown)
        self.assertIn("is not opened by this passphrase", shown)
        self.assertEqual(1, self.role("root")["version"])
        self.type("Alice", "fleetctl trust add-key root --dir trust --key /media/usb/bob.pub --threshold 2")
        self.type("Alice", "fleetctl trust request --dir trust > /media/usb/change.json")
        code, shown = at_terminal(f"fleetctl trust sign {self.folder}/usb/change.json --key bob.key",
                                  os.path.join(self.folder, "Bob"), answers=[(b"(yes)", "no")])
        self.assertEqual(4, code, shown)
        # Changed on its way: another key in the place of Bob's.
        path = os.path.join(self.folder, "usb", "change.json")
        with open(path) as file:
            text = file.read()
        with open(path, "w") as file:
            file.write(text.replace('"threshold":2', '"threshold":1', 1))
        self.type("Bob", "fleetctl trust sign /media/usb/change.json --key bob.key --yes")
        shown = self.type("Alice", "fleetctl trust import /media/usb/change.json --dir trust", expect=4)
        self.assertIn("is another change", shown)
        self.assertEqual(1, self.role("root")["version"])
        self.type("Alice", "fleetctl trust rotate targets --dir trust", expect=4)
        self.type("Alice", "fleetctl trust discard --dir trust")
        self.type("Alice", "fleetctl trust rotate targets --dir trust")
        self.assertEqual((2, 2), (self.role("root")["version"], self.role("targets")["version"]))


class TrustFleetGuideTest(LabTest):
    mirrors = 1

    def test_the_guide_with_a_fleet(self):
        source = self.fleet.scratch("source")
        write(os.path.join(source, "a"), b"one")
        self.fleet("publish", "debian", source)
        self.fleet("sync", "--wait")
        usb, bob, image = [self.fleet.scratch(name) for name in ["usb", "bob", "image"]]
        for name in ["image", "boot.iso"]:
            write(os.path.join(image, name), name.encode())
        commands = steps()[1]
        for number, (machine, line) in enumerate(commands):
            if " publish debian" in line:
                write(os.path.join(source, "a"), f"{number:03}".encode())
            line = line.replace("publish debian", f"publish debian {source}")
            line = line.replace("publish iso --request", f"publish iso {image} --request")
            line = line.replace("/media/usb", usb)
            if line.startswith("scp "):
                line = f"cp {line.split()[1]} {self.fleet.host('origin', 'online.key')}"
            elif line.startswith("ssh "):
                self.fleet.lab("stop", "origin")
                self.fleet.lab("start", "origin")
                continue
            code, shown = at_terminal(line, bob if machine == "Bob" else self.fleet.path)
            self.assertEqual(0, code, f"$ {line}\n{shown}")
        self.assertGreater(len(commands), 13, "the blocks of the guide were found")
        self.assertIn("note: other clients of TUF need the key type mldsa65-ed25519", shown)
        self.fleet("sync", "--wait")
        self.assertServed(source)
        # The guide has yanked it; times of directories stay.
        modified = os.stat(image).st_mtime
        os.unlink(os.path.join(image, "boot.iso"))
        os.utime(image, (modified, modified))
        self.assertServed(image, set="iso")
        explained = self.fleet("trust", "show", "--explain", "debian").out
        self.assertIn("nightly publish", explained)
        self.assertNotIn("NOT MET", explained)
        self.assertIn("targets 5 wants 2 of 2", self.fleet("trust", "show", "--explain", "iso").out)


if __name__ == "__main__":
    unittest.main()
