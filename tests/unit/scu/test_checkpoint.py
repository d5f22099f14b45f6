"""The pause of pynetdicom's reactor holds."""

import threading

from node.scu.checkpoint import Checkpoint


class Reactor(threading.Thread):
    """Waits at a checkpoint, works until told, and comes back."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.checkpoint = Checkpoint(self)
        self.working, self.finish, self.end = (threading.Event() for _ in range(3))

    def run(self) -> None:
        while not self.end.is_set():
            self.checkpoint.wait()
            self.working.set()
            self.finish.wait()


def test_a_reactor_just_past_its_wait_does_not_count_as_paused() -> None:
    """The pause returns only once the reactor waits: until then it could take an answer."""
    reactor = Reactor()
    reactor.start()
    assert reactor.working.wait(10)
    paused = threading.Event()
    pausing = threading.Thread(target=lambda: (reactor.checkpoint.clear(), paused.set()))
    pausing.start()
    assert not paused.wait(0.3)  # it still works: no pause yet
    reactor.finish.set()
    assert paused.wait(10)
    reactor.end.set()
    reactor.checkpoint.set()
    reactor.join(10)
    assert not reactor.is_alive()


def test_a_pause_of_a_reactor_that_has_ended_returns() -> None:
    """Nobody is left to wait for."""
    reactor = Reactor()
    reactor.end.set()
    reactor.start()
    reactor.join(10)
    reactor.checkpoint.clear()
    assert not reactor.checkpoint.is_set()


def test_a_reactor_that_pauses_itself_goes_on() -> None:
    """An idle association is released by the reactor itself."""
    done = threading.Event()
    reactor = threading.Thread(target=lambda: (Checkpoint(reactor).clear(), done.set()))
    reactor.start()
    assert done.wait(10)
