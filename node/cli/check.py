"""``check``: is everything the node needs there, and what to do where it is not."""

import logging
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from node.cli.certificates import certificates
from node.cli.decoders import decoders
from node.cli.findings import Finding
from node.cli.options import ConfigOption, JsonOption, settings_from
from node.cli.output import print_json, print_table
from node.cli.studies import registry_file
from node.errors import NodeError
from node.settings import WebDestination
from node.wiring import Node

if TYPE_CHECKING:
    from node.spool import Mount

_GIB = 2**30
_MORE_ROOM = "Free disk space below data_dir, or keep files for less long: see [retention]."
_POSTGRESQL = "Set database_url to a PostgreSQL server, or put data_dir on a disk of this host."
_CLOCK_S = 2.0
_SYNCHRONISE = (
    "Synchronise this host and the database's with NTP (chrony): leases end by the clock."
)
_RUNTIMES = ("onnxruntime", "onnxruntime-gpu")


def check(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Check settings, model, database, Redis, disk and destinations, and say what to do.

    It changes nothing: what `up` will make is named, not made. Exit code 1 where anything is
    wrong, 2 where the settings are.
    """
    with Node(settings_from(config, level=logging.ERROR)) as node:
        findings = list(look(node))
    if json:
        print_json([asdict(finding) for finding in findings])
    else:
        print_table(
            "The node's parts",
            ("", "Part", "Found, and what to do"),
            (("ok" if f.good else "WRONG", f.what, f.words) for f in findings),
        )
    raise typer.Exit(0 if all(f.good for f in findings) else 1)


def look(node: Node) -> Iterator[Finding]:
    """Every finding, in the order in which an administrator would look."""
    yield Finding("settings", good=True, found="every key is valid")
    yield _data_dir(node)
    yield _disk(node)
    yield _database(node)
    yield from _clock(node)
    yield _redis(node)
    yield from _model(node)
    yield from decoders()
    yield from certificates(node.settings)
    destinations = node.settings.destinations
    if not destinations:
        yield Finding("destinations", False, "none", "Add [[destinations]] to the settings.")
    for destination in destinations:
        yield (answer := _destination(node, destination.name))
        if destination.name in node.committing() and answer.good:
            yield _commitment(node, destination.name)


def _mount_of(path: Path) -> "Mount | None":
    from node.spool import mount_of  # and with it all that reads images: not for every command

    return mount_of(path)


def _data_dir(node: Node) -> Finding:
    folder = node.settings.data_dir.resolve()
    there = _existing(folder)
    if not there.is_dir():
        return Finding("data_dir", False, f"{there} is a file", "Point data_dir at a folder.")
    if not os.access(there, os.W_OK | os.X_OK):
        remedy = "Point data_dir at a folder that this user may write to, or change its owner."
        return Finding("data_dir", False, f"{there} cannot be written to", remedy)
    made = "" if there == folder else ", not there yet: `perfusion-node up` makes it"
    mount = _mount_of(folder)
    if mount is None or not mount.is_shared:
        return Finding("data_dir", good=True, found=f"{folder}{made}")
    where = f"{folder}{made}, on {mount.kind} ({mount.source})"
    if complaint := mount.complaint():
        return Finding("data_dir", False, f"{where}: {complaint[0]}", complaint[1])
    return Finding("data_dir", good=True, found=where)


def _disk(node: Node) -> Finding:
    free_gib = shutil.disk_usage(_existing(node.settings.data_dir.resolve())).free / _GIB
    marks = node.settings.spool
    found = f"{free_gib:.1f} GiB free, of which {marks.min_free_gib:.1f} GiB are kept free"
    if free_gib < marks.min_free_gib:
        return Finding("disk", False, f"{found}: nothing is received", _MORE_ROOM)
    if free_gib < marks.low_free_gib:
        found = f"{found}, under the mark of {marks.low_free_gib:.1f} GiB"
        return Finding("disk", False, f"{found}: finished studies expire early", _MORE_ROOM)
    return Finding("disk", good=True, found=found)


def _existing(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    return next(p for p in (path, *path.parents) if p.exists())


def _database(node: Node) -> Finding:
    file = registry_file(node.settings)
    if file is not None and (mount := _mount_of(file)) and mount.is_shared:
        found = (
            f"SQLite on {mount.kind} ({mount.source}), which several hosts can share: it is for one"
        )
        return Finding("database", False, found, _POSTGRESQL)
    if file is not None and not file.exists():
        return Finding("database", good=True, found="none yet: `perfusion-node up` makes it")
    try:
        node.registry.counts()
    except NodeError as fault:
        return Finding("database", good=False, found=str(fault), remedy=fault.remedy)
    return Finding("database", good=True, found="answers")


def _clock(node: Node) -> Iterator[Finding]:
    """Leases say until when, and every host judges that by its own clock."""
    if registry_file(node.settings) is not None:
        return
    try:
        ahead_s = node.registry.ahead_s()
    except NodeError:  # told as the database's finding
        return
    way = "ahead of" if ahead_s > 0 else "behind"
    found = f"{abs(ahead_s):.1f} s {way} the database server's"
    good = abs(ahead_s) <= _CLOCK_S
    yield Finding("clock", good, found, "" if good else _SYNCHRONISE)


def _redis(node: Node) -> Finding:
    if not node.settings.redis_url:
        return Finding("redis", good=True, found="embedded: `perfusion-node up` starts it")
    return _answer("redis", node.probes().redis(), "Check redis_url and the Redis server.")


def _model(node: Node) -> Iterator[Finding]:
    """ONNX Runtime, and the model loaded and run as a worker does at its start."""
    runtimes = [f"{name} {found}" for name in _RUNTIMES if (found := _installed(name))]
    if len(runtimes) > 1:
        remedy = "Uninstall both and install one: they overwrite each other's files."
        yield Finding("onnxruntime", False, " and ".join(runtimes), remedy)
    elif runtimes:
        yield Finding("onnxruntime", good=True, found=runtimes[0])
    yield _network(node, "model", None)
    named = {rule.model for rule in node.settings.analysis.rules if rule.model}
    for path in sorted(named):
        yield _network(node, f"model {path.stem} of analysis.rules", path)


def _network(node: Node, name: str, path: Path | None) -> Finding:
    try:
        estimator = node.model_at(path).estimator
    except NodeError as fault:
        return Finding(name, good=False, found=str(fault), remedy=fault.remedy)
    found = f"{estimator.name} {estimator.version}, sha256 {estimator.sha256[:12]}, loaded and run"
    return Finding(name, good=True, found=found)


def _installed(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def _answer(what: str, wrong: str | None, remedy: str) -> Finding:
    return Finding(what, wrong is None, wrong or "answers", "" if wrong is None else remedy)


def _commitment(node: Node, name: str) -> Finding:
    what, scp = f"commitment {name}", node.settings.scp
    try:
        commits = node.commitment_scp(name).commits()
    except NodeError as fault:
        return Finding(what, good=False, found=str(fault), remedy=fault.remedy)
    if not commits:
        found = "it does not accept storage commitment"
        remedy = "Switch it on there for this node, or set commitment = false for it."
        return Finding(what, good=False, found=found, remedy=remedy)
    back = f"replies come to {scp.ae_title} at port {scp.port} of this machine"
    return Finding(what, good=True, found=f"it accepts storage commitment; {back}")


def _destination(node: Node, name: str) -> Finding:
    what = f"destination {name}"
    try:
        pacs = node.pacs(name)
        took_s = pacs.echo()
    except NodeError as fault:
        return Finding(what, good=False, found=str(fault), remedy=fault.remedy)
    found = f"answered {pacs.question} in {took_s * 1000:.0f} ms"
    destination = node.settings.destination(name)
    if isinstance(destination, WebDestination) and destination.shows_credentials:
        found += "; its credentials can be read on the way: https:// hides them"
    return Finding(what, good=True, found=found)
