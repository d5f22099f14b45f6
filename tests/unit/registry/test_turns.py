"""Senders take turns: nobody's study waits for all of somebody else's."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.ports import Lease, Reason, SeriesState, Wake
from node.registry import Registry, open_registry
from node.registry.turns import IN_TURN
from tests.support import registered as r


def waits(registry: Registry, *series: str, of: str, priority: int = 0) -> None:
    """Series of a sender that are complete, in this order."""
    for uid in series:
        header = r.header(series=uid)
        registry.record(header, r.kept(), calling_ae_title=of, ignored=False)
        seen = next(s for s in registry.receiving() if s.series_instance_uid == uid)
        assert registry.complete(seen, now=r.now(), note="whole", priority=priority)


def taken(registry: Registry) -> Lease:
    """The series that a worker takes up now."""
    uid = registry.most_urgent(r.now())[0]
    lease = registry.lease(Wake("analyse", uid), "a", now=r.now(), until=r.now(60))
    assert lease is not None
    return lease


def ended(registry: Registry, lease: Lease) -> None:
    registry.finish(lease, r.outcome(objects=0, reason=r.REFUSED), destinations={}, now=r.now())


def served(registry: Registry, number: int) -> list[str]:
    """Who is served next, by one worker, so many times."""
    senders = []
    for _ in range(number):
        lease = taken(registry)
        senders.append(registry.series(lease.series_instance_uid).calling_ae_title)
        ended(registry, lease)
    return senders


def names(sender: str, number: int) -> Iterable[str]:
    return (f"1.{len(sender)}.{ord(sender[0])}.{n}" for n in range(number))


def test_a_single_study_is_second_behind_fifty_of_another_sender(registry: Registry) -> None:
    """The many came first and have their first turn; then it is the other's."""
    waits(registry, *names("BUSY", 50), of="BUSY")
    waits(registry, *names("RARE", 1), of="RARE")
    assert served(registry, 4) == ["BUSY", "RARE", "BUSY", "BUSY"]


def test_senders_take_turns_for_as_long_as_they_have_something_waiting(registry: Registry) -> None:
    """Each goes round once; whoever has nothing left keeps nobody waiting."""
    for sender, number in (("A", 4), ("B", 3), ("C", 1)):
        waits(registry, *names(sender, number), of=sender)
    assert served(registry, 8) == ["A", "B", "C", "A", "B", "A", "B", "A"]


def test_a_sender_that_was_just_served_comes_after_one_that_was_not(registry: Registry) -> None:
    """A turn is not forgotten while nothing waits: whoever was served longest ago is next."""
    waits(registry, "1.1", of="A")
    ended(registry, taken(registry))
    waits(registry, "1.2", of="A")
    waits(registry, "1.3", of="B")
    assert registry.most_urgent(r.now()) == ["1.3", "1.2"]


def test_several_workers_serve_several_senders(registry: Registry) -> None:
    """Whoever has the fewest series in work is next, however long a series of theirs takes."""
    waits(registry, *names("BUSY", 6), of="BUSY")
    first = taken(registry)
    waits(registry, *names("RARE", 2), of="RARE")
    leases = [taken(registry) for _ in range(3)]
    who = [registry.series(x.series_instance_uid).calling_ae_title for x in (first, *leases)]
    assert who == ["BUSY", "RARE", "BUSY", "RARE"]
    assert {registry.series(x.series_instance_uid).state for x in leases} == {SeriesState.ANALYSING}


def test_the_list_alternates_for_workers_that_take_the_first_that_is_free(
    registry: Registry,
) -> None:
    """A worker that finds the first one taken goes to the next, and that is fair too."""
    waits(registry, "1.1", "1.2", "1.3", of="A")
    waits(registry, "2.1", "2.2", of="B")
    assert registry.most_urgent(r.now()) == ["1.1", "2.1", "1.2", "2.2", "1.3"]
    assert registry.most_urgent(r.now(), limit=3) == ["1.1", "2.1", "1.2"]


def test_priority_comes_before_turns(registry: Registry) -> None:
    """What is urgent is first, whoever sends it; among what is urgent, senders take turns."""
    waits(registry, "1.1", "1.2", of="A", priority=5)
    waits(registry, "2.1", of="B")
    waits(registry, "3.1", of="C", priority=5)
    assert registry.most_urgent(r.now()) == ["1.1", "3.1", "1.2", "2.1"]
    registry.prioritise("2.1")
    assert registry.most_urgent(r.now())[0] == "2.1"


def test_what_waits_for_its_next_try_takes_no_turn(registry: Registry) -> None:
    """It is passed over until then, and its sender's others are not."""
    waits(registry, "1.1", "1.2", of="A")
    registry.fault(
        taken(registry), Reason("x", "y", "z"), now=r.now(), next_try_at=r.now(after_s=60)
    )
    waits(registry, "2.1", of="B")
    assert registry.most_urgent(r.now()) == ["2.1", "1.2"]
    assert registry.most_urgent(r.now(after_s=61)) == ["2.1", "1.1", "1.2"]


@settings(max_examples=20, deadline=None)
@given(numbers=st.lists(st.integers(1, 5), min_size=2, max_size=5), workers=st.integers(1, 3))
def test_nobody_is_served_twice_more_than_one_who_waits(
    numbers: list[int], workers: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever waits and however many work: no sender gets ahead of another that still waits."""
    folder = tmp_path_factory.mktemp("turns")
    registry = open_registry(f"sqlite:///{folder}/registry.sqlite", r.DATA_DIR)
    left = {chr(ord("A") + n): number for n, number in enumerate(numbers)}
    for sender, number in left.items():
        waits(registry, *names(sender, number), of=sender)
    had = dict.fromkeys(left, 0)
    at_work: list[Lease] = []
    for _ in range(sum(numbers)):
        at_work.append(lease := taken(registry))
        sender = registry.series(lease.series_instance_uid).calling_ae_title
        had[sender] += 1
        left[sender] -= 1
        assert all(had[sender] - had[other] <= 1 for other, number in left.items() if number)
        if len(at_work) == workers:
            ended(registry, at_work.pop(0))
    registry.close()


def test_turns_are_looked_up_in_indexes(tmp_path: Path) -> None:
    """What has ended costs nothing: no part of the question reads the whole table."""
    registry = open_registry(f"sqlite:///{tmp_path}/registry.sqlite", r.DATA_DIR)
    with registry._database.reading() as connection:
        text = IN_TURN.params(now=r.now(), most=8).compile(
            connection, compile_kwargs={"literal_binds": True}
        )
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")]
    registry.close()
    looks = [step for step in plan if "series" in step]
    assert len(looks) == 3, plan
    assert [step for step in looks if "USING" not in step or step.startswith("SCAN")] == []
