"""A disk of the spool's own that can be made full, to the last page."""

import os
import subprocess
from pathlib import Path

SIZE_MIB = 8192


class SmallDisk:
    """A tmpfs, mounted where the user may.

    Where not, ``mounted`` is False, and filling it does nothing.
    """

    def __init__(self, folder: Path, size_mib: int = SIZE_MIB) -> None:
        folder.mkdir(parents=True)
        self._folder, self._size_kib = folder, size_mib * 1024
        self.mounted = os.geteuid() == 0 and self._mounted(self._size_kib, "")

    def fill(self) -> None:
        """Make it as small as what lies on it."""
        while self.mounted:
            disk = os.statvfs(self._folder)
            used_kib = (disk.f_blocks - disk.f_bfree) * disk.f_frsize // 1024
            if self._mounted(max(used_kib, 4), "remount,"):  # fails where more was just written
                return

    def empty(self) -> None:
        """Make it as large as before."""
        if self.mounted:
            assert self._mounted(self._size_kib, "remount,")

    def close(self) -> None:
        """Unmount it; what lay there is gone."""
        if self.mounted:
            subprocess.run(["umount", "--lazy", str(self._folder)], check=True)

    def _mounted(self, size_kib: int, how: str) -> bool:
        """Whether it could be mounted, or mounted anew, with that size."""
        options = f"{how}size={size_kib}k"
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self._folder)]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
