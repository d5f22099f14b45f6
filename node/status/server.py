"""The web server, until somebody asks it to stop."""

import signal
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from node import log
from node.errors import SettingsError

DRAIN_S = 3
"""How long requests under way may take to end after the stop [s]."""
IS_CLOSING = "node.is_closing"
"""In a request's scope: a callable that says whether the server is about to end."""
_log = log.get("status")


def serve(
    app: FastAPI,
    host: str,
    port: int,
    *,
    tls: ssl.SSLContext | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Serves the page; returns after SIGTERM or SIGINT, or once ``stop`` is set.

    Parameters
    ----------
    app
        From :func:`node.status.create_app`.
    host, port
        Where to listen.
    tls
        What handshakes are answered with: then it is served by https.
    stop
        For a server that runs in a thread of a larger process, where signals go elsewhere.

    Raises
    ------
    SettingsError
        If it cannot listen there.
    """

    async def told(scope: Scope, receive: Receive, send: Send) -> None:
        # a stream ends with the server by itself, instead of being cut off after DRAIN_S
        await app({**scope, IS_CLOSING: lambda: server.should_exit}, receive, send)

    listener = _listener(host, port)
    config = uvicorn.Config(
        told,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # whom to believe is for the doorkeeper to say
        timeout_graceful_shutdown=DRAIN_S,
    )
    config.load()
    config.ssl = tls
    server = uvicorn.Server(config)
    if stop is not None:
        threading.Thread(target=_end_on, args=(stop, server), daemon=True).start()
    _log.info("page_opened", host=host, port=port)
    with listener, _signals_end_only(server):
        server.run(sockets=[listener])
    _log.info("page_closed", host=host, port=port)


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=128)
    except OSError as problem:
        raise SettingsError(
            f"the status page cannot listen on {host}:{port}: {problem.strerror}",
            remedy="Set status.host and status.port to an address of this machine that is free.",
        ) from problem
    # connections inherit it; without it head and body wait 40 ms for one another (Nagle), and
    # asyncio sets it only where the socket names its protocol, which this one does not
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _end_on(stop: threading.Event, server: uvicorn.Server) -> None:
    stop.wait()
    server.should_exit = True


@contextmanager
def _signals_end_only(server: uvicorn.Server) -> Iterator[None]:
    """Lets SIGTERM and SIGINT end the server without ending the process by signal.

    uvicorn raises the signal that it caught again once it has stopped, under the handler that
    was there before it: here one that only asks for the end, so that the caller goes on and
    exits 0, and one that comes before uvicorn has its own is not lost.
    """

    def end(*_: object) -> None:
        server.should_exit = True

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number in before:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
