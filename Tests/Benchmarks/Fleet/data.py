"""Makes what the fleet is measured on: random bytes, so that no compression flatters anybody."""
import os
import random

BLOCK = 1 << 22


def number_of_bytes(text):
    """Of a text such as 256M; None if it is none."""
    factor = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}.get(text[-1:].upper(), 1)
    digits = text[:-1] if factor > 1 else text
    return int(digits) * factor if digits.isdigit() and int(digits) > 0 else None


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


def mix(folder, size):
    """`size` bytes: half of them in one file, a quarter in files of 1 MiB or so, the others in small ones."""
    big(folder, size // 2)
    for part, average in ((os.path.join(folder, "middle"), 1 << 20), (os.path.join(folder, "small"), 24 << 10)):
        many(part, max(1, size // 4 // average), average // 2, average * 3 // 2)


def overwrite(folder, size, seed):
    """Gives `size` bytes in the middle of the largest file other values."""
    path = max((os.path.join(place, name) for place, _, names in os.walk(folder) for name in names), key=os.path.getsize)
    with open(path, "rb") as file:
        content = file.read()
    begin = random.Random(seed).randrange(max(1, len(content) - size))
    modified = int(os.path.getmtime(path)) + 1
    with open(path + ".new", "wb") as file:
        file.write(content[:begin] + os.urandom(min(size, len(content))) + content[begin + size:])
    os.utime(path + ".new", (modified, modified))
    os.rename(path + ".new", path)


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


def cool(folder):
    """Writes everything out and drops it from the page cache, so that the next reader asks the disk."""
    os.sync()
    for place, _, names in os.walk(folder):
        for name in names:
            descriptor = os.open(os.path.join(place, name), os.O_RDONLY)
            try:
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)
