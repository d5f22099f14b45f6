"""The certificates of the settings: whether they can be used, and how long."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from node import tls
from node.cli.findings import Finding
from node.errors import SettingsError
from node.settings import Settings, TlsFiles

_WARNING = timedelta(days=30)


def certificates(settings: Settings) -> Iterator[Finding]:
    """A finding for each file of certificates, and for what cannot be used though it is there."""
    if (own := settings.scp.tls) is not None:
        yield from _of("scp.tls", own, lambda: tls.acceptor(own))
    for destination in settings.destinations:
        if (files := destination.tls) is not None:
            key = f"destination {destination.name}"
            yield from _of(key, files, lambda f=files, k=key: tls.requestor(f, k))  # type: ignore[misc]


def _of(key: str, files: TlsFiles, use: Callable[[], object]) -> Iterator[Finding]:
    named = (("cert", files.cert), ("ca", files.ca))
    found = [_lasting(f"{key} {name}", path) for name, path in named if path is not None]
    yield from found
    if all(each.good for each in found):
        try:
            use()
        except SettingsError as fault:
            yield Finding(key, good=False, found=str(fault), remedy=fault.remedy)


def _lasting(what: str, path: Path) -> Finding:
    try:
        end = tls.expiry(path)
    except SettingsError as fault:
        return Finding(what, good=False, found=str(fault), remedy=fault.remedy)
    left = end - datetime.now(UTC)
    if left < timedelta():
        return Finding(what, False, f"{path} ended on {end:%Y-%m-%d}", "Have it renewed now.")
    found = f"{path} ends on {end:%Y-%m-%d}, in {left.days} d"
    if left < _WARNING:
        return Finding(what, False, found, "Have it renewed; the node reads it again by itself.")
    return Finding(what, good=True, found=found)
