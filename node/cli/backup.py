"""``backup`` and ``restore``: registry and settings as one file, and back."""

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from node import __version__
from node.cli import backup_file
from node.cli.backup_file import REGISTRY, SETTINGS, Manifest
from node.cli.claim import claimed, unused
from node.cli.options import BadCallError, ConfigOption, JsonOption, settings_from
from node.cli.output import counted, print_json, say
from node.cli.studies import NoRegistryError, registry_file
from node.ports import Ended, Part
from node.settings import Settings
from node.wiring import Node

if TYPE_CHECKING:  # the room is loaded when it is needed: --help answers at once
    from node.registry import Contents, RegistryCopies

_EVERY = 1_000_000
_File = Annotated[Path, typer.Argument(metavar="FILE", help="A file that `backup` wrote.")]


def backup(
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="The file to write, new.")],
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Write registry and settings file into one file; the node may run meanwhile.

    The registry is copied as it is at one moment: SQLite by its online backup, PostgreSQL by
    pg_dump, which must be installed here. Images and results are not in it: they lie in the
    spool. The file holds no patient's name, but perhaps the password of database_url: only its
    owner may read it.
    """
    from node.registry import RegistryCopies

    settings = settings_from(config)
    if to.exists():
        raise BadCallError(f"{to} is there already", "Name a new file with --to.")
    copies = RegistryCopies(settings.database)
    there = copies.contents()
    if not there.schema:
        raise NoRegistryError("there is no registry to back up yet")
    with _folder(to.parent) as folder:
        files = {REGISTRY: folder / REGISTRY}
        copies.copy_out(files[REGISTRY])
        if config is not None:
            files[SETTINGS] = config
        draft = folder / "backup"
        manifest = backup_file.write(draft, files, _facts(copies, there))
        draft.chmod(0o600)
        _sync(draft)
        draft.rename(to)
        _sync(to.parent)
    if json:
        print_json({"file": to, **asdict(manifest)})
    else:
        what = " and the settings file" if config else "; no settings file was named"
        say(f"{counted(there.series, 'series')}{what} in {to} ({to.stat().st_size:,} bytes)")


def restore(
    file: _File,
    config: ConfigOption = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a registry that holds series.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Put the registry of a backup in the place of this node's, which must not run.

    Refused: a file that is not whole, a registry of a newer version, and, without --replace, one
    to replace that holds series. A SQLite registry that was there is kept under another name.
    Where the settings file that --config names is not there, the backup's is written to it.

    Images that came after the backup are in the spool: the listener takes them in after its
    next start, and they are analysed again.
    """
    from node.registry import require_known

    with tempfile.TemporaryDirectory(prefix="perfusion-restore-") as folder:
        manifest = backup_file.read(file, Path(folder))
        require_known(manifest.schema)
        wrote = _settings_put_back(Path(folder) / SETTINGS, config)
        settings = settings_from(config, level=logging.ERROR)
        with claimed(settings.data_dir), unused(settings.data_dir):
            there, apart = _put_back(Path(folder) / REGISTRY, manifest, settings, replace)
            gone = _expire_what_has_gone(settings)
    said = {
        "restored": asdict(manifest),
        "settings": config if wrote else None,
        "replaced_series": there.series,
        "kept": apart,
        "expired": gone,
    }
    if json:
        print_json(said)
        return
    say(f"Restored {counted(manifest.series, 'series')} as of {manifest.made_at}.")
    if wrote:
        say(f"The settings file was not there: {config} is the backup's.")
    if there.schema:
        kept = f"; it lies in {apart}" if apart else ""
        say(f"It replaced a registry of {counted(there.series, 'series')}{kept}.")
    if gone:
        say(f"{counted(gone, 'finished series')} expired: the files had gone since.")
    say("Start the node: it takes in what came after the backup.")


def _facts(copies: "RegistryCopies", there: "Contents") -> dict[str, object]:
    return {
        "version": __version__,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "database": copies.kind,
        "schema": there.schema,
        "series": there.series,
    }


def _settings_put_back(kept: Path, config: Path | None) -> bool:
    """Whether the settings file was missing and is the backup's now."""
    if config is None or config.exists() or not kept.exists():
        return False
    config.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(kept, config)
    config.chmod(0o600)
    return True


def _put_back(
    copy: Path, manifest: Manifest, settings: Settings, replace: bool
) -> "tuple[Contents, Path | None]":
    """What was there before, and where it lies now."""
    from node.registry import RegistryCopies

    copies = RegistryCopies(settings.database)
    if copies.kind != manifest.database:
        raise BadCallError(
            f"the backup is of {manifest.database}, and the settings say {copies.kind}",
            "Name the settings of the node that was backed up with --config.",
        )
    there = copies.contents()
    if others := copies.others_connected():
        raise BadCallError(
            f"{counted(others, 'connection')} to the registry's database are open",
            "End every part of the node that uses it, on every host.",
        )
    if there.series and not replace:
        raise BadCallError(
            f"the registry holds {counted(there.series, 'series')}, which would be replaced by "
            f"{counted(manifest.series, 'series')} as of {manifest.made_at}",
            "Say --replace if that is what you want, or back it up first.",
        )
    place = registry_file(settings) or Path("registry")
    apart = place.with_name(f"{place.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%S}")
    return there, copies.copy_in(copy, apart)


def _expire_what_has_gone(settings: Settings) -> int:
    """How many finished series lost their files since the backup: they had expired."""
    gone = 0
    with Node(settings) as node:
        now = datetime.now(UTC)
        for uid in node.registry.expirable(Part.SOURCES, Ended.FINISHED, now, _EVERY):
            images = node.registry.instances(uid)
            if images and not any(image.path.exists() for image in images):
                gone += node.registry.begin_expiry(uid, tuple(Part), "they had gone since a backup")
        for each in node.registry.expiring():
            node.spool.delete(each.paths)
            node.registry.end_expiry(each.series_instance_uid)
    return gone


@contextmanager
def _folder(beside: Path) -> Iterator[Path]:
    """A temporary folder on the same disk."""
    if not beside.is_dir():
        raise BadCallError(f"{beside} is no folder", "Name a file in one that is there.")
    with tempfile.TemporaryDirectory(dir=beside, prefix=".perfusion-backup-") as folder:
        yield Path(folder)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
