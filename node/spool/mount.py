"""The file system under the data folder: whether others share it, and whether it keeps its word."""

import re
from dataclasses import dataclass
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
_NFS = frozenset({"nfs", "nfs4"})
_SHARED = _NFS | {
    "9p",
    "beegfs",
    "ceph",
    "fuse.ceph-fuse",
    "fuse.glusterfs",
    "gfs2",
    "gpfs",
    "lustre",
    "ocfs2",
    "virtiofs",
}
# Without hard links, locks between hosts, or an fsync that reaches the server's disk.
_LOOSE = frozenset({"cifs", "smb3", "fuse.sshfs", "fuse.s3fs", "fuse.gcsfuse", "fuse.rclone"})


@dataclass(frozen=True)
class Mount:
    """A mounted file system.

    Parameters
    ----------
    point
        Where it is mounted.
    kind
        As the kernel names it: ext4, nfs4.
    source
        The disk or the server's export.
    options
        Of the mount and of the file system.
    """

    point: Path
    kind: str
    source: str
    options: frozenset[str]

    @property
    def is_shared(self) -> bool:
        """Whether other hosts may have it too."""
        return self.kind in _SHARED | _LOOSE

    def complaint(self) -> tuple[str, str] | None:
        """Why a spool on it could lose what it acknowledged, and what to do; None if it keeps it.

        nfs(5): ``soft`` and ``softerr`` give up a write that the server does not answer;
        without locks between hosts (``nolock``, ``local_lock``) one host's sweep takes the files
        that another is receiving for litter.
        """
        if self.kind in _LOOSE:
            found = f"{self.kind} does not keep what a spool relies on: links, locks, fsync"
            return found, "Use NFS 4 or a cluster file system, see docs/scaling.md."
        if self.kind not in _NFS:
            return None
        if given := sorted(self.options & {"soft", "softerr"}):
            found = f"it is mounted {given[0]}: a server that is slow for a moment loses writes"
            return found, "Mount it with the option hard."
        unlocked = {"nolock", "local_lock=all", "local_lock=flock"}
        if given := sorted(self.options & unlocked):
            found = f"it is mounted {given[0]}: locks are not seen by other hosts"
            return found, "Mount it with NFS 4, and without nolock and local_lock."
        return None


def mount_of(folder: Path, table: Path | None = None) -> Mount | None:
    """The file system that a folder lies on; None where the kernel does not tell.

    Parameters
    ----------
    folder
        An absolute path.
    table
        See proc_pid_mountinfo(5); this process's own where omitted.
    """
    try:
        lines = (table or _MOUNTS).read_text().splitlines()
    except OSError:
        return None
    mounts = [_read(line) for line in lines]
    above = [mount for mount in mounts if folder.is_relative_to(mount.point)]
    # of several at one place the last covers the others
    return max(reversed(above), key=lambda mount: len(mount.point.parts), default=None)


def _read(line: str) -> Mount:
    left, _, right = line.partition(" - ")
    fields, (kind, source, *super_options) = left.split(), right.split()
    options = frozenset(",".join([fields[5], *super_options]).split(","))
    return Mount(Path(_plain(fields[4])), kind, _plain(source), options)


def _plain(text: str) -> str:
    """Blanks and the like are written as octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), text)
