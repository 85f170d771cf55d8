"""The guide docs/guides/coordinator-lost.md, word by word, on hosts with systemd: the coordinator is away, an empty host
takes its place, a backup comes back there, and another host under another address goes on."""
import json
import shutil
import unittest

from deployment import COORDINATOR, GUIDE_MIRRORS, ORIGIN, Deployment, guide, inline, lines
from lab import LONG, wait_until, write
from test_guide import blocks

NAME = "coordinator-lost.md"
# A host where the coordinator has never been.
ELSEWHERE = "coord2"
BACKUP = "/var/backups/fleet"


@unittest.skipUnless(LONG, "takes ten minutes; test_coordinator_lost and test_guide do much of it in folders: --long")
class LostCoordinatorGuide(Deployment):
    mirrors, added = GUIDE_MIRRORS, [ELSEWHERE]

    def setUp(self):
        super().setUp()
        self.at = self.plays
        self.type(lines(guide("ansible.md", "4. "))[2])
        self.publish(5)

    def test_the_coordinator_is_away_and_its_disk_is_gone(self):
        number = self.hosts[ORIGIN].path("/srv/origin/debian/number")
        self.hosts[COORDINATOR].run("systemctl", "stop", "fleet-coordinator")
        write(number, b"without it")
        self.sign("publish", "debian")
        wait_until(lambda: self.served("fra1") == "without it", "fra1 serves what comes while the coordinator is away")
        self.hosts[COORDINATOR].run("systemctl", "start", "fleet-coordinator")
        self.publish(6)

        self.lose_coordinator()
        self.follow(guide(NAME, "Its disk is gone"))
        self.publish(8)
        self.assertEqual("8", self.served("fra1"))
        old = self.issuing_certificate()
        self.play("rotate-certificates.* --limit fleet_coordinators", page=NAME)
        self.assertNotEqual(old, self.issuing_certificate())

    def test_a_backup_comes_back_and_the_address_changes(self):
        take, put_back = (content for _, _, content in blocks(guide(NAME, "With a backup")))
        set_up, new_term = ("```\n" + content + "```\n" for _, _, content in blocks(guide(NAME, "Its disk is gone")))
        self.fleetctl("mirror", "limit", "fra1", "--up", "50MB", "--reason", "thin line")
        host = self.hosts[COORDINATOR]
        self.install_fleetctl(COORDINATOR)
        for line in take.splitlines():
            self.type_on(COORDINATOR, line)
        with open(host.path(BACKUP), "rb") as file:
            backup = file.read()
        # Plans that the backup does not know.
        self.publish(6)
        self.lose_coordinator()
        self.follow(set_up)
        self.install_fleetctl(COORDINATOR)
        self.hosts[COORDINATOR].write(BACKUP, backup, 0o600)
        for line in put_back.splitlines():
            self.type_on(COORDINATOR, line)
        self.wait_for_reports()
        self.follow(new_term, goes_on=True)
        self.assertIn("limited to 50.0 MB/s up", self.fleetctl("mirror", "show", "fra1"))
        self.publish(7)
        self.assertEqual("7", self.served("fra1"))

        with open(f"{self.desk}/fleet.yaml") as file:
            text = file.read()
        self.assertIn(f"{COORDINATOR}.example.org:7443", text)
        text = text.replace(f"{COORDINATOR}.example.org", f"{ELSEWHERE}.example.org")
        write(f"{self.desk}/fleet.yaml", text.encode())
        self.type_on(COORDINATOR, inline(NAME, "systemctl disable"))
        self.follow(guide(NAME, "Under another address"))
        self.wait_for_reports()
        self.follow(new_term, goes_on=True)
        self.publish(8)
        self.assertEqual("8", self.served("fra1"))

    def wait_for_reports(self):
        """Until the coordinator has heard of every host."""
        wait_until(lambda: all(each["state"] != "unknown" for each in
                               json.loads(self.fleetctl("status", "-o", "json"))["mirrors"]), "every host has reported")

    def issuing_certificate(self):
        return self.hosts[COORDINATOR].run("cat", "/etc/mirrorfleet/issuing.pem")

    def lose_coordinator(self):
        """A bare host is at the coordinator's place."""
        self.hosts.replace(COORDINATOR)
        self.let_in(self.hosts[COORDINATOR])
        self.hosts.boot(COORDINATOR)
        # Connections that SSH keeps open lead to the one before.
        shutil.rmtree(self.environment()["ANSIBLE_SSH_CONTROL_PATH_DIR"])


if __name__ == "__main__":
    unittest.main()
