"""The peer of `fleet-bench stoq`: NIO and NIOSSL alone, which fleet-bench measures itself."""

import json

from peer import Peer

COMMAND = "BareChannels.swift: writes of 128 KiB from memory, each flushed, to a handler that counts"


def peers(data):
    version = " ".join(filter(None, (version_of("swift-nio"), version_of("swift-nio-ssl"))))
    found = {}
    for clock in ("", ", CPU"):
        peer = Peer("NIO, NIOSSL", version, COMMAND, is_same_result=True, case=f"NIO alone{clock}")
        found[f"one stream{clock}"] = found[f"requests of 1 MiB{clock}"] = [peer]
    return found


def version_of(package):
    try:
        with open("Package.resolved") as file:
            pins = json.load(file)["pins"]
    except OSError:
        return None
    return next((pin["state"].get("version") for pin in pins if pin["identity"] == package), None)
