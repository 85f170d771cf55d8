"""The rules of docs/guides/firewall.md in front of the hosts of a lab: what must pass passes, what must not does
not."""
import json
import os
import re
import subprocess

import namespaces
from lab import Lab, LabTest, wait_until, write
from network import missing
from test_guide import TREE, blocks

GUIDE = os.path.join(TREE, "docs", "guides", "firewall.md")
COORDINATOR_PORT, AGENT_PORT = 7443, 7444
CALL = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2]))); print('through')"


class FirewallGuide(LabTest):
    """The lab's m1 is the guide's fra1, m2 the other mirror; m3 is a host that neither the guide nor its rules name."""

    def setUp(self):
        if reason := namespaces.missing() or missing():
            self.skipTest(reason)
        self.prefix = f"f{os.getpid() % 10_000_000}"
        self.addCleanup(self.remove_namespaces)
        self.fleet = Lab(3, ["--netns", "--netns-prefix", self.prefix])
        self.addCleanup(self.close)
        links = json.loads(subprocess.run(["ip", "-j", "addr", "show", f"{self.prefix}-root"], check=True,
                                          capture_output=True).stdout)
        self.operator = next(each["local"] for each in links[0]["addr_info"] if each["family"] == "inet")
        self.subnet = self.operator.rpartition(".")[0]
        with open(GUIDE) as file:
            self.guide = file.read()
        self.rules = next(content for language, _, content in blocks(self.guide) if language == "nft")

    def remove_namespaces(self):
        for name in namespaces.names(self.prefix):
            subprocess.run(["ip", "netns", "delete", name], check=True)

    def command(self, host, *words):
        """A command in the network of a host; of the operator's machine, which is this one, with None."""
        return ["ip", "netns", "exec", f"{self.prefix}-{host}", *words] if host else list(words)

    def on(self, host, *words):
        done = subprocess.run(self.command(host, *words), stdin=subprocess.DEVNULL, capture_output=True, text=True)
        self.assertEqual(0, done.returncode, f"{words}\n{done.stderr}")
        return done.stdout

    def load(self, host, rules):
        """Does on a host what the guide says, with the addresses of the lab."""
        name = re.search(r"# (\S+)\n", rules)[1]
        place = os.path.join(self.fleet.scratch(f"etc-{host}"), os.path.basename(name))
        text = rules.replace("192.0.2.", self.subnet + ".").replace("198.51.100.0/24", self.operator)
        write(place, text.encode())
        commands = next(content for language, _, content in blocks(self.guide) if not language).splitlines()
        self.assertEqual(2, len(commands))
        for _ in range(2):  # "the same however often it is loaded"
            for line in commands:
                shown = self.on(host, *line.replace(name, place).split())
        self.assertEqual(1, shown.count("counter packets"), shown)

    def dropped(self, host):
        """How many packets the rules of a host have dropped."""
        return int(re.search(r"counter packets (\d+)", self.on(host, "nft", "list", "table", "inet", "mirrorfleet"))[1])

    def address(self, host):
        return self.fleet.address(host).rpartition(":")[0]

    def assertPasses(self, caller, host, port):
        done = subprocess.run(self.command(caller, "python3", "-c", CALL, self.address(host), str(port)), timeout=30,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        self.assertIn("through", done.stdout, f"{caller} must reach {host}, port {port}: {done.stderr}")

    def assertDropped(self, caller, host, port):
        """The caller asks twice, as nobody has answered the first time, and goes on asking."""
        before = self.dropped(host)
        call = subprocess.Popen(self.command(caller, "python3", "-c", CALL, self.address(host), str(port)),
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        try:
            wait_until(lambda: self.dropped(host) >= before + 2, f"what {caller} sends to {host} is dropped")
            asking = self.on(caller, "ss", "-Htn", "state", "syn-sent", "dst", f"{self.address(host)}:{port}")
            self.assertNotEqual("", asking, f"{caller} must not reach {host}, port {port}")
        finally:
            call.kill()
            call.communicate()

    def release(self, number):
        source = self.fleet.scratch("source")
        write(os.path.join(source, "file"), os.urandom(100_000) + b"%d" % number)
        self.fleet("publish", "debian", source)
        self.fleet("sync", "debian", "--wait")
        self.assertServed(source)

    def test_the_rules_of_the_guide(self):
        self.release(1)
        self.load("m1", self.rules)
        elements = re.findall(r"elements = \{[^}]*\}", self.guide)
        self.assertEqual(2, len(elements))
        self.load("coordinator", self.rules.replace(*elements).replace(str(AGENT_PORT), str(COORDINATOR_PORT)))
        web = subprocess.Popen(
            self.command("m1", "python3", "-m", "http.server", "80", "--directory", self.fleet.host("m1", "srv")),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(web.wait)
        self.addCleanup(web.kill)
        wait_until(lambda: "LISTEN" in self.on("m1", "ss", "-Hltn", "sport = :80"), "a web server is on m1")

        for caller in ["origin", "m2", None, "m1"]:
            self.assertPasses(caller, "m1", AGENT_PORT)
        for caller in ["coordinator", "m3"]:
            self.assertDropped(caller, "m1", AGENT_PORT)
        for caller in ["origin", "m1", "m2", None]:
            self.assertPasses(caller, "coordinator", COORDINATOR_PORT)
        self.assertDropped("m3", "coordinator", COORDINATOR_PORT)
        for caller in ["m3", "coordinator", None]:
            self.assertPasses(caller, "m1", 80)

        # The fleet works behind them, once they name all of its hosts at the coordinator.
        named = elements[1].replace("192.0.2.12,", "192.0.2.12, 192.0.2.13,")
        self.load("coordinator",
                  self.rules.replace(elements[0], named).replace(str(AGENT_PORT), str(COORDINATOR_PORT)))
        self.release(2)
        self.assertIn("m1: ok", self.fleet("verify", "m1").out)
        # "A host that cannot be called can still fetch."
        self.load("m3", re.sub(r"elements = .*", "", self.rules))
        self.assertDropped("origin", "m3", AGENT_PORT)
        self.release(3)


if __name__ == "__main__":
    import unittest
    unittest.main()
