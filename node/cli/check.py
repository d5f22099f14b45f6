"""``check``: is everything the node needs there, and what to do where it is not."""

from collections.abc import Iterator
from dataclasses import dataclass

import typer

from node.cli.options import ConfigOption, JsonOption, settings_from
from node.cli.output import print_json, print_table
from node.errors import NodeError
from node.status import Probes
from node.wiring import Node


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    good: bool
    found: str
    remedy: str = ""


def check(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Check settings, model, database, Redis, disk and destinations, and say what to do.

    Exit code 1 where anything is wrong.
    """
    with Node(settings_from(config)) as node:
        findings = list(look(node.probes(), embedded_redis=not node.settings.redis_url))
    if json:
        print_json(findings)
    else:
        print_table(
            "The node's parts",
            ("Part", "", "Found", "What to do"),
            ((f.what, "well" if f.good else "WRONG", f.found, f.remedy) for f in findings),
        )
    raise typer.Exit(0 if all(f.good for f in findings) else 1)


def look(probes: Probes, *, embedded_redis: bool) -> Iterator[Finding]:
    """Every finding, in the order in which an administrator would look.

    Parameters
    ----------
    probes
        How to ask each part.
    embedded_redis
        Whether ``up`` brings its own Redis, so that none answering now is no fault.
    """
    yield Finding("settings", good=True, found="every key is valid")
    yield _model(probes)
    yield _answer("database", probes.database(), "Check database_url or the disk below data_dir.")
    if embedded_redis:
        yield Finding("redis", good=True, found="embedded: `perfusion-node up` starts it")
    else:
        yield _answer("redis", probes.redis(), "Check redis_url and the Redis server.")
    disk = probes.disk()
    room = (
        f"{disk.free_bytes / 2**30:.1f} GiB free, {disk.min_free_bytes / 2**30:.1f} GiB kept free"
    )
    full = disk.free_bytes <= disk.min_free_bytes
    yield Finding("disk", not full, room, "Free disk space below data_dir." if full else "")
    destinations = probes.destinations()
    if not destinations:
        yield Finding(
            "destinations", good=False, found="none", remedy="Add [[destinations]] to the settings."
        )
    for destination in destinations:
        yield _destination(probes, destination.name)


def _model(probes: Probes) -> Finding:
    try:
        estimator = probes.model()
    except NodeError as fault:
        return Finding("model", good=False, found=str(fault), remedy=fault.remedy)
    if estimator is None:
        return Finding("model", False, "there is none", "Point model.path at a model.")
    found = f"{estimator.name} {estimator.version}, sha256 {estimator.sha256[:12]}"
    return Finding("model", good=True, found=found)


def _answer(what: str, wrong: str | None, remedy: str) -> Finding:
    return Finding(what, wrong is None, wrong or "answers", "" if wrong is None else remedy)


def _destination(probes: Probes, name: str) -> Finding:
    what = f"destination {name}"
    try:
        took_s = probes.echo(name)
    except NodeError as fault:
        return Finding(what, good=False, found=str(fault), remedy=fault.remedy)
    return Finding(what, good=True, found=f"answered a C-ECHO in {took_s * 1000:.0f} ms")
