"""What ``up`` needs for itself: its folder, and the ports it listens on."""

import fcntl
import os
import socket
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from node.cli.options import BadCallError
from node.errors import SettingsError
from node.settings import Settings


@contextmanager
def claimed(data_dir: Path) -> Iterator[None]:
    """The folder is this process's while the block lasts; made where it is missing.

    The kernel holds the claim, not the file: it ends with the process, however that ends, and
    there is never a file to delete. The file only names the process for people.

    Raises
    ------
    BadCallError
        If another node runs on the folder.
    SettingsError
        If the folder cannot be made or written to.
    """
    folder = data_dir.resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        claim = (folder / "node.claim").open("a+")
    except OSError as fault:
        raise SettingsError(
            f"data_dir: {folder} cannot be written to: {fault.strerror}",
            "Point data_dir at a folder that this user may write to, or change its owner.",
        ) from fault
    with claim:
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            claim.seek(0)
            raise BadCallError(
                f"another node (process {claim.read().strip()}) runs on {folder}",
                "End that one first, or give this one its own data_dir and ports.",
            ) from None
        claim.truncate(0)
        claim.write(f"{os.getpid()}\n")
        claim.flush()
        yield


@contextmanager
def in_use(data_dir: Path) -> Iterator[None]:
    """A part of the node uses the folder while the block lasts; any number may at once.

    Raises
    ------
    BadCallError
        If its registry is being restored.
    """
    with _held(data_dir, fcntl.LOCK_SH, "its registry is being restored", "Wait until it is."):
        yield


@contextmanager
def unused(data_dir: Path) -> Iterator[None]:
    """No part of the node uses the folder while the block lasts.

    Raises
    ------
    BadCallError
        If one does.
    """
    found = "a part of the node (scp, worker or status) uses it"
    with _held(data_dir, fcntl.LOCK_EX, found, "End every part of it first."):
        yield


@contextmanager
def _held(data_dir: Path, how: int, found: str, remedy: str) -> Iterator[None]:
    folder = data_dir.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "parts.claim").open("a") as file:
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadCallError(f"{folder}: {found}", remedy) from None
        yield


def require_free_ports(settings: Settings, sections: Collection[str] = ("scp", "status")) -> None:
    """Returns if the ports of these sections can be listened on.

    Raises
    ------
    SettingsError
        If one cannot; each that cannot is named.
    """
    places = {
        "scp": (settings.scp.host, settings.scp.port),
        "status": (settings.status.host, settings.status.port),
    }
    problems = []
    with ExitStack() as held:  # both at once, so that one port for two parts is found too
        for section in sections:
            host, port = places[section]
            try:
                held.enter_context(_listening(host, port))
            except OSError as fault:
                where = f"{host}:{port}"
                problems.append(
                    f"{section}.host and {section}.port: {where} cannot be listened on: "
                    f"{str(fault.strerror).partition(' (')[0]}"
                )
    if problems:
        raise SettingsError(
            "\n".join(problems),
            "End what listens there (see: ss -ltnp), or choose a free address of this machine.",
        )


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)
