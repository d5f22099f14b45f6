"""pynetdicom's server, with what this listener does otherwise."""

import socket
from collections.abc import Callable
from typing import cast

from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.transport import RequestHandler, ThreadedAssociationServer

from node.settings import ScpSettings


class Server(ThreadedAssociationServer):
    """pynetdicom's server; a burst of senders waits in the backlog instead of being refused."""

    request_queue_size = 128
    daemon_threads = True
    on_accepted: Callable[[socket.socket, str], socket.socket | None]
    on_connected: Callable[[Association, socket.socket], None]
    on_tick: Callable[[], None]

    def __init__(self, ae: AE, settings: ScpSettings) -> None:
        self._shares_port = settings.processes > 1
        super().__init__(
            ae,
            (settings.host, settings.port),
            settings.ae_title,
            ae.supported_contexts,
            request_handler=_Connection,
        )

    def server_bind(self) -> None:
        """As pynetdicom's; of processes that share a port the kernel chooses (socket(7))."""
        if self._shares_port:
            cast(socket.socket, self.socket).setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        super().server_bind()

    def service_actions(self) -> None:
        """What socketserver does a few times a second, whether anyone comes or not."""
        self.on_tick()


class _Connection(RequestHandler):
    """A connection that was just accepted, in a thread of its own."""

    server: Server

    def handle(self) -> None:
        """As pynetdicom's, over TLS where it is asked for: a handshake holds up nobody else."""
        if (sock := self.server.on_accepted(self.request, self.client_address[0])) is not None:
            self.request = sock
            super().handle()

    def _create_association(self) -> Association:
        assoc = super()._create_association()
        self.server.on_connected(assoc, self.request)
        return assoc
