"""A backup as one file: a tar of the registry's copy, the settings file and a manifest."""

import hashlib
import json
import tarfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from node.errors import BackupDamagedError

FORMAT = 1
REGISTRY, SETTINGS = "registry", "node.toml"
_MANIFEST = "manifest.json"
_LARGEST_MANIFEST = 1 << 20


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself.

    Parameters
    ----------
    version, made_at
        Of the node, and when (ISO 8601, UTC).
    database, schema, series
        Its kind, the heads of its schema, and how many series it holds.
    sha256
        Of each file in it.
    """

    version: str
    made_at: str
    database: str
    schema: tuple[str, ...]
    series: int
    sha256: Mapping[str, str]


def write(file: Path, files: Mapping[str, Path], facts: Mapping[str, Any]) -> Manifest:
    """The manifest of a backup that was written whole; ``facts`` are what else it says."""
    digests = {name: _digest(path) for name, path in files.items()}
    manifest = Manifest(**facts, sha256=digests)
    with tarfile.open(file, "w:gz", compresslevel=1) as tar:
        told = json.dumps({"format": FORMAT, **asdict(manifest)}, indent=2).encode()
        entry = tarfile.TarInfo(_MANIFEST)
        entry.size, entry.mode = len(told), 0o600
        tar.addfile(entry, BytesIO(told))
        for name, path in files.items():
            tar.add(path, arcname=name, filter=_private)
    return manifest


def read(file: Path, into: Path) -> Manifest:
    """The manifest of a backup whose files lie, each as it was, in a folder now.

    Raises
    ------
    BackupDamagedError
        If it is no backup, not whole, or of a format that this version does not know.
    """
    try:
        with tarfile.open(file, "r:gz") as tar:
            manifest = _manifest(tar)
            for name in manifest.sha256:
                if name not in (REGISTRY, SETTINGS):
                    raise BackupDamagedError(f"{file} holds {name!r}, which no backup does")
                (into / name).write_bytes(_bytes(tar, name))
    except (tarfile.TarError, EOFError, OSError, ValueError, KeyError, TypeError) as fault:
        if isinstance(fault, FileNotFoundError) and not file.exists():
            raise BackupDamagedError(f"there is no file {file}", "Name a backup.") from None
        raise BackupDamagedError(f"{file} is no whole backup: {fault}") from fault
    for name, digest in manifest.sha256.items():
        if _digest(into / name) != digest:
            raise BackupDamagedError(f"{name} in {file} is not what was put in")
    return manifest


def _manifest(tar: tarfile.TarFile) -> Manifest:
    told = json.loads(_bytes(tar, _MANIFEST)[:_LARGEST_MANIFEST])
    if told.pop("format") != FORMAT:
        raise BackupDamagedError(
            "the backup has a format that this version does not know",
            "Restore it with the version of perfusion-node that made it, or a later one.",
        )
    return Manifest(**{**told, "schema": tuple(told["schema"])})


def _bytes(tar: tarfile.TarFile, name: str) -> bytes:
    content = tar.extractfile(name)
    if content is None:
        raise BackupDamagedError(f"{name} is no file in the backup")
    with content:
        return content.read()


def _private(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """The entry for its owner alone: settings may hold passwords."""
    entry.mode, entry.uid, entry.gid, entry.uname, entry.gname = 0o600, 0, 0, "", ""
    return entry


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
