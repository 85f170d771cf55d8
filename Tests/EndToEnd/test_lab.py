"""The lab itself, and what can be seen of a fleet from outside."""
import json
import os
import re
import shutil
import signal
import subprocess
import unittest

import trees
from lab import FLEETCTL, Lab, LabTest, run, wait_until, write


def runs(pid):
    """Whether a process runs; one that only waits to be collected by process 1 does not."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class TwoLabs(unittest.TestCase):
    def test_two_labs_run_side_by_side_and_end_alone(self):
        first, second = Lab(1), Lab(1)
        self.addCleanup(first.close)
        self.addCleanup(second.close)
        pids = [host["pid"] for host in json.load(open(os.path.join(second.path, "lab.json")))["hosts"]]
        run("lab", "down", "--dir", first.path)
        self.assertEqual(second("check").code, 0)
        run("lab", "down", "--dir", second.path, "--purge")
        self.assertFalse(os.path.exists(second.path))
        for pid in pids:
            self.assertFalse(runs(pid), f"process {pid} is left over")

    def test_a_lab_keeps_no_descriptor_of_its_caller(self):
        folder = os.path.join("/tmp", f"fleet-fd-{os.getpid()}")
        self.addCleanup(shutil.rmtree, folder, True)
        self.addCleanup(run, "lab", "down", "--dir", folder, expect=None)
        reading, writing = os.pipe()
        os.set_inheritable(writing, True)
        done = subprocess.run([FLEETCTL, "lab", "up", "--dir", folder, "--mirrors", "1"], close_fds=False,
                              stdin=subprocess.DEVNULL, stdout=writing, stderr=writing, timeout=60)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            said = pipe.read()  # ends only when nobody holds the other end
        self.assertEqual(done.returncode, 0, said)

    def test_ipv6(self):
        fleet = Lab(1, ["--ipv6"])
        self.addCleanup(fleet.close)
        source = fleet.scratch("source")
        trees.odd_tree(source)
        fleet("publish", "debian", source)
        fleet("sync", "--wait")
        self.assertIn("::1", open(fleet.fleet).read())


class Seen(LabTest):
    mirrors = 2

    def test_hosts_stop_and_start_on_the_same_state(self):
        source = self.fleet.scratch("source")
        trees.odd_tree(source)
        self.fleet("publish", "debian", source)
        self.fleet("sync", "--wait")
        self.fleet.lab("stop", "m1")
        wait_until(lambda: self.fleet.mirror("m1")["state"] in ("stale", "down"), "m1 is seen to be away")
        write(os.path.join(source, "new"), b"new")
        self.fleet("publish", "debian", source)
        finished = self.fleet("sync", "--wait", "--timeout", "3s", expect=3)
        self.assertIn("m1", finished.out + finished.err)
        self.assertServed(source, mirrors=["m2"])
        self.fleet.lab("start", "m1")
        self.fleet("sync", "--wait")
        self.assertServed(source)
        self.fleet.lab("stop", "coordinator", "origin")
        self.fleet.lab("start", "coordinator", "origin")
        self.fleet("sync", "--wait")

    def test_metrics_say_what_the_status_says(self):
        source = self.fleet.scratch("source")
        trees.odd_tree(source)
        self.fleet("publish", "debian", source)
        self.fleet("sync", "--wait")
        path = os.path.join(self.fleet.scratch("collector"), "fleet.prom")
        write(path, b"older")
        self.fleet("metrics", "--to", path)
        with open(path) as file:
            written = file.read()
        self.assertEqual(os.listdir(os.path.dirname(path)), ["fleet.prom"])
        for text in (written, self.fleet("metrics").out):
            self.assertIn('fleet_set_replicas{set="debian"} 2\n', text)
            self.assertIn('fleet_mirror_release_sequence{mirror="m2",set="debian"} 1\n', text)
            self.assertIn('fleet_mirror_state{mirror="m1",state="in-sync"} 1\n', text)
        absent = self.fleet("metrics", "--to", os.path.join(self.fleet.folder, "absent", "fleet.prom"), expect=None)
        self.assertNotEqual(absent.code, 0)
        self.assertIn("absent/fleet.prom", absent.err)

    def test_a_stopped_agent_leaves_no_log_of_its_database_to_read_again(self):
        source = self.fleet.scratch("source")
        trees.many_files(source, 2_000)
        self.fleet("publish", "debian", source)
        self.fleet("sync", "--wait")
        log = self.fleet.host("m1", "srv", ".store", "store.db-wal")
        self.assertGreater(os.path.getsize(log), 0)
        self.fleet.lab("stop", "m1")
        self.assertEqual(os.path.getsize(log) if os.path.exists(log) else 0, 0)
        self.fleet.lab("start", "m1")
        self.fleet("sync", "--wait")
        self.assertServed(source)

    def test_a_hang_up_ends_nobody(self):
        source = self.fleet.scratch("source")
        trees.odd_tree(source)
        pids = {name: self.fleet.pid(name) for name in ["origin", "m1"]}
        with open(self.fleet.host("coordinator", "coordinator.pid")) as file:
            pids["coordinator"] = int(file.read())
        logs = {name: self.fleet.host(name, "coordinator.log" if name == "coordinator" else "agent.log")
                for name in pids}
        for pid in pids.values():
            os.kill(pid, signal.SIGHUP)
        for name, path in logs.items():
            said = "fleet.yaml is unchanged" if name == "coordinator" else 'msg="reloaded"'
            wait_until(lambda: said in open(path, errors="replace").read(), f"{name} reads its configuration again")
        self.fleet("publish", "debian", source)
        self.fleet("sync", "--wait")
        self.assertServed(source)
        for name, pid in pids.items():
            os.kill(pid, 0)
            self.fleet.lab("stop", name)

    def test_the_log_of_starts_and_stops_names_the_agent_and_nothing_inside(self):
        self.fleet.lab("stop", "m1")
        log = self.fleet.log("m1")
        self.assertIn('"agent m1"', log)
        self.assertNotIn("AgentSettings(", log)

    def test_a_release_published_without_the_coordinator_stands(self):
        source = self.fleet.scratch("source")
        trees.odd_tree(source)
        self.fleet.lab("kill", "coordinator")
        published = self.fleet("publish", "debian", source)
        self.assertIn("coordinator", published.err)
        self.fleet.lab("start", "coordinator")
        wait_until(lambda: self.fleet.status()["sets"][0]["head"], "the coordinator learns of it from the origin", 30)
        self.fleet("sync", "--wait")
        self.assertServed(source)

    def test_an_interrupted_command_says_so_by_its_exit_code(self):
        source = self.fleet.scratch("source")
        trees.odd_tree(source)
        self.fleet("publish", "debian", source)
        self.fleet.lab("kill", "m1")
        process = subprocess.Popen([FLEETCTL, "-f", self.fleet.fleet, "sync", "--wait"], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        process.stderr.readline()  # m2 is there: it waits for m1
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(30), 130)
        process.stderr.close()

    def test_only_hybrid_key_exchange_with_a_certificate_gets_in(self):
        source = self.fleet.scratch("source")
        trees.odd_tree(source)
        self.fleet("publish", "debian", source)
        self.fleet("sync", "--wait")
        self.assertIn("X25519MLKEM768", self.fleet("status", "-o", "json").out)
        lab = json.load(open(os.path.join(self.fleet.path, "lab.json")))
        for host in lab["hosts"]:
            done = subprocess.run(["openssl", "s_client", "-groups", "X25519:P-256", "-connect", host["address"]],
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
            said = (done.stdout + done.stderr).decode(errors="replace")
            self.assertRegex(said, "(?i)handshake failure", host)
            self.assertIn("no peer certificate available", said)

    def test_secrets_are_readable_by_their_owner_only(self):
        for folder, _, files in os.walk(self.fleet.path):
            for name in files:
                path = os.path.join(folder, name)
                if name.endswith(".key"):
                    self.assertEqual(os.stat(path).st_mode & 0o077, 0, path)


class Syncs(LabTest):
    mirrors = 1

    def traced(self, host, work):
        """System calls of `host` that make things durable, or write, while `work` runs: (name, path) in order."""
        trace = os.path.join(self.fleet.folder, "trace")
        calls = "fsync,fdatasync,syncfs,sync,write,pwrite64,pwritev,copy_file_range,sendfile"
        tracer = subprocess.Popen(["strace", "-f", "-y", "-q", "-p", str(self.fleet.pid(host)), "-e", f"trace={calls}",
                                   "-s", "0", "-o", trace], stderr=subprocess.PIPE)
        wait_until(lambda: "TracerPid:\t0" not in open(f"/proc/{self.fleet.pid(host)}/status").read(), "strace is on")
        try:
            work()
        finally:
            tracer.terminate()
            tracer.wait()
        found = []
        for line in open(trace, errors="replace"):
            matched = re.match(r"\d+ +(\w+)\(\d*<?([^>,)]*)", line)
            if matched:
                found.append((matched.group(1), matched.group(2)))
        return found

    @unittest.skipUnless(shutil.which("strace"), "strace is not installed")
    def test_ten_thousand_files_need_few_syncs(self):
        source = self.fleet.scratch("source")
        trees.many_files(source, 10_000)
        for host, work in [("origin", ("publish", "debian", source)), ("m1", ("sync", "--wait"))]:
            calls = self.traced(host, lambda: self.fleet(*work))
            syncs = [call for call in calls if "sync" in call[0]]
            print(f"\n    {work[0]} of 10,000 files: {len(syncs)} syncs", end="")
            self.assertTrue(2 <= len(syncs) <= 60, f"{host}: {len(syncs)} syncs")
            self.assertHeadComesLast(calls)
        self.assertServed(source)

    def assertHeadComesLast(self, calls):
        """After the last write of a file's bytes everything is made durable, and only then the head is written."""
        data = [n for n, (name, path) in enumerate(calls)
                if "sync" not in name and "/.store/staging/" in path or "/.store/blobs/" in path and "sync" not in name]
        head = [n for n, (name, path) in enumerate(calls) if name.startswith("pwrite") and path.endswith(".db-wal")]
        self.assertTrue(data and head, "no write of data, or none of the database, was seen")
        between = [call for call in calls[data[-1]:head[-1]] if "sync" in call[0] and "/.store" in call[1]]
        self.assertTrue(between, "the head was written without a sync after the last data")

    def test_more_equal_files_than_links(self):
        source = self.fleet.scratch("source")
        for number in range(70_000):
            folder = os.path.join(source, f"{number // 1_000:02d}")
            if number % 1_000 == 0:
                os.makedirs(folder)
            with open(os.path.join(folder, str(number)), "wb") as file:
                file.write(b"the same")
            os.utime(os.path.join(folder, str(number)), (1_600_000_000, 1_600_000_000))
        self.fleet("publish", "debian", source)
        self.fleet("sync", "--wait")
        self.assertServed(source)
