"""Hosts that join by a token: once, replaced, renewed without a gap, taken out; nobody is believed for less."""
import base64
import contextlib
import os
import re
import shutil
import signal
import struct
import subprocess

from lab import BIN, LabTest, wait_until, write

HERE = os.path.dirname(os.path.abspath(__file__))
AGENT = os.path.join(BIN, "fleet-agent")
DAY = 86_400


class Joining(LabTest):
    mirrors = 1

    def setUp(self):
        super().setUp()
        with open(self.fleet.fleet) as file:
            text = file.read()
        last = re.findall(r'  - \{name: m1, .*address: "127\.0\.1\.11:(\d+)"\}\n', text)
        self.port = last[0]
        line = f'  - {{name: m1, region: lab, address: "127.0.1.11:{self.port}"}}\n'
        self.assertIn(line, text)
        self.fleet.reconfigure((line, line + line.replace("m1", "m9").replace("1.11", "1.19")))
        self.source = self.fleet.scratch("source")
        self.publish(1)

    def publish(self, number, environment=None):
        write(os.path.join(self.source, "a"), b"release %d" % number, modified=1_700_000_000 + number)
        self.fleet("publish", "debian", self.source, environment=environment)

    def token(self, name="m9", *options):
        """A file with a token, as an operator carries it to the host."""
        path = os.path.join(self.fleet.scratch("tokens"), f"{len(os.listdir(self.fleet.scratch('tokens')))}")
        self.assertEqual("", self.fleet("mirror", "enrol", name, "--out", path, *options).out)
        return path

    def agent(self, *arguments, expect=0, given=b""):
        done = subprocess.run([AGENT, *arguments], input=given, capture_output=True, timeout=60)
        text = done.stdout.decode() + done.stderr.decode()
        self.assertEqual(expect, done.returncode, text)
        return text

    def join(self, token, home="host", expect=0, given=b""):
        folder = self.fleet.scratch(home)
        # Loopback has an address for each host, so it listens at its own and not at all.
        return self.agent("join", "--token-file", token, "--config", os.path.join(folder, "agent.yaml"),
                          "--data", os.path.join(folder, "srv"), "--listen", f"127.0.1.19:{self.port}", expect=expect,
                          given=given)

    def start(self, home="host", environment=None):
        """Runs the agent of a host that joined."""
        folder = self.fleet.scratch(home)
        configuration = os.path.join(folder, "agent.yaml")
        os.makedirs(os.path.join(folder, "srv"), exist_ok=True)
        log = open(os.path.join(folder, "agent.log"), "ab")
        self.addCleanup(log.close)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(folder, "ready"))
        process = subprocess.Popen([AGENT, "--config", configuration, "--ready-file", os.path.join(folder, "ready")],
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   env={**os.environ, **(environment or {})})
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        wait_until(lambda: os.path.exists(os.path.join(folder, "ready")) or process.poll() is not None, f"{home} runs")
        self.assertIsNone(process.poll(), self.log(home))
        return process

    def log(self, home="host"):
        with open(os.path.join(self.fleet.scratch(home), "agent.log"), errors="replace") as file:
            return file.read()

    def served(self, home="host"):
        with contextlib.suppress(OSError), open(os.path.join(self.fleet.scratch(home), "srv", "debian", "a"), "rb") as file:
            return file.read()
        return None

    def member(self, name="m9"):
        return next(m for m in self.fleet("mirror", "list", "-o", "json").json if m["name"] == name)

    def test_join_and_sync(self):
        self.assertIn("by the authority", self.fleet("mirror", "list").out)
        token = self.token()
        self.assertIn("tokenUntil", self.member())
        self.assertIn("joined fleet lab as m9", self.join(token))
        self.start()
        self.fleet("sync", "debian", "--wait")
        self.assertEqual(b"release 1", self.served())
        self.assertIn("joinedAt", self.member())
        # The token counts once, and says so.
        self.assertIn("was used", self.join(token, home="second", expect=1))
        self.assertFalse(os.path.exists(os.path.join(self.fleet.scratch("second"), "agent.key")))

    def test_a_token_that_no_file_of_the_host_has(self):
        text = self.fleet("mirror", "enrol", "m9").out.encode()
        self.assertIn("standard input holds no token", self.join("-", expect=1))
        self.assertIn("standard input holds no token", self.join("-", given=text[:-9], expect=1))
        self.assertIn("joined fleet lab as m9", self.join("-", given=text))
        found = subprocess.run(["grep", "-rlF", text.strip().decode(), self.fleet.scratch("host")], capture_output=True)
        self.assertEqual((1, b""), (found.returncode, found.stdout))
        self.start()
        self.fleet("sync", "debian", "--wait")

    def test_who_may_not_join(self):
        self.assertIn("no mirror \"nobody\"", self.fleet("mirror", "enrol", "nobody", expect=64).err)
        self.assertIn("keys issue", self.fleet("mirror", "enrol", "origin", expect=4).err)
        self.fleet("mirror", "enrol", "m9", "--ttl", "25h", expect=1)
        # A token that others may read, one that is damaged, one of another authority.
        token = self.token()
        os.chmod(token, 0o644)
        self.assertIn("chmod 600", self.join(token, expect=1))
        damaged = os.path.join(self.fleet.scratch("tokens"), "damaged")
        with open(token) as file:
            text = file.read().strip()
        with os.fdopen(os.open(damaged, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(text[:-8])
        self.assertIn("holds no token", self.join(damaged, expect=1))
        other = os.path.join(self.fleet.scratch("tokens"), "other")
        # The authority's fingerprint lies before those of the root and the secret.
        body = text.split(".", 1)[1].replace("-", "+").replace("_", "/")
        raw = bytearray(base64.b64decode(body + "=" * (-len(body) % 4)))
        raw[-65] ^= 1  # its last byte
        with os.fdopen(os.open(other, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write("mfjoin1." + base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("="))
        self.assertIn("another authority than the token says", self.join(other, home="other", expect=1))
        self.assertEqual([], os.listdir(self.fleet.scratch("other")))
        # The right one is good still: nothing was sent to anybody.
        os.chmod(token, 0o600)
        self.join(token)
        with open(os.path.join(self.fleet.host("coordinator"), "coordinator.log")) as file:
            self.assertNotIn(text, file.read())

    def test_replaced_and_revoked(self):
        self.join(self.token())
        first = self.start()
        self.fleet("sync", "debian", "--wait")
        token = self.token()
        self.assertEqual(b"release 1", self.served())
        first.send_signal(signal.SIGTERM)
        first.wait()
        self.join(token, home="new")
        # Whoever has the old certificate is believed no more, neither by the coordinator nor by hosts.
        old = self.start()
        wait_until(lambda: "has joined as" in self.log(), "the old host hears that it was replaced", 60)
        old.kill()
        old.wait()
        new = self.start("new")
        self.fleet("sync", "debian", "--wait")
        self.assertEqual(b"release 1", self.served("new"))
        # Taken out while it runs: its connections end, and what is published next does not reach it.
        self.fleet("mirror", "revoke", "m9")
        wait_until(lambda: "a connection is closed" in self.fleet.log("origin"), "the origin closes its connection", 60)
        self.publish(2)
        self.fleet("sync", "debian", "--mirror", "m1", "--wait")
        self.assertIn("revokedAt", self.member())
        self.assertEqual(b"release 1", self.served("new"))
        self.assertIsNone(new.poll())
        # Enrolled again, it is back.
        new.kill()
        new.wait()
        self.join(self.token(), home="new")
        self.start("new")
        self.fleet("sync", "debian", "--wait")
        self.assertEqual(b"release 2", self.served("new"))

    def test_a_host_without_coordinator_hears_of_a_revocation(self):
        self.join(self.token())
        self.start()
        self.fleet("sync", "debian", "--wait")
        # m1 reaches its neighbours and no coordinator.
        self.fleet.lab("stop", "m1")
        configuration = self.fleet.host("m1", "agent.yaml")
        with open(configuration) as file:
            text = file.read()
        with open(configuration, "w") as file:
            file.write(re.sub(r'coordinator: "https://[^"]*"', 'coordinator: "https://127.0.1.99:1"', text))
        home = self.fleet.host("m1")
        log = open(os.path.join(home, "agent.log"), "ab")
        self.addCleanup(log.close)
        process = subprocess.Popen([AGENT, "--config", "agent.yaml", "--ready-file", "alone"], cwd=home,
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        wait_until(lambda: os.path.exists(os.path.join(home, "alone")), "m1 runs alone")
        self.fleet("mirror", "revoke", "m9")
        wait_until(lambda: "hosts lost their standing" in self.fleet.log("m1"), "m1 hears of it from a neighbour", 60)

    def test_renewal_without_a_gap(self):
        self.join(self.token())
        library, environment = self.skewed()
        self.set_clock(0)
        self.start(environment=environment)
        self.fleet("sync", "debian", "--wait")
        certificate = os.path.join(self.fleet.scratch("host"), "agent.pem")
        before = os.stat(certificate).st_ino
        self.set_clock(11 * DAY)
        wait_until(lambda: os.stat(certificate).st_ino != before, "the certificate is renewed")
        wait_until(lambda: "certificate renewed" in self.log(), "the agent goes on with it")
        self.set_clock(0)
        self.publish(2)
        self.fleet("sync", "debian", "--wait")
        self.assertEqual(b"release 2", self.served())
        self.assertNotIn("takes no report", self.log())

    def test_twenty_days_without_a_coordinator(self):
        self.join(self.token())
        library, environment = self.skewed()
        self.set_clock(0)
        process = self.start(environment=environment)
        self.fleet("sync", "debian", "--wait")
        # The fleet's clocks go on together: first to just before the renewal is due, then twenty days without anybody.
        for name in ["origin", "m1"]:
            self.fleet.lab("stop", name)
        home = self.fleet.host("origin")
        log = open(os.path.join(home, "agent.log"), "ab")
        self.addCleanup(log.close)
        origin = subprocess.Popen([AGENT, "--config", "agent.yaml", "--ready-file", "skewed"], cwd=home,
                                  stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **environment})
        self.addCleanup(origin.wait)
        self.addCleanup(origin.kill)
        wait_until(lambda: os.path.exists(os.path.join(home, "skewed")), "the origin runs")
        self.fleet.lab("stop", "coordinator")
        for day in range(0, 30, 5):
            self.set_clock(day * DAY)
        self.set_clock(29 * DAY)
        self.publish(2, environment=environment)
        wait_until(lambda: self.served() == b"release 2", "m9 has the next release, from the origin alone")
        self.assertIsNone(process.poll())

    def skewed(self):
        compiler = next(name for name in ["cc", "gcc", "clang"] if shutil.which(name))
        library = os.path.join(self.fleet.scratch("skew"), "skew.so")
        subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library, os.path.join(HERE, "skew.c")], check=True)
        self.shift = os.path.join(self.fleet.folder, "shift")
        return library, {"LD_PRELOAD": library, "SKEW_FILE": self.shift}

    def set_clock(self, seconds):
        """Shifts the clock of what runs with the preloaded library."""
        with contextlib.closing(os.fdopen(os.open(self.shift, os.O_RDWR | os.O_CREAT, 0o600), "r+b")) as file:
            file.write(struct.pack("q", seconds))
