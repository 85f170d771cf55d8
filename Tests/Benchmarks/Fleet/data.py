"""Makes what the fleet is measured on: random bytes, so that no compression flatters anybody."""
import os
import random

BLOCK = 1 << 22


def big(folder, size):
    """One file of `size` bytes."""
    os.makedirs(folder)
    with open(os.path.join(folder, "big"), "wb") as file:
        while size > 0:
            file.write(os.urandom(min(size, BLOCK)))
            size -= BLOCK
    os.utime(os.path.join(folder, "big"), (1_700_000_000, 1_700_000_000))


def many(folder, count, smallest, largest, seed=1):
    """`count` files of `smallest` to `largest` bytes, in folders of about 500; the total of their sizes."""
    draw = random.Random(seed)
    block, used, total = b"", 0, 0
    for number in range(count):
        if number % 500 == 0:
            place = os.path.join(folder, f"part-{number // 500:04}")
            os.makedirs(place)
        size = draw.randint(smallest, largest)
        if len(block) - used < size:
            block, used = os.urandom(BLOCK), 0
        content = block[used:used + size]
        used += size
        path = os.path.join(place, f"file-{number:07}.bin")
        with open(path, "wb") as file:
            file.write(content)
        modified = 1_700_000_000 + draw.randrange(1_000_000)
        os.utime(path, (modified, modified))
        total += size
    return total


def change(folder, count, seed):
    """Gives `count` files other bytes of about the same size; the total of their new sizes."""
    draw = random.Random(seed)
    files = [os.path.join(place, name) for place, _, names in sorted(os.walk(folder)) for name in sorted(names)]
    total = 0
    for path in draw.sample(files, min(count, len(files))):
        size = max(1, os.path.getsize(path) + draw.randint(-8, 8))
        modified = int(os.path.getmtime(path)) + 1
        # A new inode: what had the old one, by a hard link or a reflink, keeps its bytes.
        with open(path + ".new", "wb") as file:
            file.write(os.urandom(size))
        os.utime(path + ".new", (modified, modified))
        os.rename(path + ".new", path)
        total += size
    return total


def warm(folder):
    """Reads everything once, so that every program finds it in the page cache."""
    for place, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(place, name), "rb", buffering=0) as file:
                while file.read(BLOCK):
                    pass
