"""One case of the fuzzer: a sound scan, and what becomes of its files on the way."""

from collections.abc import Sequence
from random import Random

from tests.fuzz.mutators import drawn
from tests.fuzz.part10 import Part10
from tests.fuzz.seeds import NAMES, Seed, seed


class Choices(Random):
    """Chance that is read from bytes, so that who chooses the bytes chooses the case."""

    def __init__(self, data: bytes) -> None:
        super().__init__(0)
        self._data = data
        self._at = 0

    def getrandbits(self, k: int, /) -> int:
        """The next ``k`` bits; 0 once the bytes are used up."""
        length = (k + 7) // 8
        part = self._data[self._at : self._at + length]
        self._at += length
        return int.from_bytes(part, "little") & ((1 << k) - 1)

    def random(self) -> float:
        """A share from the next seven bytes."""
        return self.getrandbits(53) / (1 << 53)


def numbered(run: int, number: int) -> Random:
    """The chance of one case: the same for the same run and number."""
    return Random(f"{run}:{number}")


def case(random: Random, names: Sequence[str] = NAMES) -> list[bytes]:
    """The files of one case."""
    return mutated(seed(random.choice(names)), random)


def mutated(scan: Seed, random: Random) -> list[bytes]:
    """The files of a scan after one to four mishaps of headers, files or the whole set."""
    files = list(scan.files)
    for _ in range(random.choice((1, 1, 1, 2, 2, 3, 4))):
        change = drawn(files, random)
        for n in _scope(len(files), random):
            files[n] = change(files[n])
    encoded = [file.encoded for file in _delivered(files, random)]
    if encoded and random.randrange(4) == 0:
        for n in _scope(len(encoded), random):
            encoded[n] = _damaged(encoded[n], random)
    return encoded


def _scope(count: int, random: Random) -> Sequence[int]:
    """Which files it happens to: one, some, every other, or all."""
    if not count:
        return ()
    how = random.randrange(6)
    if how < 2:
        return range(count)
    if how == 2:
        return range(random.randrange(2), count, 2)
    if how == 3:
        return sorted({random.randrange(count) for _ in range(count // 3)})
    return (random.randrange(count),)


def _delivered(files: list[Part10], random: Random) -> list[Part10]:
    """What arrives: mostly all, else some images not, some twice, or some mixed up."""
    how = random.randrange(12)
    if how == 0:
        gone = set(_scope(len(files), random))
        return [file for n, file in enumerate(files) if n not in gone]
    if how == 1:
        return files + [files[n] for n in _scope(len(files), random)]
    if how == 2:
        order = list(files)
        random.shuffle(order)
        return order
    return files


def _damaged(file: bytes, random: Random) -> bytes:
    """A file that was cut, flipped, swapped or filled on a disk or a wire."""
    at, length = random.randrange(len(file) + 1), random.choice((1, 2, 4, 8, 64, 512))
    how = random.randrange(8)
    if how == 0:
        return file[:at]
    if how == 1:
        return file + random.choice((b"\0" * length, b"\xff" * length, file[-length:], file))
    if how == 2:
        return file[:at] + file[at + length :]
    if how == 3:
        return file[:at] + file[at : at + length] * 2 + file[at + length :]
    if how == 4:
        fill = random.choice((b"\0", b"\xff", b"\\", b"9"))
        return file[:at] + fill * len(file[at : at + length]) + file[at + length :]
    changed = bytearray(file)
    for _ in range(random.choice((1, 1, 2, 4, 16))):
        if len(changed) > 132:
            one = random.randrange(132, len(changed))
            if how == 5:
                other = random.randrange(132, len(changed))
                changed[one], changed[other] = changed[other], changed[one]
            else:
                changed[one] ^= 1 << random.randrange(8)
    return bytes(changed)
