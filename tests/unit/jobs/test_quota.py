"""A series of which images were turned away, from its refusal to its maps."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import Dataset

from node.jobs.steps import Steps
from node.ports import Quota, Recorded, SeriesState
from node.settings import ScpSettings
from tests.support import registered as r
from tests.support.bench_node import BenchNode, bench_settings, receive_dataset, receive_series
from tests.support.ctp import CtpSpec, build_series, header_of

State = SeriesState
SPEC = CtpSpec(slices=2, frames=12)
MOST = 24
FEW, MANY = ScpSettings(max_series_images=MOST), ScpSettings(max_series_images=100)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def bench(folder: Path, scp: ScpSettings) -> BenchNode:
    return BenchNode(bench_settings(folder, 1, scp=scp))


ONE_MORE = build_series(CtpSpec(slices=2, frames=13))[-1]


def offer(node: BenchNode, dataset: Dataset = ONE_MORE) -> Recorded:
    """What the registry says to one more image."""
    quota = Quota.of(node.settings.scp)
    header = header_of(dataset)
    return node.registry.record(
        header, r.kept(), calling_ae_title="CT1", ignored=False, quota=quota
    )


def complete(node: BenchNode) -> str:
    (seen,) = node.registry.receiving()
    assert node.registry.complete(seen, now=r.now(), note="quiet")
    return seen.series_instance_uid


@pytest.fixture
def over(folder: Path) -> Iterator[str]:
    """A series that was analysed after images of it were turned away."""
    with bench(folder, FEW) as node:
        receive_series(node, SPEC)
        assert offer(node) is Recorded.TURNED_AWAY
        uid = complete(node)
        assert Steps(node).analyse(uid) is State.REFUSED
        yield uid


def test_a_series_over_its_quota_is_refused_with_its_page(folder: Path, over: str) -> None:
    """What was found, with numbers, what to do, and one page in the PACS."""
    with bench(folder, FEW) as node:
        reason = node.registry.series(over).reason
        assert reason is not None
        assert reason.code == "too_large"
        assert "more than 24 images; 24 images were kept" in reason.found
        assert "scp.max_series_images" in reason.remedy
        assert Steps(node).deliver(over) is State.REFUSED
        assert len(node.fake_pacs["pacs0"].received) == 1


def test_trying_again_without_a_change_refuses_again(folder: Path, over: str) -> None:
    """A part of a scan is not analysed as if it were all of it."""
    with bench(folder, FEW) as node:
        node.registry.retry(over)
        assert Steps(node).analyse(over) is State.REFUSED


def test_under_a_higher_quota_it_is_taken_in_and_analysed(folder: Path, over: str) -> None:
    """The rest comes, and opens the series again."""
    with bench(folder, MANY) as node:
        receive_dataset(node, ONE_MORE)
        assert node.registry.series(over).state is State.RECEIVING
        assert Steps(node).analyse(complete(node)) is State.READY


def test_what_is_no_perfusion_keeps_its_own_verdict(folder: Path) -> None:
    """A huge angiography is no refused perfusion scan, and sends no page."""
    with bench(folder, FEW) as node:
        receive_series(node, CtpSpec(slices=26, frames=1))
        assert offer(node) is Recorded.TURNED_AWAY
        uid = complete(node)
        assert Steps(node).analyse(uid) is State.REFUSED
        series = node.registry.series(uid)
        assert series.reason is not None
        assert (series.reason.code, series.results) == ("not_perfusion", ())


def test_a_series_of_which_nothing_was_taken_is_refused_all_the_same(folder: Path) -> None:
    """One object that is larger than a series may be: there is nothing to make a page of."""
    with bench(folder, ScpSettings(max_series_gib=1e-9)) as node:
        assert offer(node) is Recorded.TURNED_AWAY
        uid = complete(node)
        assert Steps(node).analyse(uid) is State.REFUSED
        series = node.registry.series(uid)
        assert series.reason is not None
        assert (series.reason.code, series.results) == ("too_large", ())
