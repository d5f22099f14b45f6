"""Hosts on one machine: each has a network, processes and a name of its own, on one switch.

Made inside :func:`tests.support.namespace.in_a_network_of_its_own`, whose network becomes the
switch, with the address ``HERE``.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.peers import require
from tests.support.running_node import ROOT, wait_for

HERE = "10.77.0.1"
_SWITCH = "switch"


@dataclass
class Host:
    """One host.

    Parameters
    ----------
    name, address
        As its own processes and the others see it.
    link
        The port of the switch that its cable goes to.
    holder
        Which lives as long as the host does.
    pid
        Of its first process.
    """

    name: str
    address: str
    link: str
    holder: subprocess.Popen[bytes]
    pid: int
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(
        self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """A process of this host; what it says goes to ``log``."""
        enter = ["nsenter", f"--target={self.pid}", "--net", "--pid", "--uts", "--mount", "--"]
        with log.open("ab") as out:
            process = subprocess.Popen(
                [*enter, *command],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
            )
        self.started.append(process)
        return process

    def python(self, *arguments: str, log: Path) -> subprocess.Popen[bytes]:
        """A process of the node's own Python."""
        return self.start([sys.executable, *arguments], log)

    def cut_off(self) -> None:
        """The cable is pulled: nothing arrives, and nobody is told."""
        _ip("link", "set", self.link, "down")

    def reconnect(self) -> None:
        """The cable is back."""
        _ip("link", "set", self.link, "up")

    def lose_power(self) -> None:
        """Every process ends at once, and no connection says goodbye."""
        self.cut_off()
        self.end()

    def end(self) -> None:
        """Every process of it ends."""
        self.holder.kill()
        self.holder.wait()
        for process in self.started:
            process.wait()


@contextmanager
def hosts(*names: str) -> Iterator[tuple[Host, ...]]:
    """Hosts of these names, connected, until the block ends."""
    for program, package in (("ip", "iproute2"), ("nsenter", "util-linux")):
        require(program, package=package)
    _ip("link", "add", _SWITCH, "type", "bridge")
    _ip("address", "add", f"{HERE}/24", "dev", _SWITCH)
    _ip("link", "set", _SWITCH, "up")
    with ExitStack() as running:
        yield tuple(
            running.enter_context(_host(name, number)) for number, name in enumerate(names, 11)
        )


@contextmanager
def _host(name: str, number: int) -> Iterator[Host]:
    unshare = [require("unshare", package="util-linux"), "--net", "--pid", "--uts"]
    first = f"hostname {name} && exec sleep infinity"
    holder = subprocess.Popen(
        [*unshare, "--mount-proc", "--fork", "--kill-child", "--", "sh", "-c", first],
        stdin=subprocess.DEVNULL,
    )
    try:
        pid = wait_for(lambda: _first_process(holder.pid), f"host {name} is up")
        host = Host(name, f"10.77.0.{number}", f"port{number}", holder, pid)
        _connect(host)
        yield host
        host.end()
    finally:
        holder.kill()
        holder.wait()


def _first_process(holder: int) -> int:
    """The pid of a host's first process once it is set up; 0 before."""
    children = Path(f"/proc/{holder}/task/{holder}/children").read_text().split()
    if not children or Path(f"/proc/{children[0]}/comm").read_text().strip() != "sleep":
        return 0
    return int(children[0])


def _connect(host: Host) -> None:
    _ip("link", "add", host.link, "type", "veth", "peer", "name", "eth0", "netns", str(host.pid))
    _ip("link", "set", host.link, "master", _SWITCH, "up")
    inside = ["nsenter", f"--target={host.pid}", "--net", "--"]
    for words in (
        "link set lo up",
        f"address add {host.address}/24 dev eth0",
        "link set eth0 up",
    ):
        subprocess.run([*inside, "ip", *words.split()], check=True)


def _ip(*words: str) -> None:
    subprocess.run([shutil.which("ip") or "/usr/sbin/ip", *words], check=True)
