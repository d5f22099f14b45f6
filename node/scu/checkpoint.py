"""A pause for pynetdicom's reactor that holds: it waits until the reactor stands still."""

import threading

_LOOK_S = 0.05


class Checkpoint(threading.Event):
    """Stands in for an association's ``_reactor_checkpoint``; ``clear`` waits for the reactor.

    Before a request is sent, pynetdicom pauses its reactor thread so that the thread does not
    take the answer off the queue: it clears an event and then reads the flag ``_is_paused``. The
    reactor sets that flag before it waits and unsets it after, so a reactor that is just past a
    wait still counts as paused; it goes on, takes the answer, and the sender waits for one that
    is gone (seen here on a busy machine once in some thousand C-STOREs). This event knows
    whether the reactor really waits.
    """

    def __init__(self, reactor: threading.Thread) -> None:
        super().__init__()
        self._reactor = reactor
        self._changed = threading.Condition()
        self._open = True
        self._parked = False

    def is_set(self) -> bool:
        """Whether the reactor may run."""
        return self._open

    def set(self) -> None:
        """Let the reactor run."""
        with self._changed:
            self._open = True
            self._changed.notify_all()

    def clear(self) -> None:
        """Pause the reactor; returns once it waits, or has ended."""
        with self._changed:
            self._open = False
            while not self._parked and self._reactor.is_alive() and not self._is_own():
                self._changed.wait(_LOOK_S)

    def wait(self, timeout: float | None = None) -> bool:
        """The reactor's side: waits until it may run."""
        with self._changed:
            self._parked = not self._open
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._open, timeout)
            self._parked = False
            return self._open

    def _is_own(self) -> bool:
        # pynetdicom's reactor itself releases at a time-out; it cannot wait for itself
        return threading.current_thread() is self._reactor
