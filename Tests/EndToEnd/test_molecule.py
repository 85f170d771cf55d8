"""The molecule scenario of ansible/ on hosts with systemd, as the guide runs it: the roles converge, change nothing twice, make
a fleet that works."""
import os
import shutil
import subprocess
import sys
import unittest

from deployment import Deployment, guide
from lab import BIN, LONG

ENVIRONMENT = os.path.join(os.path.realpath(BIN), "..", "..", "molecule-venv")
PACKAGES = ["molecule==26.10.0", "ansible-core>=2.18,<2.20"]


def programs():
    """The folder of the programs of an environment that has molecule; skips the test where it cannot be made."""
    folder = os.path.realpath(os.path.join(ENVIRONMENT, "bin"))
    python = os.path.join(folder, "python")
    steps = [[sys.executable, "-m", "venv", ENVIRONMENT],
             [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *PACKAGES]]
    if os.path.exists(python) and subprocess.run([python, "-c", "import molecule, ansible"]).returncode == 0:
        steps = []
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True)
        if done.returncode != 0:
            raise unittest.SkipTest(f"no molecule: {' '.join(step)} failed: {done.stderr[-300:]}")
    return folder


@unittest.skipUnless(LONG, "takes minutes, and test_deploy converges the same roles: --long")
class MoleculeTest(Deployment):
    def test_the_scenario_converges_changes_nothing_twice_and_verifies(self):
        # pip finds there what the guide asks for, in versions that fit together. No link: `venv` refuses one.
        shutil.copytree(os.path.dirname(programs()), os.path.join(self.work, "molecule-venv"), symlinks=True)
        self.follow(guide("ansible.md", "Try it"))

    def environment(self):
        return {**super().environment(), "HOME": self.hosts.folder,
                "MOLECULE_EPHEMERAL_DIRECTORY": os.path.join(self.hosts.folder, "molecule")}


if __name__ == "__main__":
    unittest.main()
