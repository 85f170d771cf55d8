"""The guide docs/guides/coordinator-lost.md, word by word, on hosts with systemd: the coordinator is away, and an empty host
takes its place. What a backup brings back is tested by test_backup."""
import shutil
import unittest

from deployment import COORDINATOR, GUIDE_MIRRORS, ORIGIN, Deployment, guide, lines
from lab import LONG, wait_until, write


@unittest.skipUnless(LONG, "takes five minutes; test_coordinator_lost and test_backup do the same in a lab: --long")
class LostCoordinatorGuide(Deployment):
    mirrors, added = GUIDE_MIRRORS, []

    def test_the_coordinator_is_away_and_its_disk_is_gone(self):
        self.at = self.plays
        self.type(lines(guide("ansible.md", "4. "))[2])
        self.publish(5)
        name, number = "coordinator-lost.md", self.hosts[ORIGIN].path("/srv/origin/debian/number")
        self.hosts[COORDINATOR].run("systemctl", "stop", "fleet-coordinator")
        write(number, b"without it")
        self.sign("publish", "debian")
        wait_until(lambda: self.served("fra1") == "without it", "fra1 serves what comes while the coordinator is away")
        self.hosts[COORDINATOR].run("systemctl", "start", "fleet-coordinator")
        self.publish(6)

        self.lose_coordinator()
        self.follow(guide(name, "Its disk is gone"))
        self.publish(8)
        self.assertEqual("8", self.served("fra1"))
        old = self.issuing_certificate()
        self.play("rotate-certificates.* --limit fleet_coordinators", page=name)
        self.assertNotEqual(old, self.issuing_certificate())

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
