"""What can be seen of the network namespaces of a lab: `fleetctl lab up --netns`."""
import json
import os
import shutil
import subprocess

FOLDER = "/run/netns"
# What a lab does, in a namespace that is gone afterwards.
PROBE = ("ip link add br1 type bridge && ip link add one type veth peer name two && "
         "tc qdisc add dev one root tbf rate 1mbit burst 80kb limit 320kb")


def missing():
    """Why there can be no such lab here; None if there can."""
    if os.geteuid() != 0:
        return "needs root, to make network namespaces"
    for program in ("ip", "tc", "nsenter", "unshare"):
        if shutil.which(program) is None:
            return f"{program} is not installed: run scripts/setup"
    probe = subprocess.run(["unshare", "--net", "sh", "-c", PROBE], capture_output=True, stdin=subprocess.DEVNULL)
    return None if probe.returncode == 0 else f"no veth, bridge or tbf here: {probe.stderr.decode().strip()}"


def names(prefix):
    """The namespaces whose names begin so."""
    return sorted(name for name in os.listdir(FOLDER) if name.startswith(prefix)) if os.path.isdir(FOLDER) else []


def counters(namespace):
    """Bytes that each interface of a namespace has sent and received."""
    out = subprocess.run(["ip", "-n", namespace, "-s", "-j", "link"], check=True, capture_output=True,
                         stdin=subprocess.DEVNULL).stdout
    return {link["ifname"]: (link["stats64"]["tx"]["bytes"], link["stats64"]["rx"]["bytes"])
            for link in json.loads(out)}
