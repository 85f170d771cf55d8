"""Trees to publish: real and odd ones."""
import os
import random

from lab import write

SEED = int(os.environ.get("FLEET_SEED", "7"))


def odd_tree(root):
    """Names, types and times that tools get wrong."""
    write(os.path.join(root, "pool/main/a/apt/apt_1.0_amd64.deb"), os.urandom(300_000), modified=1_500_000_000)
    write(os.path.join(root, "pool/main/b/big.bin"), random.Random(SEED).randbytes(6_000_000))
    write(os.path.join(root, "empty"), b"", modified=0)
    write(os.path.join(root, "bin/tool"), b"#!/bin/sh\n", mode=0o755)
    write(os.path.join(root, "bin/also-tool"), b"#!/bin/sh\n", mode=0o644)
    write(os.path.join(root, "same/one"), b"same bytes", modified=1_600_000_000)
    write(os.path.join(root, "same/two"), b"same bytes", modified=1_700_000_000)
    write(os.path.join(root, "same/three"), b"same bytes", mode=0o755, modified=1_700_000_000)
    write(os.path.join(root, "before-1970"), b"old", modified=-86_400)
    for name in ["new\nline", "-rf", "%n", "<script>", "caf\u00e9", "cafe\u0301", "\u202etxt.exe", " blank ", "a\\b"]:
        write(os.path.join(root, "odd", name), name.encode())
    write(os.path.join(os.fsencode(root), b"odd", b"not-utf8-\xff\xfe"), b"bytes")
    write(os.path.join(root, "deep", *["d" * 50] * 20, "leaf"), b"leaf")
    write(os.path.join(root, "x" * 255), b"long name")
    os.makedirs(os.path.join(root, "hollow/inner"))
    os.symlink("apt/apt_1.0_amd64.deb", os.path.join(root, "pool/main/a/link"))
    os.symlink("../bin", os.path.join(root, "same/up"))
    os.symlink("nowhere", os.path.join(root, "dangling"))
    for folder, _, _ in os.walk(root):
        os.utime(folder, (1_650_000_000, 1_650_000_000))


def many_files(root, count, low=300, high=4_000, seed=SEED):
    """`count` small files of random bytes in folders of 200."""
    source = random.Random(seed)
    for number in range(count):
        folder = os.path.join(root, f"{number // 200:04d}")
        if number % 200 == 0:
            os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, f"file-{number:06d}"), "wb") as file:
            file.write(source.randbytes(source.randint(low, high)))


def random_file(path, size, seed=SEED):
    """One file of `size` bytes that does not repeat."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    source = random.Random(seed)
    with open(path, "wb") as file:
        while size > 0:
            part = source.randbytes(min(size, 1 << 20))
            file.write(part)
            size -= len(part)
