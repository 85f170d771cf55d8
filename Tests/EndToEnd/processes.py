"""What a process costs: its memory and its time on the processors, from /proc."""
import os


def status(pid, field):
    """A field of /proc/PID/status that is in kB, in bytes."""
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    raise AssertionError(f"/proc/{pid}/status has no {field}")


def peak_memory(pid):
    """The most memory that a process had resident since it began, or since `forget_peak`."""
    return status(pid, "VmHWM")


def forget_peak(pid):
    with open(f"/proc/{pid}/clear_refs", "w") as file:
        file.write("5")


def processor_seconds(pid):
    """User and system time of a process together."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))
