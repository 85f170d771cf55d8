"""Every guide: its commands are commands of the programs with options that they have, what it names is there, and the
nginx configuration is the one that is deployed. What a guide does is run by test_guide, test_trust_guide, test_disk_guides,
test_web_servers, test_firewall_guide, test_confinement_guide, test_apparmor, test_deploy, test_lost_coordinator_guide,
test_molecule."""
import json
import os
import re
import subprocess
import unittest

from lab import BIN
from packages import TREE
from test_guide import blocks

GUIDES = os.path.join(TREE, "docs", "guides")
PROGRAMS = ["fleetctl", "fleet-agent", "fleet-coordinator"]
# What a program does that is given no command; its description does not say.
DEFAULT = {"fleet-agent": "run"}


def described(program):
    """The command tree of a program."""
    done = subprocess.run([os.path.join(BIN, program), "--experimental-dump-help"], capture_output=True, check=True)
    return json.loads(done.stdout)["command"]


def options(command):
    """Option -> whether a value follows."""
    return {("--" if name["kind"] == "long" else "-") + name["name"]: each["kind"] == "option"
            for each in command.get("arguments", []) for name in each.get("names", [])}


def subcommands(command):
    """Those by their names, but for the `help` that every program has."""
    return {each["commandName"]: each for each in command.get("subcommands", []) if each["commandName"] != "help"}


def mistake(command, words):
    """What is wrong with a command line of a program; None if nothing is."""
    words = list(words)
    while words and words[0] == "-f":
        words = words[2:]
    path = [command["commandName"]]
    if words and words[0].startswith("-") and path[0] in DEFAULT:
        words.insert(0, DEFAULT[path[0]])
    while words:
        below = subcommands(command)
        if words[0] not in below:
            break
        command = below[words.pop(0)]
        path.append(command["commandName"])
    if subcommands(command):
        return f"{' '.join(path)} needs a command, not {words[:1]}"
    known = options(command)
    for word in words:
        name = word.split("=")[0]
        if name.startswith("-") and name not in known:
            return f"{' '.join(path)} has no option {name}"
    return None


class GuidesTest(unittest.TestCase):
    def guides(self):
        for name in sorted(os.listdir(GUIDES)):
            with open(os.path.join(GUIDES, name)) as file:
                yield name, file.read()

    def commands(self, text):
        """Command lines: those of blocks, and those in the text."""
        for language, _, content in blocks(text):
            if language == "":
                yield from content.replace("\\\n", " ").splitlines()
        plain = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
        yield from re.findall(r"`((?:fleetctl|fleet-agent|fleet-coordinator|ansible-playbook|systemctl) [^`]+)`", plain)

    def test_commands_of_guides_are_commands(self):
        trees = {program: described(program) for program in PROGRAMS}
        seen = 0
        for guide, text in self.guides():
            for line in self.commands(text):
                for part in re.split(r"&&|\|\|", re.sub(r"\s+#.*", "", line)):
                    words = part.split()
                    if words[:1] == ["runuser"]:
                        words = words[words.index("--") + 1:]
                    if words and words[0] in PROGRAMS and "VERB" not in words:
                        self.assertIsNone(mistake(trees[words[0]], words[1:]), f"{guide}: {part}")
                        seen += 1
        self.assertGreater(seen, 60, "the commands were found")

    def test_a_wrong_command_is_found(self):
        tree = described("fleetctl")
        self.assertIsNone(mistake(tree, ["-f", "F", "publish", "debian"]))
        self.assertIn("no option --fast", mistake(tree, ["-f", "F", "publish", "debian", "--fast"]))
        self.assertIn("needs a command", mistake(tree, ["trust", "spin"]))

    def test_what_guides_name_is_there(self):
        shown = {name for _, text in self.guides() for name in re.findall(r"^# /etc/systemd/system/(\S+)$", text, re.M)}
        for guide, text in self.guides():
            for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
                self.assertTrue(os.path.exists(os.path.join(GUIDES, target)), f"{guide}: {target}")
            for name in re.findall(r"ansible-playbook [^`\n]*?([\w/-]+\.yml)(?= --check| -e|`|$)", text, re.M):
                self.assertTrue(os.path.exists(os.path.join(TREE, "ansible", name)), f"{guide}: {name}")
            for unit in re.findall(r"systemctl enable --now ([\w.-]+)", text):
                packaged = os.path.join(TREE, "scripts", "packaging", "debian", "fleetctl." + unit)
                self.assertTrue(unit in shown or os.path.exists(packaged), f"{guide}: {unit}")
            for name in re.findall(r"`(fleet_\w+)`", text):
                found = subprocess.run(["grep", "-rqw", name, os.path.join(TREE, "ansible")])
                self.assertEqual(0, found.returncode, f"{guide}: {name} is no variable of the roles")

    def test_the_nginx_configuration_is_the_one_that_is_deployed(self):
        with open(os.path.join(TREE, "ansible", "roles", "fleet_agent", "templates", "nginx.conf.j2")) as file:
            template = file.read()
        template = template.replace("# {{ ansible_managed }}\n", "").replace("{{ fleet_agent_http_port }}", "80")
        template = template.replace("{{ fleet_agent_data }}", "/srv/mirror")
        # As it is by default: with all that a variable may leave out.
        template = re.sub(r"^{% (if \w+|endif) %}\n", "", template, flags=re.M)
        with open(os.path.join(GUIDES, "web-servers.md")) as file:
            shown = next(content for language, _, content in blocks(file.read()) if language == "nginx")
        self.assertEqual(template, shown)


if __name__ == "__main__":
    unittest.main()
