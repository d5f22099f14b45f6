"""The status page on a free port of this machine, as long as a test needs it."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from fastapi import FastAPI

from node.status import serve
from tests.support.running_node import free_port, wait_for


@contextmanager
def served(app: FastAPI, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """The address of the running app, over a real socket."""
    port, stop = free_port(), threading.Event()
    how = {"stop": stop, "tls": tls}
    thread = threading.Thread(target=serve, args=(app, "127.0.0.1", port), kwargs=how)
    thread.start()
    address = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    try:
        wait_for(lambda: answers(address), f"{address} answers")
        yield address
    finally:
        stop.set()
        thread.join(timeout=30)
        assert not thread.is_alive(), "the server did not stop"


def answers(address: str) -> bool:
    """Whether a server answers at this address."""
    try:
        return httpx.get(f"{address}/health/live", verify=False).status_code == 200  # noqa: S501 - whether, not who
    except httpx.TransportError:
        return False
