"""What is told, when, and how often: a digest that survives restarts."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from node.alerts import ChannelError, Digest
from node.jobs.alerting import Watch
from node.jobs.troubles import troubles
from node.ports import Reason, Wake
from node.settings import AlertSettings, Settings, SpoolSettings
from node.wiring import Node
from tests.support import registered as r

START = datetime.now(UTC)


class Way:
    """A way to people that keeps what it was given, or takes nothing."""

    def __init__(self) -> None:
        self.messages: list[Digest] = []
        self.away = False

    @property
    def name(self) -> str:
        return "pigeon"

    def send(self, message: Digest) -> None:
        if self.away:
            raise ChannelError("the pigeon is away")
        self.messages.append(message)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        return self.time

    def pass_by(self, **time: float) -> None:
        self.time += timedelta(**time)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    settings = Settings(
        data_dir=tmp_path,
        spool=SpoolSettings(low_free_gib=0, min_free_gib=0),
        alerts=AlertSettings(first_s=60, digest_minutes=15, remind_hours=24),
    )
    with Node(settings) as node:
        yield node


@pytest.fixture
def way() -> Way:
    return Way()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def fail(node: Node, series: str = r.SERIES) -> None:
    r.complete(node.registry, series)
    lease = node.registry.lease(Wake("analyse", series), "a", now=r.now(), until=r.now(60))
    assert lease is not None
    reason = Reason("inference", "the GPU was lost", "Look at the driver.")
    node.registry.fault(lease, reason, now=r.now(), next_try_at=None)


def told(way: Way) -> list[tuple[int, int, int]]:
    return [(len(m.new), len(m.lasting), len(m.over)) for m in way.messages]


def step(node: Node, way: Way, clock: Clock, **time: float) -> None:
    """A look after some time; by a new process each time, so that nothing hangs on memory."""
    clock.pass_by(**time)
    clock.pass_by(minutes=3)  # the claim of the process before has ended
    Watch(node, [way], clock).step()


def test_a_trouble_is_told_once_and_its_end_once(node: Node, way: Way, clock: Clock) -> None:
    """Across restarts: new, then nothing, then a reminder after a day, then that it is over."""
    step(node, way, clock)  # seen; too young to be told
    assert told(way) == []
    step(node, way, clock)
    assert told(way) == [(2, 0, 0)]  # no worker for either queue
    step(node, way, clock, hours=1)
    step(node, way, clock, hours=1)
    assert told(way) == [(2, 0, 0)]
    step(node, way, clock, hours=24)
    assert told(way)[1:] == [(0, 2, 0)]
    fail(node)
    step(node, way, clock)
    step(node, way, clock, hours=1)
    assert told(way)[2:] == [(1, 0, 0)]
    node.registry.retry(r.SERIES)
    step(node, way, clock, hours=1)
    assert told(way)[3:] == [(0, 0, 1)]


def test_what_comes_soon_after_a_message_waits_and_comes_together(
    node: Node, way: Way, clock: Clock
) -> None:
    """A night on which everything fails is a few messages, not hundreds."""
    step(node, way, clock)
    step(node, way, clock)
    for number in range(4):
        fail(node, f"1.2.3.{number}")
        step(node, way, clock)
    assert [new for new, _, _ in told(way)] == [2]
    step(node, way, clock, minutes=15)
    assert [new for new, _, _ in told(way)] == [2, 4]


def test_nothing_is_lost_while_nobody_can_be_told(node: Node, way: Way, clock: Clock) -> None:
    """A way that fails is tried again after a pause that grows, and then told what it missed."""
    way.away = True
    watch = Watch(node, [way], clock)
    attempts = 0
    for _ in range(40):
        clock.pass_by(seconds=15)
        before = watch._failures
        watch.step()
        attempts += watch._failures - before
    assert 2 <= attempts <= 6
    way.away = False
    clock.pass_by(hours=1)
    watch.step()
    (message,) = way.messages
    assert len(message.new) == 3  # no workers, and that the way itself had failed


def test_one_way_that_fails_is_told_by_the_other(node: Node, way: Way, clock: Clock) -> None:
    """Whoever has a webhook learns that the mail does not go out."""
    broken = Way()
    broken.away = True
    watch = Watch(node, [way, broken], clock)
    for _ in range(4):
        clock.pass_by(minutes=16)
        watch.step()
    words = way.messages[1].text
    assert "the pigeon is away" in words


def test_a_series_is_named_by_its_end_unless_it_may_be_whole(node: Node) -> None:
    """A mail leaves the hospital easily: no name, no ID, and no whole UID."""
    uid = "1.2.840.99999.1234567890123"
    fail(node, uid)
    (alert,) = (a for a in troubles(node, START) if a.key.startswith("failed"))
    assert alert.found == "Series ...4567890123 failed: the GPU was lost"
    node.settings = node.settings.model_copy(update={"alerts": AlertSettings(study_uids=True)})
    (alert,) = (a for a in troubles(node, START) if a.key.startswith("failed"))
    assert uid in alert.found


def test_a_series_that_waits_long_is_a_trouble(node: Node) -> None:
    """Long for a stroke: half an hour after its last image, whatever keeps it."""
    r.complete(node.registry)
    assert not [a for a in troubles(node, r.now()) if a.key.startswith("waiting")]
    (late,) = (a for a in troubles(node, r.now(31 * 60)) if a.key.startswith("waiting"))
    assert "since 31 min; it is COMPLETE" in late.found
