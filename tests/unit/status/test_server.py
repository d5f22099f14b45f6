"""The server's beginning and end."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from node.errors import SettingsError
from node.status import create_app, serve
from node.status.server import _listener
from tests.support import night
from tests.support.fake_archive import FakeArchive
from tests.support.running_node import free_port, wait_for
from tests.support.serving import answers

ROOT = Path(__file__).parents[3]
SCRIPT = """
from node.status import create_app, serve
from node.status.server import _listener
from tests.support import night
serve(create_app(night.archive(), night.probes()), "127.0.0.1", {port})
print("came back", flush=True)
"""
# The signal arrives before uvicorn has handlers of its own.
EARLY = """
run = uvicorn.Server.run
def stopped_first(server, **more):
    os.kill(os.getpid(), signal.SIGTERM)
    run(server, **more)
uvicorn.Server.run = stopped_first
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_cleanly(number: signal.Signals) -> None:
    """After SIGTERM or SIGINT serve returns, its caller goes on, and the process exits 0."""
    port = free_port()
    command = [sys.executable, "-c", SCRIPT.format(port=port)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        wait_for(lambda: answers(f"http://127.0.0.1:{port}"), "the page answers")
        process.send_signal(number)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert said.endswith(b"came back\n")


def test_a_signal_that_comes_while_the_server_begins_is_not_lost() -> None:
    """Stopped in the moment of its start, it ends and does not have to be killed."""
    early = SCRIPT.replace("serve(", "import os, signal, uvicorn\n" + EARLY + "serve(", 1)
    command = [sys.executable, "-c", early.format(port=free_port())]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0
    assert done.stdout.endswith(b"came back\n")


def test_a_port_that_is_taken_names_the_setting() -> None:
    """Where another program listens, the remedy names the keys to change."""
    app = create_app(FakeArchive(), night.probes())
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SettingsError, match=f"cannot listen on 127.0.0.1:{port}") as fault:
            serve(app, "127.0.0.1", port)
    assert "status.port" in fault.value.remedy


def test_a_host_that_does_not_exist_names_the_setting() -> None:
    """A name that means no address of this machine is a mistake in the settings."""
    app = create_app(FakeArchive(), night.probes())
    with pytest.raises(SettingsError, match="cannot listen"):
        serve(app, "no-such-host.invalid", 8050)


def test_answers_do_not_wait_for_acknowledgements() -> None:
    """Head and body of an answer go out at once: Nagle would hold the body for 40 ms."""
    with _listener("127.0.0.1", 0) as listener:
        assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        with socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
            with accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
