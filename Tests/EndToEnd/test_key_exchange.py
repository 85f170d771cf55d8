"""`kyber1024: true`: the group that is agreed on between hosts, as status shows it."""
import os

from lab import LabTest, write


class KeyExchange(LabTest):
    mirrors = 2

    def require(self, *hosts):
        """Lets exactly these hosts require ML-KEM-1024."""
        for name in ["origin", *self.fleet.mirrors]:
            path = self.fleet.host(name, "agent.yaml")
            with open(path) as file:
                text = file.read().replace("  kyber1024: true\n", "")
            if name in hosts:
                self.assertIn("tls:\n", text)
                text = text.replace("tls:\n", "tls:\n  kyber1024: true\n", 1)
            with open(path, "w") as file:
                file.write(text)
        names = ["origin", *self.fleet.mirrors]
        self.fleet.lab("stop", *names)
        self.fleet.lab("start", *names)

    def groups(self, number):
        """Publishes and syncs; the groups of the mirrors' connections."""
        source = self.fleet.scratch("source")
        write(os.path.join(source, f"file-{number}"), os.urandom(200_000))
        self.fleet("publish", "debian", source)
        self.fleet("sync", "debian", "--wait")
        self.assertServed(source)
        return [self.fleet.mirror(name)["keyExchange"] for name in self.fleet.mirrors]

    def test_who_requires_mlkem1024_gets_it(self):
        self.assertEqual(self.groups(1), ["X25519MLKEM768"] * 2)
        # One that requires it, and an origin that does not.
        self.require("m1")
        m1, _ = self.groups(2)
        self.assertIn("MLKEM1024", m1.split(","))
        self.assertNotIn("X25519MLKEM768", m1)
        self.require("origin", "m1", "m2")
        self.assertEqual(self.groups(3), ["MLKEM1024"] * 2)
        # Commands of an operator go by what the host requires, and by it alone if fleet.yaml says so.
        self.require()
        self.fleet.reconfigure(("trust: {folder: trust}", "trust: {folder: trust, kyber1024: true}"))
        self.assertEqual(self.groups(4), ["X25519MLKEM768"] * 2)
