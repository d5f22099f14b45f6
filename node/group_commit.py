"""Group commit: who asks while a synchronisation runs shares the next one.

A disk takes as long to make one file's name durable as ten files' names, and a database to
commit one row as ten. Threads that need either at the same time need not queue for it: the first
does it at once, for all who are waiting by then (Gawlick and Kinkade, "Varieties of concurrency
control in IMS/VS Fast Path", 1985). Alone, nobody waits for anybody.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from node.errors import NodeError

Request = TypeVar("Request")
Answer = TypeVar("Answer")


@dataclass(eq=False)
class _Ticket(Generic[Request, Answer]):
    """What one caller asked for, and what came of it."""

    request: Request
    done: bool = False
    answer: Answer | None = None


class GroupCommit(Generic[Request, Answer]):
    """Callers of several threads, served together.

    Parameters
    ----------
    together
        Serves some requests at once, all or none of them, and gives an answer to each, in their
        order. It is never called by two threads at a time. Where it fails with several requests,
        it is called again with each alone, in the thread that asked: one at fault fails no other.
    """

    def __init__(self, together: Callable[[Sequence[Request]], Sequence[Answer]]) -> None:
        self._together = together
        self._turn, self._door = threading.Lock(), threading.Lock()
        self._waiting: list[_Ticket[Request, Answer]] = []

    def __call__(self, request: Request) -> Answer:
        """The answer to a request, once it is served, alone or with others; faults are its own."""
        ticket: _Ticket[Request, Answer] = _Ticket(request)
        with self._door:
            self._waiting.append(ticket)
        with self._turn:
            if not ticket.done:
                self._serve(ticket)
        return cast(Answer, ticket.answer)

    def _serve(self, ticket: _Ticket[Request, Answer]) -> None:
        """Serves whoever waits; a ticket that waits no more was in vain tried with others."""
        with self._door:
            tickets = [ticket]
            if ticket in self._waiting:
                tickets, self._waiting = self._waiting, []
        if len(tickets) == 1 or not self._served(tickets):
            (ticket.answer,) = self._together([ticket.request])

    def _served(self, tickets: Sequence[_Ticket[Request, Answer]]) -> bool:
        """Whether all could be served together."""
        try:
            answers = self._together([ticket.request for ticket in tickets])
        except NodeError:
            return False
        for ticket, answer in zip(tickets, answers, strict=True):
            ticket.answer, ticket.done = answer, True
        return True
