"""Our TUF engine beside others: repositories made, and broken, by python-tuf; ours read by python-tuf.

The others are Python packages in an environment of their own, which the first test makes. trust_oracle.py runs in there.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

from lab import BIN, run

HERE = os.path.dirname(os.path.abspath(__file__))
CLIENT = os.path.join(BIN, "tuf-conformance-client")
ENVIRONMENT = os.path.join(os.path.realpath(BIN), "..", "..", "tuf-venv")
PACKAGES = ["tuf==7.0.1", "securesystemslib==1.6.0", "cryptography>=48"]
NOW = 1_900_000_000


def python():
    """The Python of an environment that has the packages."""
    program = os.path.join(ENVIRONMENT, "bin", "python")
    wanted = "import tuf, securesystemslib.signer; from cryptography.hazmat.primitives.asymmetric import mldsa"
    if not os.path.exists(program):
        subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)
    if subprocess.run([program, "-c", wanted], capture_output=True).returncode != 0:
        subprocess.run([program, "-m", "pip", "install", "-q", "--disable-pip-version-check", *PACKAGES], check=True)
    return program


class TrustTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="fleet-e2e-trust-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def oracle(self, *arguments):
        done = subprocess.run(
            [python(), os.path.join(HERE, "trust_oracle.py"), *arguments], capture_output=True, text=True)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done.stdout

    def client(self, metadata, *arguments):
        return subprocess.run(
            [CLIENT, "--now", str(NOW), "--metadata-dir", metadata, *arguments], capture_output=True, text=True)

    def ends(self, case, folder):
        """The word for how our client ends with a case: ok, or what was refused."""
        kept = os.path.join(folder, "kept")
        for step in case["steps"]:
            arguments = ["--metadata-url", "file://" + os.path.join(folder, step)]
            if case["fleet"]:
                arguments += ["--fleet", case["fleet"]]
            if case["target"]:
                arguments += ["--target-base-url", "file://" + os.path.join(folder, step, "targets")]
                arguments += ["--target-dir", os.path.join(folder, "got"), "--target-name", case["target"], "download"]
            else:
                arguments += ["refresh"]
            done = self.client(kept, *arguments)
            word = "ok" if done.returncode == 0 else (done.stderr.split(": ") + ["?"])[1]
            if step != case["steps"][-1]:
                self.assertEqual("ok", word, f"{case['name']}, {step}: {done.stderr}")
        return word, done.stderr

    def test_every_attack_is_refused_by_its_name(self):
        self.oracle("attacks", self.folder, str(NOW))
        with open(os.path.join(self.folder, "cases.json")) as file:
            cases = json.load(file)
        self.assertGreater(len(cases), 40)
        for case in cases:
            with self.subTest(case["name"]):
                word, text = self.ends(case, os.path.join(self.folder, case["name"]))
                self.assertEqual(case["expected"], word, text)
                if case["root"]:
                    with open(os.path.join(self.folder, case["name"], "kept", "root.json")) as file:
                        self.assertEqual(case["root"], json.load(file)["signed"]["version"])
                self.assertEqual([], [name for name in os.listdir(self.folder) if "escaped" in name])

    def write(self, keys):
        done = self.client(self.folder, "--fleet", "example", "--keys", keys, "write")
        self.assertEqual(0, done.returncode, done.stderr)

    def test_python_tuf_reads_what_our_writer_wrote(self):
        self.write("ed25519")
        self.assertIn("a release document", self.oracle("read", self.folder, str(NOW)))

    def test_python_tuf_with_the_composite_key_reads_our_hybrid_repository(self):
        self.write("hybrid")
        self.assertIn("a release document", self.oracle("read-hybrid", self.folder, str(NOW)))

    def test_python_tuf_reads_an_export(self):
        for kind, options in [("", ["--classic"]), ("-hybrid", [])]:
            with self.subTest(kind):
                trust, out = os.path.join(self.folder, "trust" + kind), os.path.join(self.folder, "out" + kind)
                now = str(int(time.time()))
                run("trust", "init", "--dir", trust, "--fleet", "example", "--set", "debian", "--set", "new",
                    "--no-passphrase", *options)
                early = run("trust", "export", out, "--dir", trust, expect=1)
                self.assertIn("publish a release first", early.err)
                self.oracle("keep", trust, now)
                done = run("trust", "export", out, "--dir", trust)
                self.assertEqual(not options, "key type mldsa65-ed25519" in done.err, done)
                self.assertIn("a release document", self.oracle("read-export" + kind, out, now))
                # Once more, in place; what else is there is let be.
                run("trust", "export", out, "--dir", trust)
                explained = run("trust", "show", "--explain", "debian/1", "--dir", trust).out
                self.assertIn("debian/1: 18 bytes", explained)
                self.assertNotIn("NOT MET", explained)
                other = os.path.join(self.folder, "other" + kind)
                os.makedirs(os.path.join(other, "photos"))
                run("trust", "export", other, "--dir", trust, expect=4)
                with open(os.path.join(trust, "targets", "debian", "1"), "wb") as file:
                    file.write(b"a RELEASE document")
                self.assertIn("was changed on the way", run("trust", "export", out, "--dir", trust, expect=1).err)

    def test_our_client_reads_what_our_writer_wrote(self):
        for keys in ["ed25519", "hybrid"]:
            with self.subTest(keys):
                folder = os.path.join(self.folder, keys)
                os.makedirs(os.path.join(folder, "kept"))
                os.makedirs(os.path.join(folder, "got"))
                done = self.client(folder, "--fleet", "example", "--keys", keys, "write")
                self.assertEqual(0, done.returncode, done.stderr)
                shutil.copy(os.path.join(folder, "root.json"), os.path.join(folder, "kept"))
                done = self.client(
                    os.path.join(folder, "kept"), "--fleet", "example", "--metadata-url",
                    f"file://{folder}/metadata", "--target-base-url", f"file://{folder}/targets", "--target-dir",
                    os.path.join(folder, "got"), "--target-name", "sets/debian/release", "download")
                self.assertEqual(0, done.returncode, done.stderr)


if __name__ == "__main__":
    unittest.main()
