"""One node on several hosts: any of them may go, at any moment, and none is special."""

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from node.errors import RegistryUnavailableError
from node.ports import SeriesState
from tests.support.bench_node import receive_series
from tests.support.ctp import CtpSpec, build_series
from tests.support.running_node import wait_for
from tests.support.site import Site, on_a_site

FIRST, SECOND = CtpSpec(seed=1), CtpSpec(seed=2)
UIDS = (FIRST.series_instance_uid, SECOND.series_instance_uid)


def received_once(site: Site, *uids: str) -> bool:
    """Whether the PACS was sent every result of these series, and each once."""
    made = [uid for series in uids for uid in site.delivered(series)]
    return bool(made) and site.archive.received == Counter(dict.fromkeys(made, 1))


def test_a_study_comes_in_through_two_listeners_and_is_one(tmp_path: Path) -> None:
    """Associations go to either host: their images are one series, delivered once."""

    def work(site: Site) -> None:
        for host in site.hosts:
            site.start_listener(host)
            site.start_worker(host)
        images = build_series(FIRST)
        wait_for(lambda: site.send_all(images[:1]), "the balancer has found a listener")
        for part in range(8):
            site.send_all(images[part::8])
        assert received_once(site, UIDS[0])
        assert site.node.registry.series(UIDS[0]).instances == len(images)
        for host in site.hosts:
            assert 'calling_ae_title": "SCANNER1"' in site.log(host.name), "both took a part"

    on_a_site(tmp_path, ("one", "two"), work)


def lose_power(site: Site) -> None:
    site.hosts[0].lose_power()


def pull_the_cable(site: Site) -> None:
    site.hosts[0].cut_off()


@pytest.mark.parametrize("leave", [lose_power, pull_the_cable])
def test_the_work_of_a_host_that_is_gone_is_taken_over(
    tmp_path: Path, leave: Callable[[Site], None]
) -> None:
    """In mid-analysis, without a goodbye: another host takes it once the lease is over, once."""

    def work(site: Site) -> None:
        one, two = site.hosts
        site.start_listener(one)
        site.start_listener(two)
        site.hold(one)
        site.start_worker(one)
        site.send_all(build_series(FIRST))
        site.wait_until_predicting(one)
        leave(site)
        site.start_worker(two)
        assert received_once(site, UIDS[0])
        assert site.begun_by(UIDS[0]) == 2
        assert "lease_expired" in site.log("two")
        # the other host alone is a whole node
        site.send_all(build_series(SECOND))
        assert received_once(site, *UIDS)

    on_a_site(tmp_path, ("one", "two"), work)


def test_a_host_that_comes_back_delivers_nothing_twice_and_works_again(tmp_path: Path) -> None:
    """Its result comes too late and is dropped; without a restart it takes the next series."""

    def work(site: Site) -> None:
        one, two = site.hosts
        site.start_listener(two)
        site.hold(one)
        site.start_worker(one)
        site.send_all(build_series(FIRST))
        site.wait_until_predicting(one)
        one.cut_off()
        site.start_worker(two)
        assert received_once(site, UIDS[0])
        one.reconnect()
        site.go_on(one)
        wait_for(lambda: "step_superseded" in site.log("one"), "its late result is dropped")
        site.hold(two)
        site.marker(one).with_suffix(".begun").unlink()
        site.send_all(build_series(SECOND))
        wait_for(lambda: site.begun_by(UIDS[1]), "one of them has taken it up")
        if site.leases_of(two):
            two.lose_power()
        wait_for(site.marker(one).with_suffix(".begun").exists, "one predicts")
        assert received_once(site, *UIDS)

    on_a_site(tmp_path, ("one", "two"), work)


def test_images_that_a_vanished_listener_was_being_sent_go_to_the_other(tmp_path: Path) -> None:
    """The sender sends what was not acknowledged once more, and nothing is lost."""

    def work(site: Site) -> None:
        one, two = site.hosts
        site.start_listener(one)
        images = build_series(FIRST)
        half = len(images) // 2
        site.send_all(images[:half])
        one.cut_off()
        site.start_listener(two)
        site.start_worker(two)
        site.send_all(images[half:])
        assert received_once(site, UIDS[0])
        assert site.node.registry.series(UIDS[0]).instances == len(images)

    on_a_site(tmp_path, ("one", "two"), work)


LOCKED = """
import sys, time
import sqlalchemy as sa
from pathlib import Path
from node.registry import schema
from node.registry.database import Database
with Database(sys.argv[1], Path(sys.argv[2])).writing() as connection:
    connection.execute(sa.update(schema.series).values(description="half done"))
    print("locked")
    time.sleep(3600)
"""


def test_what_a_vanished_host_had_locked_in_the_database_is_free_soon(tmp_path: Path) -> None:
    """Its session would hold a row for hours: the server notices, and nothing of it remains."""

    def work(site: Site) -> None:
        uid = receive_series(site.node, FIRST)
        (one,) = site.hosts
        arguments = (str(site.settings.database_url), str(site.settings.data_dir))
        one.python("-c", LOCKED, *arguments, log=tmp_path / "one-lock.log")
        wait_for(lambda: "locked" in site.log("one"), "the row is locked")
        one.cut_off()
        began = time.monotonic()
        assert wait_for(lambda: _cancelled(site, uid), "the row is free")
        assert time.monotonic() - began > 1, "it was locked"
        assert site.node.registry.series(uid).description != "half done"

    on_a_site(tmp_path, ("one",), work)


def _cancelled(site: Site, uid: str) -> bool:
    try:
        return site.node.registry.cancel(uid) is SeriesState.CANCELLED
    except RegistryUnavailableError:  # the wait for the lock has a limit
        return False
