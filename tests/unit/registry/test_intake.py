"""Every instance once, under its own UID; late ones open a series again."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest
import sqlalchemy as sa

from node.errors import SeriesExpiringError, UnknownSeriesError
from node.ports import Quota, Recorded, SeriesState
from node.registry import Registry, schema
from node.series.header import Frame
from tests.support import registered as r
from tests.support.registered import SERIES
from tests.support.running_node import wait_for


def test_the_first_image_begins_a_series(registry: Registry) -> None:
    """A new series is RECEIVING and says where it came from."""
    assert r.receive(registry) is Recorded.NEW
    series = registry.series(SERIES)
    assert (series.state, series.revision, series.instances) == (SeriesState.RECEIVING, 1, 1)
    assert (series.modality, series.calling_ae_title) == ("CT", "CT1")


def test_every_frame_of_a_multi_frame_instance_counts_as_an_image(registry: Registry) -> None:
    """Who reads of images is told how many there are, in one object or in many."""
    frame = Frame(None, None, None, None, (), "", (), None, "")
    held = replace(r.header(), frames=(frame,) * 12)
    registry.record(held, r.kept(), calling_ae_title="CT1", ignored=False)
    r.receive(registry, 2)
    assert registry.series(SERIES).instances == 13
    assert len(registry.instances(SERIES)) == 2


def test_a_header_comes_back_as_it_went_in(registry: Registry) -> None:
    """Headers survive the database with their tuples."""
    r.receive(registry)
    (instance,) = registry.instances(SERIES)
    assert (instance.header, instance.path) == (r.header(), r.kept().path)


def test_the_same_bytes_again_are_a_duplicate(registry: Registry) -> None:
    """A re-sent instance changes nothing, ten times in parallel."""
    r.receive(registry)
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: r.receive(registry), range(10)))
    assert set(answers) == {Recorded.DUPLICATE}
    assert registry.series(SERIES).instances == 1
    assert [i.path for i in registry.instances(SERIES)] == [r.kept().path]


def test_many_senders_begin_one_series_together(registry: Registry) -> None:
    """Images of one series over many associations make one series with all of them."""
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: r.receive(registry, n), range(40)))
    assert set(answers) == {Recorded.NEW}
    assert registry.series(SERIES).instances == len(registry.instances(SERIES)) == 40


def test_other_bytes_under_a_known_uid_are_kept_apart(registry: Registry) -> None:
    """A conflict is shown once for the same bytes, and the first instance stays."""
    r.receive(registry)
    assert r.receive(registry, content="other") is Recorded.CONFLICT
    for _ in range(2):
        registry.record_conflict(r.header(), r.kept("other"))
    series = registry.series(SERIES)
    assert (series.instances, series.conflicts) == (1, 1)
    assert [i.path for i in registry.instances(SERIES)] == [r.kept().path]


def test_a_conflict_is_shown_at_the_series_that_holds_the_uid(registry: Registry) -> None:
    """The sender may name another series for an instance that is already known."""
    r.receive(registry)
    registry.record_conflict(replace(r.header(), series_instance_uid="9.9"), r.kept("other"))
    assert registry.series(SERIES).conflicts == 1


def test_what_is_no_ct_image_makes_an_ignored_series(registry: Registry) -> None:
    """A new series of other objects is IGNORED and never due."""
    r.receive(registry, ignored=True)
    series = registry.series(SERIES)
    assert (series.state, series.instances, series.ignored) == (SeriesState.IGNORED, 0, 1)
    assert registry.receiving() == []


def test_an_image_takes_an_ignored_series_in(registry: Registry) -> None:
    """A CT image in a series that began with something else makes it RECEIVING."""
    r.receive(registry, 1, ignored=True)
    r.receive(registry, 2)
    series = registry.series(SERIES)
    assert (series.state, series.revision) == (SeriesState.RECEIVING, 1)
    assert len(registry.instances(SERIES)) == 1


def test_what_is_ignored_opens_nothing(registry: Registry) -> None:
    """A dose report that comes late does not make the analysis run again."""
    r.complete(registry)
    r.receive(registry, 9, ignored=True)
    assert registry.series(SERIES).state is SeriesState.COMPLETE


@pytest.mark.parametrize("stage", ["complete", "analysing", "ready", "delivered", "refused"])
def test_a_late_image_opens_the_series_again(registry: Registry, stage: str) -> None:
    """Whatever became of a series, a late image makes it RECEIVING with a new revision."""
    r.complete(registry)
    if stage == "analysing":
        r.lease(registry)
    elif stage == "refused":
        r.finish(registry, reason=r.REFUSED)
    elif stage in ("ready", "delivered"):
        r.finish(registry)
    if stage == "delivered":
        r.answer_all(registry)
    r.receive(registry, 2)
    series = registry.series(SERIES)
    assert (series.state, series.revision) == (SeriesState.RECEIVING, 2)
    assert (series.reason, series.summary, series.completed_at) == (None, {}, None)
    assert registry.leases() == []


def test_a_cancelled_series_stays_cancelled(registry: Registry) -> None:
    """What a person stopped is not started by an image that was still on its way."""
    r.receive(registry)
    registry.cancel(SERIES)
    r.receive(registry, 2)
    series = registry.series(SERIES)
    assert (series.state, series.instances) == (SeriesState.CANCELLED, 2)


def of_quota(registry: Registry, number: int, quota: Quota, size: int = 7) -> Recorded:
    kept = replace(r.kept(), size=size)
    return registry.record(
        r.header(number), kept, calling_ae_title="CT1", ignored=False, quota=quota
    )


@pytest.mark.parametrize("quota", [Quota(2, 1000), Quota(1000, 14)], ids=["images", "bytes"])
def test_a_series_does_not_grow_beyond_its_quota(registry: Registry, quota: Quota) -> None:
    """What is too much is turned away and told once; what was sent before is still known."""
    answers = [of_quota(registry, number, quota) for number in (1, 2, 3, 4, 1)]
    turned_away = [Recorded.TURNED_AWAY] * 2
    assert answers == [Recorded.NEW, Recorded.NEW, *turned_away, Recorded.DUPLICATE]
    series = registry.series(SERIES)
    assert series.instances == len(registry.instances(SERIES)) == 2
    assert [e.name for e in series.events].count("images_turned_away") == 1
    assert quota.exceeded(series.asked_images, series.asked_bytes)


def test_what_was_kept_apart_stays_so_beyond_the_quota(registry: Registry) -> None:
    """Other bytes that are recorded are a conflict again; new ones are turned away."""
    r.receive(registry)
    registry.record_conflict(r.header(), r.kept("other"))
    answers = [
        registry.record(
            r.header(), r.kept(content), calling_ae_title="CT1", ignored=False, quota=Quota(1, 99)
        )
        for content in ("first", "other", "third")
    ]
    assert answers == [Recorded.DUPLICATE, Recorded.CONFLICT, Recorded.TURNED_AWAY]


def test_a_series_over_its_quota_stays_so_until_the_quota_is_raised(registry: Registry) -> None:
    """A smaller image that would still fit must not make it look whole."""
    few, many = Quota(1000, 20), Quota(1000, 2000)
    assert of_quota(registry, 1, few) is Recorded.NEW
    assert of_quota(registry, 2, few, size=100) is Recorded.TURNED_AWAY
    assert of_quota(registry, 3, few) is Recorded.TURNED_AWAY
    assert of_quota(registry, 2, many, size=100) is Recorded.NEW
    series = registry.series(SERIES)
    assert not many.exceeded(series.asked_images, series.asked_bytes)


def test_odd_text_of_a_sender_is_taken(registry: Registry) -> None:
    """NUL and lone surrogates in a description are no fault of the database."""
    odd = replace(r.header(), series_description="CTP\x00 \ud800", modality="C" * 40)
    registry.record(odd, r.kept(), calling_ae_title="A\x00", ignored=False)
    assert registry.series(SERIES).description == "CTP ?"


def test_an_unknown_series_is_named(registry: Registry) -> None:
    """Asking for what is not there says so."""
    with pytest.raises(UnknownSeriesError, match="no series"):
        registry.series("1.9")


def test_who_comes_at_the_same_time_shares_a_commit(registry: Registry) -> None:
    """Seven images that come while one is being recorded are recorded in one transaction."""
    r.receive(registry)
    commits: list[sa.Connection] = []
    with holding_the_series(registry) as let_go, ThreadPoolExecutor(8) as pool:
        recording = [pool.submit(r.receive, registry, 2)]
        group = registry._record_with_others
        wait_for(lambda: group._turn.locked() and not group._waiting, "the first is under way")
        recording += [pool.submit(r.receive, registry, n) for n in (3, 4, 5, 6, 7, 8, 2)]
        wait_for(lambda: len(group._waiting) == 7, "the others wait")
        sa.event.listen(registry._database._engine, "commit", commits.append)
        let_go()
    answers = [future.result() for future in recording]
    assert answers == [Recorded.NEW] * 7 + [Recorded.DUPLICATE]
    assert len(commits) == 2
    assert registry.series(SERIES).instances == 8


def test_an_image_that_cannot_be_recorded_now_fails_none_that_came_with_it(
    registry: Registry,
) -> None:
    """Of four of a commit one belongs to a series whose files are being deleted."""
    for series in (SERIES, "1.2.7"):
        r.receive(registry, series=series)
    with registry._database.writing() as connection:
        going = sa.update(schema.series).where(schema.series.c.series_instance_uid == "1.2.7")
        connection.execute(going.values(expiring=True))
    with holding_the_series(registry) as let_go, ThreadPoolExecutor(5) as pool:
        recording = [pool.submit(r.receive, registry, 2)]
        group = registry._record_with_others
        wait_for(lambda: group._turn.locked() and not group._waiting, "the first is under way")
        refused = pool.submit(r.receive, registry, 1, "1.2.7", "other")
        recording += [pool.submit(r.receive, registry, n) for n in (3, 4, 5)]
        wait_for(lambda: len(group._waiting) == 4, "the others wait")
        let_go()
    assert [future.result() for future in recording] == [Recorded.NEW] * 4
    with pytest.raises(SeriesExpiringError):
        refused.result()


@contextmanager
def holding_the_series(registry: Registry) -> Iterator[Callable[[], None]]:
    """Nobody can write to the series until the function is called: its row is locked."""
    engine = registry._database._engine
    with engine.connect().execution_options(writes=True) as connection:
        row = sa.select(schema.series.c.id).with_for_update()
        connection.execute(row).all()
        yield connection.rollback
