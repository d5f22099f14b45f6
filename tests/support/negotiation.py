"""What a peer answers to the contexts that it is proposed, and what the node proposes itself."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pydicom.uid import UID
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.pdu_primitives import A_ASSOCIATE
from pynetdicom.presentation import build_context

from node.scu.checkpoint import Checkpoint

Pair = tuple[str, str]
MOST = 128
"""Presentation contexts of one association: odd numbers below 256 (PS3.8 9.3.2.2)."""


@contextmanager
def proposing(
    port: int, pairs: Sequence[Pair], extended: Sequence[Any] = (), *, calling: str = "SENDER"
) -> Iterator[Association]:
    """An association that proposes each pair of class and syntax in a context of its own."""
    ae = AE(calling)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 30
    assoc = ae.associate(
        "127.0.0.1",
        port,
        [build_context(sop_class, syntax) for sop_class, syntax in pairs],
        ae_title="PERFUSION",
        ext_neg=list(extended),
        evt_handlers=[(evt.EVT_CONN_OPEN, _pause_safely)],
    )
    try:
        yield assoc
    finally:
        if assoc.is_established:
            assoc.release()


def results_of(port: int, pairs: Sequence[Pair]) -> dict[Pair, int]:
    """The result (PS3.8 table 9-18) of each pair; accepted (0) counts in its own syntax alone."""
    found: dict[Pair, int] = {}
    for few in (pairs[at : at + MOST] for at in range(0, len(pairs), MOST)):
        with proposing(port, few) as assoc:
            answer = assoc.acceptor.primitive
            assert answer.result == 0, "the association is accepted"
            for context, pair in zip(
                answer.presentation_context_definition_results_list, few, strict=True
            ):
                found[pair] = context.result
                if context.result == 0:
                    assert context.transfer_syntax == [UID(pair[1])]
    return found


class Overhearing:
    """A peer that accepts every storage class and keeps the requests of its associations."""

    def __init__(self, classes: Iterable[str]) -> None:
        self.requests: list[A_ASSOCIATE] = []
        ae = AE("PACS")
        for sop_class in classes:
            ae.add_supported_context(sop_class)
        handlers = [
            (evt.EVT_CONN_OPEN, _pause_safely),
            (evt.EVT_REQUESTED, self._requested),
            (evt.EVT_C_STORE, lambda _: 0x0000),
            (evt.EVT_C_FIND, lambda _: iter(())),
            (evt.EVT_N_ACTION, lambda _: (0x0000, None)),
        ]
        self._server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
        self.port = int(self._server.server_address[1])

    def proposed(self) -> set[Pair]:
        """Every pair of every request; each context has one syntax."""
        contexts = [c for r in self.requests for c in r.presentation_context_definition_list]
        assert all(len(context.transfer_syntax) == 1 for context in contexts)
        return {(str(c.abstract_syntax), str(c.transfer_syntax[0])) for c in contexts}

    def close(self) -> None:
        """No more associations."""
        self._server.shutdown()

    def _requested(self, event: evt.Event) -> None:
        self.requests.append(event.assoc.requestor.primitive)


def _pause_safely(event: evt.Event) -> None:
    """Without it pynetdicom's reactor now and then takes the answer that is waited for."""
    event.assoc._reactor_checkpoint = Checkpoint(event.assoc)
