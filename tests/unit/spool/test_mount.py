"""Which file system a folder lies on, from tables as the kernel writes them."""

from pathlib import Path

import pytest

from node.spool import mount_of

TABLE = """\
24 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro
40 24 0:41 / /srv/perfusion rw,relatime shared:20 - nfs4 filer:/export/ctp {options}
41 24 0:42 / /srv/perfusion\\040old rw - cifs //filer/ctp rw,vers=3.1.1
42 24 254:1 / /srv/twice rw - ext4 /dev/vdb rw
43 24 0:44 / /srv/twice rw - ceph 10.0.0.1:/ rw
"""
SOUND = "rw,vers=4.2,hard,proto=tcp,local_lock=none"


def table(folder: Path, options: str = SOUND) -> Path:
    path = folder / "mountinfo"
    path.write_text(TABLE.format(options=options))
    return path


@pytest.mark.parametrize(
    ("folder", "kind", "shared"),
    [
        ("/srv", "ext4", False),
        ("/srv/perfusion", "nfs4", True),
        ("/srv/perfusion/spool/tmp", "nfs4", True),
        ("/srv/perfusion old/spool", "cifs", True),
        ("/srv/perfusionist", "ext4", False),
        ("/srv/twice/spool", "ceph", True),
    ],
)
def test_the_deepest_and_latest_mount_counts(
    tmp_path: Path, folder: str, kind: str, shared: bool
) -> None:
    """As the kernel finds it, blanks in names and one mount over another included."""
    mount = mount_of(Path(folder), table(tmp_path))
    assert mount is not None
    assert (mount.kind, mount.is_shared) == (kind, shared)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ("rw,vers=4.2,soft,local_lock=none", "soft"),
        ("rw,vers=4.2,softerr,local_lock=none", "softerr"),
        ("rw,vers=3,hard,nolock,local_lock=all", "local_lock=all"),
        ("rw,vers=4.1,hard,local_lock=flock", "local_lock=flock"),
    ],
)
def test_an_export_that_may_lose_writes_or_locks_is_complained_of(
    tmp_path: Path, options: str, word: str
) -> None:
    """The option at fault is named, and what to mount it with instead."""
    mount = mount_of(Path("/srv/perfusion"), table(tmp_path, options))
    assert mount is not None
    complaint = mount.complaint()
    assert complaint is not None
    assert word in complaint[0]
    assert "Mount it with" in complaint[1]


def test_a_sound_export_and_a_local_disk_are_not(tmp_path: Path) -> None:
    """Hard, with locks that other hosts see."""
    sound = [mount_of(Path(f), table(tmp_path)) for f in ("/", "/srv/perfusion", "/srv/twice")]
    assert [mount.complaint() for mount in sound if mount] == [None, None, None]


def test_a_share_without_links_and_locks_is_complained_of(tmp_path: Path) -> None:
    """SMB and the like are no place for a spool."""
    mount = mount_of(Path("/srv/perfusion old"), table(tmp_path))
    assert mount is not None
    complaint = mount.complaint()
    assert complaint is not None
    assert "cifs" in complaint[0]


def test_this_machines_own_table_is_read(tmp_path: Path) -> None:
    """What the kernel says here and now names the file system of a real folder."""
    mount = mount_of(tmp_path)
    assert mount is not None
    assert mount.kind


def test_without_a_table_nothing_is_said(tmp_path: Path) -> None:
    """Another system than Linux is not guessed about."""
    assert mount_of(Path("/srv"), tmp_path / "none") is None
