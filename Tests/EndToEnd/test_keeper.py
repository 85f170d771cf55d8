"""Two origins, one keeper: a set's origin need not be the host that signs what the newest state is."""
import os

from lab import LabTest, run, write


class Keeper(LabTest):
    mirrors = 2

    def setUp(self):
        super().setUp()
        # m2 becomes the origin of iso; the keeper stays the origin of debian.
        self.fleet.lab("stop", "m2")
        for name in ["agent.pem", "agent.key"]:
            os.unlink(self.fleet.host("m2", name))
        run("keys", "issue", "--dir", os.path.join(self.fleet.path, "keys"), "origin", "m2", "--out",
            self.fleet.host("m2"))
        config = self.fleet.host("m2", "agent.yaml")
        with open(config) as file:
            text = file.read()
        with open(config, "w") as file:
            file.write(text.replace("role: mirror", "role: origin") + "publish_from: [/]\n")
        self.fleet.reconfigure(
            ("trust: {folder: trust}", "trust: {folder: trust, keeper: origin}"),
            ("{name: debian, origin: origin, replicas: 2}", "{name: debian, origin: origin, replicas: 1}"),
            ("{name: iso, origin: origin, replicas: 2}", "{name: iso, origin: m2, replicas: 1}"),
            ("{name: origin, role: origin,", "{name: origin, role: origin, sets: [debian],"),
            ("{name: m2,", "{name: m2, role: origin, sets: [iso],"))
        self.fleet.lab("start", "m2")
        self.sources = {name: self.fleet.scratch(name) for name in ["debian", "iso"]}
        for name, source in self.sources.items():
            write(os.path.join(source, "a"), f"{name} one".encode())
            write(os.path.join(source, "b"), f"{name} two".encode())

    def test_releases_and_yanks_of_both_origins_go_by_one_keeper(self):
        for number in range(3):
            for name, source in self.sources.items():
                write(os.path.join(source, "a"), f"{name} {number}".encode())
                self.fleet("publish", name, source)
        self.fleet("sync", "--wait")
        for name, source in self.sources.items():
            self.assertServed(source, set=name, mirrors=["m1"])
        self.fleet("yank", "iso", "b", "--reason", "wrong")
        for host in ["m1", "m2"]:
            self.assertEqual(["a"], os.listdir(self.fleet.served(host, "iso")))
        self.fleet("unyank", "iso", "b")
        self.assertServed(self.sources["iso"], set="iso", mirrors=["m1", "m2"])

    def test_without_the_keeper_nothing_is_signed_and_all_is_served(self):
        self.fleet("publish", "iso", self.sources["iso"])
        self.fleet("sync", "--wait")
        self.fleet.lab("kill", "origin")
        write(os.path.join(self.sources["iso"], "a"), b"iso three")
        refused = self.fleet("publish", "iso", self.sources["iso"], expect=5)
        self.assertIn("the agent of origin cannot be reached", refused.err)
        self.fleet.lab("start", "origin")
        self.fleet("publish", "iso", self.sources["iso"])
        self.fleet("sync", "iso", "--wait")
        self.assertServed(self.sources["iso"], set="iso", mirrors=["m1"])
