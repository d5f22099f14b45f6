"""Room on the disk below ``data_dir``, and the two marks that it is held against."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DiskUse:
    """Room on the disk below ``data_dir`` [bytes].

    Parameters
    ----------
    free_bytes, total_bytes
        What this user may still write, and the size of the disk.
    min_free_bytes
        The hard mark: under it nothing is received.
    low_free_bytes
        The soft mark: under it a person is told, and finished studies expire early.
    """

    free_bytes: int
    total_bytes: int
    min_free_bytes: int = 0
    low_free_bytes: int = 0

    @property
    def full(self) -> bool:
        """Whether nothing is received."""
        return self.free_bytes < self.min_free_bytes

    @property
    def low(self) -> bool:
        """Whether there is little room; a full disk has little room too."""
        return self.full or self.free_bytes < self.low_free_bytes
