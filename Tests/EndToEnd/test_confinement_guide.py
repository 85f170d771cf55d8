"""docs/guides/confinement.md: its figure of the unit, and its commands with SELinux's own tools, which label a data directory
by the policy of Debian. No kernel with SELinux is here: what a policy would then allow is not tried. Its profile for AppArmor is
tested by test_apparmor."""
import os
import re
import shutil
import subprocess
import unittest

import hosts
from lab import LONG, write
from test_guide import TREE, blocks

GUIDE = os.path.join(TREE, "docs", "guides", "confinement.md")
UNITS = os.path.join(TREE, "scripts", "packaging", "debian")
TOOLS = ["selinux-policy-default", "policycoreutils", "policycoreutils-python-utils", "selinux-utils"]
CONTEXTS = "/etc/selinux/default/contexts/files/file_contexts"


def text():
    with open(GUIDE) as file:
        return file.read()


class Units(unittest.TestCase):
    def test_the_figure_of_the_unit_is_that_of_systemd(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("no systemd-analyze here")
        unit, figure = re.search(r"`systemd-analyze security ([\w-]+)` says (\d\.\d)", text()).groups()
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager",
                               os.path.join(UNITS, f"{unit}.service")], capture_output=True, text=True)
        self.assertIn(f"Overall exposure level for {unit}.service: {figure} ", done.stdout + done.stderr)


@unittest.skipUnless(LONG, "builds a policy, which takes a minute: --long")
class Labels(unittest.TestCase):
    def test_the_commands_for_selinux_label_the_data_directory(self):
        if reason := hosts.why_not():
            self.skipTest(reason)
        here = hosts.Hosts("fra1", layers=[hosts.layer(*TOOLS)])
        self.addCleanup(here.close)
        host = here["fra1"]
        store = host.path("/srv/mirror/.store")
        write(os.path.join(store, "blob"), b"content")
        served = host.path("/srv/mirror/.releases/debian/1")
        os.makedirs(served)
        os.link(os.path.join(store, "blob"), os.path.join(served, "file"))
        here.boot()
        paths = ["/srv/mirror", "/srv/mirror/.releases/debian/1/file"]
        self.assertNotIn("httpd_sys_content_t", host.run("matchpathcon", *paths))
        commands = next(content for _, _, content in blocks(text()) if "semanage" in content).splitlines()
        self.assertEqual(["semanage", "restorecon"], [line.split()[0] for line in commands])
        for line in commands:
            host.shell(line)
        self.assertEqual(2, host.run("matchpathcon", *paths).count(":httpd_sys_content_t:"))
        # `restorecon` does nothing where the kernel has no SELinux; this does what it would do.
        host.run("setfiles", CONTEXTS, "/srv/mirror")
        for path in [store, os.path.join(store, "blob"), served, os.path.join(served, "file")]:
            label = os.getxattr(path, "security.selinux").decode()
            self.assertIn(":httpd_sys_content_t:", label, path)


if __name__ == "__main__":
    unittest.main()
