"""The AppArmor profile of the agent's service: it compiles, and allows every path that agents use which run, publish, sync,
call a hook and stop as in the first guide. What it allows is what AppArmor's own compiler reads in it; what agents use is
seen by strace. No kernel that enforces it is here."""
import os
import re
import shutil
import subprocess
import unittest

from lab import BIN, write
from test_guide import AGENTS, GUIDE, TREE, GuideSteps

PROFILE = os.path.join(TREE, "scripts", "packaging", "etc", "fleet-agent.apparmor")
HOOK = "/etc/mirrorfleet/hooks.d/post-flip/tell"
CALLS = "%file,flock,fcntl,fchmod,fchown"
WRITES = ["mkdir", "mkdirat", "mknod", "mknodat", "unlink", "unlinkat", "rmdir", "symlink", "symlinkat", "chmod", "fchmod",
          "fchmodat", "chown", "lchown", "fchown", "fchownat", "truncate"]
# What a call needs for its paths. AppArmor does not ask what a link says, whether there is access, whose file system it is.
NEEDS = {**dict.fromkeys(["stat", "lstat", "newfstatat", "statx"], ["r"]), **dict.fromkeys(WRITES, ["w"]), "execve": ["x"],
         **dict.fromkeys(["rename", "renameat", "renameat2"], ["rw", "w"]), **dict.fromkeys(["link", "linkat"], ["", "l"])}
CALL = re.compile(r"^(\w+)\((.*)\) += (?!-1)\S+?(?:<([^>]*)>(?:\(deleted\))?)?(?: \(.*\))?$")
PLACE = re.compile(r'(?:(?:AT_FDCWD|\d+)<([^>]*)>(?:\(deleted\))?)?(?:, )?(?:"((?:[^"\\]|\\.)*)")?')


def uses(line):
    """(path, letters) that a line of strace is about; folders end in a slash."""
    if not (call := CALL.match(line)):
        return
    name, arguments, opened = call.groups()
    slash = "/" if "O_DIRECTORY" in arguments or "S_IFDIR" in arguments else ""
    if opened is not None:
        if "O_PATH" not in arguments:
            letters = "w" if "O_WRONLY" in arguments else "rw" if "O_RDWR" in arguments else "r"
            yield opened + ("" if "O_TMPFILE" in arguments else slash), letters
        return
    if name in ("flock", "fcntl"):
        if "LCK" in arguments or "LOCK_" in arguments:
            yield arguments[arguments.index("<") + 1:arguments.index(">")], "k"
        return
    if name.startswith("symlink"):
        arguments = arguments[arguments.index('", ') + 3:]
    places = [os.path.join(folder, decoded(rest)).rstrip("/") if rest else folder
              for folder, rest in PLACE.findall(arguments) if folder or rest]
    for place, letters in zip(places, NEEDS.get(name, [])):
        yield place + slash, letters


def decoded(text):
    """A name as strace prints it."""
    return text.encode("latin-1", "replace").decode("unicode_escape").encode("latin-1").decode(errors="replace")


def allowed(profile):
    """(letters, pattern) of each rule of files, as AppArmor's compiler reads the profile."""
    done = subprocess.run(["apparmor_parser", "-Q", "-K", "-d", profile], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)
    return [(mode.split(":")[1], re.compile(pattern(glob.replace("//", "/")))) for mode, glob in
            re.findall(r"^Mode:\t(\S+)\tName:\t\((.*)\)$", done.stdout, re.M)]


def pattern(glob):
    """A regular expression for a path of a profile."""
    parts = {"**": ".*", "*": "[^/]*", "?": "[^/]", "{": "(?:", "}": ")", ",": "|"}
    made = "".join(part if part.startswith("[") else parts.get(part) or re.escape(part)
                   for part in re.findall(r"\*\*|\[[^]]*\]|.", glob))
    # What ends in a star is something below the folder, not the folder.
    return re.sub(r"/(\.\*|\[\^/\]\*)$", lambda star: "/" + star[1][:-1] + "+", made) + r"\Z"


class Profile(GuideSteps):
    """Hosts of the guide, whose agents run under strace."""

    def setUp(self):
        for tool in ["apparmor_parser", "strace"]:
            if not shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin"):
                self.skipTest(f"no {tool} here")
        super().setUp()

    def local(self, text, host):
        text = super().local(text, host)
        if text.startswith("fleet-agent --config "):
            calls = os.path.join(self.folder, f"calls-{host}")
            text = f"strace -D -ff -y -qq -s 4096 -e trace={CALLS} -e signal=none -o {calls} {text}"
        return text

    def add_hook(self):
        write(self.path("fra1", HOOK), b"#!/bin/sh\nexec true\n", mode=0o755)

    def used(self):
        """What agents did with which paths, as on a host of its own."""
        found, above = {}, self.folder + "/"
        libraries = subprocess.run(["ldd", os.path.join(BIN, "fleet-agent")], capture_output=True, text=True, check=True)
        # Programs of the tests lie elsewhere, so does the runtime that they need.
        apart = [BIN, os.path.realpath(BIN)]
        for runtime in set(re.findall(r"=> (\S+)/lib/swift/", libraries.stdout)):
            apart += [runtime + "/lib/swift", runtime + "/libexec/swift"]
        for name in os.listdir(self.folder):
            if not name.startswith("calls-"):
                continue
            with open(os.path.join(self.folder, name), errors="replace") as file:
                for path, letters in (use for line in file for use in uses(line.rstrip("\n"))):
                    path = re.sub(rf"^{re.escape(above)}(?:{'|'.join(AGENTS)})(?=/)", "", path)
                    # The folders above a host's are none of its own.
                    if path == "/" or path.startswith("/") and not (path.startswith(tuple(apart)) or above.startswith(path)):
                        found.setdefault(path, set()).update(letters)
        return found

    def test_it_allows_what_agents_do(self):
        rules = allowed(PROFILE)
        self.follow(GUIDE, commands=15, before={" publish ": self.add_hook})
        self.end()
        self.running = {}
        used = self.used()
        for path, letter in [("/srv/mirror/.store/", "r"), ("/etc/mirrorfleet/agent.yaml", "r"),
                             ("/srv/origin/debian/", "r"), (HOOK, "x")]:
            self.assertIn(letter, used.get(path, ()), f"{path} was seen")
        self.assertTrue(any("l" in letters for letters in used.values()), "links were seen")
        refused = {}
        for path, letters in used.items():
            granted = "".join(granted for granted, pattern in rules if pattern.match(path))
            if missing := letters - set(granted):
                refused[path] = "".join(sorted(missing))
        self.assertEqual({}, refused)


if __name__ == "__main__":
    unittest.main()
