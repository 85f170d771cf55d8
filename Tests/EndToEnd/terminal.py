"""Commands at a terminal that a test types at."""
import os
import pty
import select
import time

from lab import BIN, DEADLINE

PASSPHRASE = "correct horse battery staple"
ANSWERS = [(b"passphrase", PASSPHRASE), (b"once more", PASSPHRASE), (b"(yes)", "yes"), (b"[Y/n]", "y")]


def at_terminal(line, folder, answers=ANSWERS, deadline=DEADLINE, environment=None):
    """Runs a line of shell in `folder`, answering each question once it is asked; exit code and all that was shown."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execve("/bin/bash", ["bash", "-c", line],
                  {**os.environ, "PATH": BIN + ":" + os.environ["PATH"], "NO_COLOR": "1", "TERM": "dumb",
                   **(environment or {})})
    shown, asked, end = b"", 0, time.monotonic() + deadline
    try:
        while True:
            ready, _, _ = select.select([terminal], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise AssertionError(f"not within {deadline} s: {line}\n{shown.decode(errors='replace')}")
            try:
                data = os.read(terminal, 65536)
            except OSError:
                data = b""
            if not data:
                break
            shown += data
            question = shown[asked:].rsplit(b"\n", 1)[-1]
            if question.endswith((b": ", b"(yes) ", b"[Y/n] ")):
                for words, answer in answers:
                    if words in question:
                        asked = len(shown)
                        os.write(terminal, answer.encode() + b"\n")
                        break
        # Before the terminal goes: who is still about to end would be hung up on.
        _, status = os.waitpid(child, 0)
    finally:
        os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown.decode(errors="replace").replace("\r\n", "\n")
