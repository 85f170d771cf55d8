"""What binds every host of a set is signed: removals, who may fetch it."""
import os
import signal

from lab import LabTest, run, signal_host, wait_until, write


class Policy(LabTest):
    mirrors = 2

    def setUp(self):
        super().setUp()
        self.source = self.fleet.scratch("source")
        for index in range(10):
            write(os.path.join(self.source, f"file-{index}"), os.urandom(2_000))

    def test_hosts_go_by_what_is_signed_and_not_by_fleet_yaml(self):
        self.fleet("publish", "debian", self.source)
        self.fleet("sync", "debian", "--wait")
        # fleet.yaml alone binds nobody: what it wants is signed with `trust policy`.
        self.fleet.reconfigure(("name: debian, origin", "name: debian, max_delete: 5%, origin"))
        os.unlink(os.path.join(self.source, "file-0"))
        self.fleet("publish", "debian", self.source)
        signed = self.fleet("trust", "policy")
        self.assertIn("+ max_delete: 5%", signed.err)
        self.assertIn("signed", signed.out)
        self.assertIn("it is signed already", self.fleet("trust", "policy", "debian").out)
        shown = self.fleet("trust", "show", "-o", "json").json
        self.assertEqual([(p["set"], p["maxDelete"]) for p in shown["policies"]], [("debian", 5)])
        self.assertIn("policy of debian: max_delete 5%", self.fleet("trust", "show").out)
        # The origin has it from now on, and so has a mirror that meets release 2.
        os.unlink(os.path.join(self.source, "file-1"))
        refused = self.fleet("publish", "debian", self.source, expect=4)
        self.assertIn("removes 1 of 9 files (11.1 %), max_delete is 5 %", refused.err)
        refused = self.fleet("sync", "debian", "--wait", expect=3)
        self.assertIn("removes 1 of 10 files (10 %), max_delete is 5 %", refused.out + refused.err)
        # A wider rule that agent.yaml has narrowed stays narrow; taken away, hosts do what they do by themselves.
        self.fleet("trust", "policy", "debian", "--max-delete", "none", "--max-shrink", "90%")
        self.fleet("sync", "debian", "--wait")
        self.assertIn("no percentage", self.fleet("trust", "policy", "debian", "--max-delete", "5", expect=64).err)

    def test_who_may_fetch_a_set_is_signed(self):
        self.fleet("trust", "policy", "debian", "--fetch", "mirror=m1")
        self.assertIn(
            "policy of debian: fetch mirror=m1,origin", self.fleet("trust", "show").out)
        self.fleet("publish", "debian", self.source)
        refused = self.fleet("sync", "debian", "--wait", "--timeout", "60s", expect=3)
        self.assertIn("m2", refused.out + refused.err)
        self.assertServed(self.source, mirrors=["m1"])
        self.assertFalse(os.path.exists(self.fleet.host("m2", "srv", "debian")))
        # Whoever plans, or asks without a plan: the hosts themselves refuse.
        looked = run("-f", self.reader(), "fetch", "debian", "--to", self.fleet.scratch("copy"), expect=None)
        self.assertNotEqual(0, looked.code)
        self.assertIn("the signed policy of debian does not let looker fetch it", looked.out + looked.err)
        self.fleet("trust", "policy", "debian", "--fetch", "mirror=m1,m2")
        self.fleet("sync", "debian", "--wait")
        self.assertServed(self.source)
        self.fleet("trust", "policy", "debian", "--fetch", "mirror=nowhere", expect=64)
        self.fleet("trust", "policy", "debian", "--fetch", "region=nowhere", expect=64)
        # Who may no more fetch still hears of yanks.
        self.fleet("trust", "policy", "debian", "--fetch", "mirror=m1")
        self.fleet("yank", "debian", "file-3", "--reason", "test")
        gone = self.fleet.host("m2", "srv", "debian", "file-3")
        wait_until(lambda: not os.path.exists(gone), "m2 serves nothing more of it")

    def lets_fetch(self, host, names):
        """Writes who may fetch debian from `host` into its agent.yaml, and has it read that."""
        path = self.fleet.host(host, "agent.yaml")
        with open(path) as file:
            lines = [line for line in file.read().splitlines() if not line.startswith("  fetch:")]
        place = next(number for number, line in enumerate(lines) if line.startswith("  root:")) + 1
        with open(path, "w") as file:
            file.write("\n".join(lines[:place] + [f"  fetch: {{debian: {names}}}"] + lines[place:]) + "\n")
        since = len(self.fleet.log(host))
        signal_host(self.fleet, host, signal.SIGHUP)
        wait_until(lambda: "trust.fetch" in self.fleet.log(host)[since:], f"{host} goes by its file")

    def test_a_host_narrows_who_may_fetch_from_it_and_never_widens(self):
        self.fleet("publish", "debian", self.source)
        self.lets_fetch("origin", "[m1]")
        self.fleet("sync", "debian", "--mirror", "m1", "--wait")
        # m2 is planned to fetch from the origin, too, which refuses it; m1 lets it.
        self.fleet("sync", "debian", "--wait", "--timeout", "30s")
        self.assertServed(self.source)
        write(os.path.join(self.source, "file-0"), b"two")
        self.fleet("publish", "debian", self.source)
        self.lets_fetch("m1", "[]")
        refused = self.fleet("sync", "debian", "--wait", "--timeout", "30s", expect=3)
        self.assertIn("does not let m2 fetch debian from it: `trust.fetch` in its agent.yaml", refused.out + refused.err)
        self.assertServed(self.source, mirrors=["m1"])
        # The list of the host and the signed one both count.
        self.fleet("trust", "policy", "debian", "--fetch", "mirror=m1")
        self.lets_fetch("origin", "[m1, m2, looker]")
        looked = run("-f", self.reader(), "fetch", "debian", "--to", self.fleet.scratch("copy"), expect=None)
        self.assertNotEqual(0, looked.code)
        self.assertIn("the signed policy of debian does not let looker fetch it", looked.out + looked.err)
        self.fleet("trust", "policy", "debian", "--fetch", "none")
        self.fleet("sync", "debian", "--wait")
        self.assertServed(self.source)
