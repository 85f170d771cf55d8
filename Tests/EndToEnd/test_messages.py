"""What fleetctl says when something is wrong, and its exit codes."""
import os
import pty
import shutil
import subprocess
import tempfile
import unittest

from lab import BIN, FLEETCTL, Lab, run, write

USAGE, BAD_FILE, TRY_AGAIN, REFUSED, SOME_FAILED, CHANGES = 64, 78, 5, 4, 3, 2
COMMANDS = [
    ["publish"], ["plan"], ["sync"], ["status"], ["check"], ["verify"], ["release"], ["release", "list"],
    ["release", "show"], ["release", "diff"], ["validate"], ["keys"], ["keys", "init"], ["keys", "issue"],
    ["coordinator"], ["coordinator", "new-term"], ["lab"],
    ["lab", "up"], ["lab", "stop"], ["lab", "kill"], ["lab", "start"], ["lab", "down"],
]


class WithoutFleetTest(unittest.TestCase):
    """Wrong input that is found before any host is asked."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="fleet-e2e-messages-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def assertSays(self, arguments, code, *words):
        done = run(*arguments, expect=code, environment={"FLEET_FILE": ""})
        self.assertEqual("", done.out, done)
        for word in words:
            self.assertIn(word, done.err)
        return done

    def test_every_command_has_help_and_the_top_has_examples(self):
        for command in COMMANDS:
            done = run(*command, "--help")
            self.assertIn("USAGE: fleetctl " + " ".join(command), done.out)
            self.assertEqual("", done.err)
            self.assertIn("EXAMPLES\n  fleetctl ", done.out, command)
        self.assertIn("EXIT CODES", run("--help").out)

    def test_a_command_that_is_not_there(self):
        self.assertSays(["stat"], USAGE, 'no command "stat"', "did you mean fleetctl status?")
        self.assertSays(["nonsense"], USAGE, "its commands are: publish, fetch, yank, unyank, plan, sync")
        self.assertSays(["-f", "x.yaml"], USAGE, "which command?")
        self.assertSays(["-f", "x.yaml", "release"], USAGE, "list, show, diff")
        self.assertSays(["lab", "boot"], USAGE, "up, stop, kill, start, down")

    def test_arguments_that_are_missing_or_wrong(self):
        # What the parser says is said as every other error is.
        said = self.assertSays(["publish"], USAGE, "<set>").err.splitlines()
        self.assertEqual("error: Missing expected argument '<set>'", said[0])
        self.assertEqual("hint: fleetctl publish --help says more", said[-1])
        for command in [["status", "--nonsense"], ["lab", "up", "--dir", "x", "--mirrors", "0"], ["verify", "--proof", "a"]]:
            said = self.assertSays(command, USAGE).err.splitlines()
            path = " ".join(command[:2] if command[0] == "lab" else command[:1])
            self.assertTrue(said[0].startswith("error: "), said)
            self.assertEqual(f"hint: fleetctl {path} --help says more", said[-1])
        self.assertSays(["lab", "up"], USAGE, "--dir")
        self.assertSays(["lab", "up", "--dir", self.path("x"), "--mirrors", "0"], USAGE, "1 to 100")
        self.assertSays(["sync", "--wait", "--timeout", "10"], USAGE, "with a unit")
        self.assertSays(["sync", "-o", "xml"], USAGE, "'table' and 'json'")
        self.assertSays(["release", "show", "debian", "one"], USAGE, "'one'")
        self.assertSays(["verify", "--proof", "a"], USAGE, "MIRROR and --set SET")
        self.assertSays(["status", "-f", os.fsdecode(b"\xff.yaml")], USAGE, r"\xff.yaml is not UTF-8")
        for command in [["lab", "up"], ["lab", "down", "--purge"]]:
            self.assertSays([*command, "--dir", ""], USAGE, "an empty text")
        self.assertSays(["verify", "m1", "--set", "debian", "--proof", "../a"], USAGE, "below the top")

    def test_a_fleet_file_that_is_not_there_or_wrong(self):
        for command in [["status"], ["plan"], ["sync"], ["verify"], ["release", "list"], ["publish", "a", "/"]]:
            self.assertSays(["-f", self.path("none.yaml"), *command], BAD_FILE, "none.yaml", "No such file", "-f FILE")
            self.assertSays(command, BAD_FILE, "/etc/mirrorfleet/fleet.yaml", "FLEET_FILE")
        bad = self.path("bad.yaml")
        write(bad, b"apiVersion: fleet/v1\nname: x\ncolour: red\n")
        for command in [["validate", bad], ["-f", bad, "status"]]:
            done = self.assertSays(command, BAD_FILE, f'{bad}:3:1: unknown key "colour"')
            for line in done.err.splitlines():
                self.assertTrue(line.startswith(bad + ":"), f"for editors a line begins with its place: {line}")
        write(bad, b"sets: [\n")
        self.assertSays(["validate", bad], BAD_FILE, f"{bad}:2:1: not valid YAML")

    def test_check_says_unknown_on_one_line(self):
        bad = self.path("bad.yaml")
        write(bad, b"name: x\n")
        for file in [bad, self.path("none.yaml")]:
            done = run("-f", file, "check", expect=3)
            self.assertRegex(done.out, r"\AFLEET UNKNOWN - [^\n]+\n\Z")

    def test_keys(self):
        keys = self.path("keys")
        self.assertSays(["keys", "init", "--dir", keys, "--fleet", "No Name"], USAGE, "a-z, 0-9 and -")
        self.assertFalse(os.path.exists(keys))
        run("keys", "init", "--dir", keys, "--fleet", "x")
        self.assertSays(["keys", "init", "--dir", keys, "--fleet", "x"], 1, "exists already", "hint:")
        out = self.path("out")
        self.assertSays(["keys", "issue", "--dir", keys, "agent", "no name", "--out", out], USAGE, '"no name"')
        self.assertSays(["keys", "issue", "--dir", keys, "king", "a", "--out", out], USAGE, "'agent', 'origin'")
        self.assertSays(["keys", "issue", "--dir", keys, "agent", "a", "--out", out, "--days", "0"], USAGE, "1 to 3650")
        self.assertSays(
            ["keys", "issue", "--dir", self.path("none"), "agent", "a", "--out", out], 1, "authority.pem", "hint:")

    def test_labs_and_proofs_that_are_not_there(self):
        for command in [["down"], ["start"], ["stop", "m1"], ["kill", "m1"]]:
            self.assertSays(["lab", command[0], "--dir", self.path("none"), *command[1:]], 1, "no lab at", "lab up")
        self.assertSays(["lab", "down", "--dir", self.path("my lab")], 1, f"lab up --dir '{self.path('my lab')}' ")
        write(self.path("full/file"), b"")
        self.assertSays(["lab", "up", "--dir", self.path("full")], REFUSED, "is not empty")
        self.assertSays(["verify", "--proof-file", self.path("none")], 1, "No such file")
        write(self.path("proof"), b"nothing\n")
        self.assertSays(["verify", "--proof-file", self.path("proof")], 1, "the proof does not hold")

    def test_colour_only_on_a_terminal_that_wants_it(self):
        def on_terminal(**environment):
            master, slave = pty.openpty()
            done = subprocess.run(
                [FLEETCTL, "-f", self.path("none.yaml"), "status"], stdin=subprocess.DEVNULL, stdout=slave, stderr=slave,
                env={**{k: v for k, v in os.environ.items() if k != "NO_COLOR"}, "TERM": "xterm", **environment})
            os.close(slave)
            text = os.read(master, 65536).decode()
            os.close(master)
            self.assertEqual(BAD_FILE, done.returncode)
            self.assertIn("none.yaml", text)
            return text

        self.assertIn("\x1b[31merror", on_terminal())
        self.assertNotIn("\x1b", on_terminal(NO_COLOR="1"))
        self.assertNotIn("\x1b", on_terminal(TERM="dumb"))
        self.assertNotIn("\x1b", run("-f", self.path("none.yaml"), "status", expect=BAD_FILE).err)


class WithFleetTest(unittest.TestCase):
    """What a fleet of an origin and one mirror answers."""

    @classmethod
    def setUpClass(cls):
        cls.fleet = Lab(1)
        cls.addClassCleanup(cls.fleet.close)
        cls.source = cls.fleet.scratch("source")
        write(os.path.join(cls.source, "a"), b"a" * 1000)

    def assertSays(self, arguments, code, *words, where=None):
        done = run("-f", where or self.fleet.fleet, *arguments, expect=code)
        for word in words:
            self.assertIn(word, done.err)
        return done

    def test_names_that_the_fleet_does_not_have(self):
        for command in [["publish", "no", "/"], ["plan", "no"], ["sync", "no"], ["verify", "m1", "--set", "no"],
                        ["release", "list", "no"], ["release", "show", "no", "1"], ["release", "diff", "no", "1", "2"]]:
            self.assertSays(command, USAGE, 'no set "no"', "its sets are: debian, iso")
        for command in [["plan", "--mirror", "no"], ["sync", "--mirror", "no"], ["verify", "no"]]:
            self.assertSays(command, USAGE, 'no mirror "no"', "its hosts are: origin, m1")
        self.assertSays(["release", "show", "debian", "99"], 1, "debian has no release 99", "release list")
        self.assertSays(["release", "diff", "debian", "98", "99"], 1, "origin does not hold release 98 of debian")
        done = run("lab", "stop", "--dir", self.fleet.path, "no", expect=USAGE)
        self.assertIn("its hosts are: coordinator, origin, m1", done.err)
        done = run("lab", "up", "--dir", self.fleet.path, expect=REFUSED)
        self.assertIn("lab start", done.err)

    def test_sources_that_cannot_be_published(self):
        self.assertSays(["publish", "debian"], USAGE, "no directory given", "hint:")
        self.assertSays(["publish", "debian", "/no/such"], 1, "/no/such: No such file", "hint:")
        self.assertSays(["publish", "debian", "--import", "/no/such"], 1, 'such": No such file',
                        "hint: give the file that was signed", "publish SET --request FILE")
        self.assertSays(["publish", "debian", "/etc/passwd"], 1, "not a directory")
        self.assertSays(["publish", "debian", ""], USAGE, "an empty text")
        store = self.fleet.host("origin", "srv", ".store")
        for source in [self.fleet.path, self.fleet.host("origin", "srv"), store, os.path.join(store, "blobs")]:
            self.assertSays(["publish", "debian", source], REFUSED, "lie in one another", "hint:")
        escaping = self.fleet.scratch("escaping")
        if not os.path.lexists(os.path.join(escaping, "link")):
            os.symlink("/etc/passwd", os.path.join(escaping, "link"))
        self.assertSays(["publish", "debian", escaping], REFUSED, "link", "leaves the set")

    def test_a_file_that_the_agent_may_not_read_is_named(self):
        source = self.fleet.scratch("unreadable")
        write(os.path.join(source, "secret"), b"x", mode=0)
        self.fleet.lab("stop", "origin")
        # Root reads everything: an agent of root gives up that right.
        less = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
        subprocess.run([*less, FLEETCTL, "lab", "start", "--dir", self.fleet.path, "origin"], check=True,
                       stdin=subprocess.DEVNULL, timeout=60)
        self.assertSays(["publish", "debian", source], 1, 'origin: cannot open ', 'secret": Permission denied',
                        "as which user this program runs")

    def test_a_file_that_cannot_be_made_says_what_is_with_its_folder(self):
        away, locked = os.path.join(self.fleet.folder, "nowhere"), self.fleet.scratch("locked")
        write(os.path.join(locked, "file"), b"")
        for folder, words in [(away, f"the folder {away} is not there: make it"),
                              (f"{locked}/file", f"{locked}/file is no folder")]:
            for command in [["publish", "debian", self.source, "--request"], ["mirror", "enrol", "m1", "--out"]]:
                said = self.assertSays([*command, f"{folder}/made"], 1, f"{folder}/made: cannot be created", words)
                self.assertNotIn("enrolled", said.err)
        os.chmod(locked, 0o555)
        less = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
        done = subprocess.run(
            [*less, FLEETCTL, "-f", self.fleet.fleet, "publish", "debian", self.source, "--request", f"{locked}/made"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        self.assertEqual(1, done.returncode, done)
        self.assertIn(f"hint: this user may not write in the folder {locked}", done.stderr)

    def test_data_that_cannot_be_written_is_no_success(self):
        for command, code in [(["status"], 1), (["release", "list"], 1), (["status", "-o", "json"], 1), (["check"], 3)]:
            with open("/dev/full", "w") as full:
                done = subprocess.run([FLEETCTL, "-f", self.fleet.fleet, *command], stdin=subprocess.DEVNULL,
                                      stdout=full, stderr=subprocess.PIPE, text=True)
            self.assertEqual(code, done.returncode, command)
            self.assertIn("cannot write to standard output: No space left on device", done.stderr)

    def test_an_address_in_use_is_named(self):
        home = self.fleet.host("m1")
        with open(os.path.join(home, "agent.yaml")) as file:
            text = file.read().replace("data: srv\n", f"data: {self.fleet.scratch('second')}\n")
        second = os.path.join(home, "second.yaml")
        write(second, text.encode())
        done = subprocess.run([os.path.join(BIN, "fleet-agent"), "--config", second], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(1, done.returncode)
        self.assertRegex(done.stderr.splitlines()[-1], r"^fleet-agent: cannot listen at \S+, port \d+: "
                         "address already in use: is another program there, and is `listen` in agent.yaml ")

    def test_check_takes_limits_of_lag(self):
        self.assertIn("lag_max=0s;3600;14400;0 ", self.fleet("check", "-w", "1h", "-c", "4h", expect=None).out)
        self.assertRegex(self.fleet("check", "-w", "9", expect=3).out, r"\AFLEET UNKNOWN - [^\n]+'9'[^\n]+\n\Z")

    def test_a_plan_says_bytes_sources_and_reasons(self):
        self.fleet("publish", "debian", self.source)
        done = self.fleet("plan", "--detailed-exitcode", expect=CHANGES)
        self.assertIn("m1 debian: sync to 1, about 1.0 kB from origin\n    first-release: ", done.out)
        self.assertIn("m1 iso: nothing\n    no-release: ", done.out)
        done = self.fleet("sync", "--wait")
        self.assertRegex(done.out, r"m1 +debian +1 +done")
        self.assertNotIn("\x1b", done.err)
        self.assertIn("m1 debian  serves release 1", done.err, "a plain line where there is no terminal")
        self.fleet("plan", "--detailed-exitcode")

    def test_keys_that_cannot_be_used(self):
        copy = self.fleet.scratch("copy")
        shutil.copytree(os.path.join(self.fleet.path, "keys"), os.path.join(copy, "keys"))
        shutil.copytree(os.path.join(self.fleet.path, "trust"), os.path.join(copy, "trust"))
        shutil.copy(self.fleet.fleet, copy)
        fleet = os.path.join(copy, "fleet.yaml")
        publisher = os.path.join(copy, "trust", "keys", "set-debian.key")
        os.chmod(publisher, 0o644)
        self.assertSays(["publish", "debian", self.source], 1, "set-debian.key", "chmod 600", where=fleet)
        os.chmod(publisher, 0o600)
        write(publisher, b"nonsense\n")
        self.assertSays(["publish", "debian", self.source], 1, "set-debian.key", "is no key file", where=fleet)
        os.unlink(publisher)
        self.assertSays(["publish", "debian", self.source], 4, "0 of theirs are on this machine", "--key", where=fleet)
        os.unlink(os.path.join(copy, "keys", "operator.key"))
        for command in [["status"], ["verify", "m1"]]:
            self.assertSays(command, 1, "operator.key", "hint:", where=fleet)
        other = self.fleet.scratch("other")
        run("keys", "init", "--dir", other, "--fleet", "lab")
        for name in ["operator.pem", "operator.key"]:
            shutil.copy(os.path.join(other, name), os.path.join(copy, "keys", name))
        for command in [["status"], ["verify", "m1"]]:
            self.assertSays(command, 1, "hint:", where=fleet)


class AwayTest(unittest.TestCase):
    """Hosts that do not answer."""

    def setUp(self):
        self.fleet = Lab(2)
        self.addCleanup(self.fleet.close)
        self.source = self.fleet.scratch("source")
        write(os.path.join(self.source, "a"), b"a")

    def test_hosts_that_are_away(self):
        self.fleet("publish", "debian", self.source)
        self.fleet("sync", "--wait")
        self.fleet.lab("kill", "m1")
        self.assertIn("the agent of m1 cannot be reached", self.fleet("verify", "m1", expect=TRY_AGAIN).err)
        done = self.fleet("verify", expect=SOME_FAILED)
        self.assertIn("m1: the agent of m1 cannot be reached", done.err)
        self.assertRegex(done.out, r"origin: ok.*\nm2: ok")
        self.assertIn("no fresh report from m1", self.fleet("plan").err)
        done = self.fleet("sync", "--wait", "--timeout", "3s", expect=SOME_FAILED)
        self.assertRegex(done.out, r"m1 +debian +1 +failed")
        self.assertIn("1 of 2 mirrors", done.out)
        self.fleet.lab("start", "m1")
        self.fleet.lab("kill", "origin")
        write(os.path.join(self.source, "b"), b"b")
        done = self.fleet("publish", "debian", self.source, expect=TRY_AGAIN)
        self.assertRegex(done.err, r"origin cannot be reached: 127\.0\.1\.2, port \d+: connection refused\nhint: ")
        done = self.fleet("sync", "--wait", "--timeout", "60s")
        self.assertIn("2 of 2 mirrors", done.out, "an origin that is away is no mirror that failed")
        self.fleet.lab("kill", "coordinator")
        for command in [["status"], ["plan"], ["sync", "--wait"], ["release", "list"]]:
            done = self.fleet(*command, expect=TRY_AGAIN)
            self.assertRegex(done.err, r"error: the coordinator at \S+ cannot be reached: connection refused\nhint: ")
        self.assertIn("FLEET UNKNOWN - the coordinator", self.fleet("check", expect=3).out)


if __name__ == "__main__":
    unittest.main()
