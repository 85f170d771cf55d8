"""The main job: publish a real tree, and every mirror serves it, verified."""
import os
import shutil
import subprocess

import trees
from lab import LabTest, run, write


def untouched(root):
    """Everything of a tree that a publish must leave as it is, times of change and links included."""
    found = {}
    for folder, folders, files in os.walk(os.fsencode(root)):
        for name in [b".", *folders, *files]:
            seen = os.lstat(os.path.join(folder, name))
            found[os.path.join(folder, name)] = (
                seen.st_ino, seen.st_mode, seen.st_nlink, seen.st_uid, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)
    return found


def shares_blocks(folder):
    """Whether the file system shares the blocks of two files."""
    first, second = os.path.join(folder, ".first"), os.path.join(folder, ".second")
    write(first, b"x" * 10_000)
    done = subprocess.run(["cp", "--reflink=always", first, second], stderr=subprocess.DEVNULL)
    for path in (first, second):
        if os.path.exists(path):
            os.remove(path)
    return done.returncode == 0


class PublishAndSync(LabTest):
    def test_what_will_be_copied_is_said_once_and_only_when_there_is_something(self):
        source = self.fleet.scratch("source")
        write(os.path.join(source, "large"), os.urandom(3 << 20))
        write(os.path.join(source, "small"), b"x" * 1_000)
        os.utime(source, (1_000_000_000, 1_000_000_000))
        times = 0 if shares_blocks(self.fleet.folder) else 1
        done = self.fleet("publish", "debian", source)
        self.assertEqual(done.err.count("will be copied into the store"), times, done)
        self.assertEqual(done.err.count("in 2 files"), times, done)
        self.assertEqual(done.err.count("`ingest: link` for debian"), times, done)
        again = self.fleet("publish", "debian", source, "--dry-run")
        self.assertNotIn("will be copied", again.err)

    def test_an_odd_tree_arrives_exactly_as_it_is_and_later_changes_too(self):
        source = self.fleet.scratch("source")
        trees.odd_tree(source)
        before = untouched(source)
        published = self.fleet("publish", "debian", source, "-o", "json").json
        self.assertEqual(untouched(source), before, "publishing changed the source tree")
        self.assertEqual(published["sequence"], 1)
        self.assertEqual(self.fleet("plan", "--detailed-exitcode", expect=2).code, 2)
        summary = self.fleet("sync", "--wait", "-o", "json").json
        self.assertEqual({m["name"] for m in summary["mirrors"]}, set(self.fleet.mirrors))
        self.assertServed(source)
        self.fleet("plan", "--detailed-exitcode", expect=0)
        subprocess.run(["diff", "-r", "--no-dereference", source, self.fleet.served("m1")], check=True)

        status = self.fleet.status()
        self.assertEqual(status["version"], 1)
        heads = {s["name"]: s["head"] for s in status["sets"]}
        self.assertIsNone(heads["iso"])
        self.assertEqual(heads["debian"]["root"], published["root"])
        for mirror in status["mirrors"]:
            if mirror["role"] == "mirror":
                self.assertEqual(mirror["state"], "in-sync", mirror)
                self.assertEqual(mirror["sets"][0]["root"], published["root"])
                self.assertEqual(mirror["sets"][0]["missingBytes"], 0)
        self.assertEqual(self.fleet("check").out.split(" ")[:2], ["FLEET", "OK"])

        unchanged = self.fleet("publish", "debian", source)
        self.assertIn("unchanged", unchanged.out + unchanged.err)
        self.assertEqual(len(self.fleet("release", "list", "debian", "-o", "json").json), 1)

        write(os.path.join(source, "same/one"), b"other bytes")
        os.remove(os.path.join(source, "empty"))
        shutil.move(os.path.join(source, "odd"), os.path.join(source, "renamed"))
        self.fleet("publish", "debian", source)
        self.assertEqual(self.fleet.mirror("m1", "debian")["lagReleases"], 1)
        self.fleet("sync", "debian", "--wait")
        self.assertServed(source)
        self.assertIn("same/one", self.fleet("release", "diff", "debian", "1", "2").out)
        self.assertIn("same/one", self.fleet("release", "show", "debian", "2").out)

    def test_a_dry_run_of_publish_changes_nothing(self):
        source = self.fleet.scratch("source")
        trees.odd_tree(source)
        self.fleet("publish", "debian", source, "--dry-run")
        self.assertEqual(self.fleet("release", "list", "debian", "-o", "json").json, [])
        self.assertFalse(os.path.lexists(self.fleet.host("origin", "srv", "debian")))

    def test_a_renamed_folder_of_a_gibibyte_is_not_fetched_again(self):
        source = self.fleet.scratch("source")
        trees.random_file(os.path.join(source, "before/image.iso"), 1 << 30)
        self.fleet("publish", "iso", source)
        self.fleet("sync", "iso", "--mirror", "m1", "--wait")
        os.rename(os.path.join(source, "before"), os.path.join(source, "after"))
        self.fleet("publish", "iso", source)
        summary = self.fleet("sync", "iso", "--mirror", "m1", "--wait", "-o", "json").json
        received = sum(summary["mirrors"][0]["bytesBySource"].values())
        self.assertLess(received, 65_536, summary)
        self.assertServed(source, "iso", ["m1"])

    def test_a_proof_of_one_file_is_checked_offline_and_no_changed_one_passes(self):
        source = self.fleet.scratch("source")
        trees.odd_tree(source)
        self.fleet("publish", "debian", source)
        self.fleet("sync", "--wait")
        made = self.fleet("verify", "m2", "--set", "debian", "--proof", "bin/tool")
        proof = os.path.join(self.fleet.folder, "proof")
        with open(proof, "w") as file:
            file.write(made.out)
        shown = run("verify", "--proof-file", proof)
        self.assertIn("trust      root 1, SHA-256 ", shown.out)
        self.fleet("verify", "--proof-file", proof)
        self.assertRegex(shown.out, "type +executable file\n +size +10\n")
        # A path is bytes: what is not UTF-8 is asked for, and proven, as it is.
        for path, verdict in [(b"odd/not-utf8-\xff\xfe", r"present  odd/not-utf8-\xff\xfe"),
                              (b"odd/not-utf8-\xfe\xff", r"absent  odd/not-utf8-\xfe\xff"),
                              (b"same/up", "type       symlink to ../bin"), (b"hollow", "type       directory")]:
            with open(proof, "w") as file:
                file.write(self.fleet("verify", "m2", "--set", "debian", "--proof", os.fsdecode(path)).out)
            self.assertIn(verdict, self.fleet("verify", "--proof-file", proof).out)
        for position in range(0, len(made.out), max(1, len(made.out) // 40)):
            if made.out[position] in "\n=":
                continue
            changed = made.out[:position] + ("A" if made.out[position] != "A" else "B") + made.out[position + 1:]
            with open(proof, "w") as file:
                file.write(changed)
            finished = run("verify", "--proof-file", proof, expect=None)
            self.assertNotEqual(finished.code, 0, f"a changed proof passed (position {position})")
