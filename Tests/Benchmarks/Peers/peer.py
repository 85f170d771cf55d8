"""What the files of the subjects give to run.py."""

import importlib
import importlib.metadata


class Peer:
    """Something that does the same work as ours.

    label: its name; version; command: what exactly is timed; run: does the work once and returns its result, or None
    if it is not installed; is_same_result: whether the result has to be the one of fleet-bench; case: a peer that is no
    Python is a case of fleet-bench itself, with this name.
    """

    def __init__(self, label, version, command, run=None, is_same_result=False, case=None):
        self.label = label
        self.version = version
        self.command = command
        self.run = run
        self.is_same_result = is_same_result
        self.case = case


def module(name):
    """The Python package and its version, or two times None."""
    try:
        return importlib.import_module(name), importlib.metadata.version(name)
    except (ImportError, importlib.metadata.PackageNotFoundError):
        return None, None
