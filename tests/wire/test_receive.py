"""What a sender pushes is kept and recorded before it is told so."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import (
    BasicTextSRStorage,
    CTImageStorage,
    EnhancedCTImageStorage,
    MRImageStorage,
)

from node.ports import DiskUse, Kept, Pause, Quota, Recorded
from node.series import Header, read_header, read_hu
from node.spool import FileSpool
from tests.support.ctp import CtpSpec, build_instance, build_series, write_series
from tests.support.fake_intake import FakeIntake
from tests.support.listening import Listening, encoded, listening, push, push_bytes, storescu
from tests.support.syntaxes import SYNTAXES

SMALL = CtpSpec(slices=2, frames=4, shuffle=1)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Listening]:
    with listening(tmp_path / "spool") as running:
        yield running


def image(number: int = 0) -> Dataset:
    return build_instance(SMALL, number // SMALL.slices, number % SMALL.slices)


def test_dcmtk_pushes_a_series(node: Listening, tmp_path: Path) -> None:
    """Every image that storescu sent is on disk, in the registry, and equal to what was sent."""
    datasets = build_series(SMALL)
    result = storescu(node.port, write_series(datasets, tmp_path / "sent"))
    assert result.returncode == 0, result.stderr
    assert len(node.files("incoming")) == len(node.intake.rows) == len(datasets)
    for dataset in datasets:
        row = node.intake.rows[dataset.SOPInstanceUID]
        assert dcmread(row.kept.path) == dataset
        assert not row.ignored
    assert set(node.received) == {SMALL.series_instance_uid}
    assert len(node.received) == len(datasets)


@pytest.mark.parametrize(
    ("name", "proposed"),
    [
        ("Deflated", "-xd"),
        ("JPEG Lossless SV1", "-xs"),
        ("JPEG-LS", "-xt"),
        ("JPEG 2000 lossless", "-xv"),
        ("RLE", "-xr"),
        ("JPEG Extended", "-xx"),
    ],
)
def test_dcmtk_pushes_a_compressed_image(
    node: Listening, name: str, proposed: str, tmp_path: Path
) -> None:
    """It is accepted and kept in the transfer syntax that it has, and its pixels are read."""
    syntax, path = SYNTAXES[name], tmp_path / "image.dcm"
    syntax.write(image(), path)
    result = storescu(node.port, [path], "-R", proposed)
    assert result.returncode == 0, result.stderr
    (kept,) = node.files("incoming")
    assert read_header(kept).transfer_syntax_uid == syntax.uid
    np.testing.assert_array_equal(read_hu(kept), read_hu(path))


def test_a_file_is_part_10_and_holds_the_very_bytes(node: Listening) -> None:
    """The data set is kept exactly as it came, behind a file meta that names its sender."""
    sent = encoded(image())
    assert push_bytes(node.port, [(CTImageStorage, image().SOPInstanceUID, sent)]) == [0x0000]
    (path,) = node.files("incoming")
    assert path.read_bytes().endswith(sent)
    meta = dcmread(path, stop_before_pixels=True).file_meta
    assert meta.MediaStorageSOPInstanceUID == image().SOPInstanceUID
    assert meta.SourceApplicationEntityTitle == "SENDER"
    assert meta.ImplementationVersionName == "PERFUSION_NODE_1"
    assert len(meta.ImplementationVersionName) <= 16


class Witness:
    """A spool and an intake that write down what was done, in order."""

    def __init__(self, root: Path) -> None:
        self.done: list[str] = []
        self._spool, self._intake = FileSpool(root, min_free_bytes=0), FakeIntake()

    def disk(self) -> DiskUse:
        return self._spool.disk()

    def keep(self, part10: Sequence[bytes], header: Header, *, ignored: bool = False) -> Kept:
        kept = self._spool.keep(part10, header, ignored=ignored)
        assert kept.path.exists()
        self.done.append("kept")
        return kept

    def record(
        self,
        header: Header,
        kept: Kept,
        *,
        calling_ae_title: str,
        ignored: bool,
        quota: Quota | None = None,
    ) -> Recorded:
        recorded = self._intake.record(
            header, kept, calling_ae_title=calling_ae_title, ignored=ignored, quota=quota
        )
        self.done.append("recorded")
        return recorded

    def pauses(self) -> Sequence[Pause]:
        return self._intake.pauses()


def test_success_is_answered_after_spool_and_registry(tmp_path: Path) -> None:
    """0000 means: the file was synchronised, then the registry committed."""
    witness = Witness(tmp_path / "spool")
    with listening(tmp_path / "spool", spool=witness, intake=witness) as node:
        assert push(node.port, [image()]) == [0x0000]
        assert witness.done == ["kept", "recorded"]


def test_the_same_instance_ten_times_at_once_is_one(node: Listening) -> None:
    """Ten associations with the same instance: ten times success, one file, one row."""
    with ThreadPoolExecutor(10) as pool:
        statuses = list(pool.map(lambda _: push(node.port, [image()]), range(10)))
    assert statuses == [[0x0000]] * 10
    assert len(node.files()) == len(node.intake.rows) == 1
    assert node.intake.recorded.count(Recorded.NEW) == 1
    assert node.listener.counts.duplicates == 9


def test_a_study_sent_again_by_someone_else_changes_nothing(node: Listening) -> None:
    """A re-send is a success and a no-op, whoever sends."""
    datasets = build_series(SMALL)
    assert set(push(node.port, datasets)) == {0x0000}
    before = {path: path.read_bytes() for path in node.files()}
    assert set(push(node.port, datasets, calling="PACS")) == {0x0000}
    assert {path: path.read_bytes() for path in node.files()} == before
    assert node.intake.conflicts == []
    assert len(node.received) == len(datasets)


def test_other_content_under_a_known_uid_is_kept_apart(node: Listening) -> None:
    """The first bytes stay, the second are kept apart and reported; the sender has success."""
    other = image()
    other.PixelData = bytes(len(other.PixelData))
    assert push(node.port, [image(), other, other]) == [0x0000] * 3
    (first,) = node.files("incoming")
    assert first.read_bytes().endswith(encoded(image()))
    (apart,) = node.files("apart")
    assert apart.read_bytes().endswith(encoded(other))
    assert {kept.path for _, kept in node.intake.conflicts} == {apart}
    assert node.listener.counts.conflicts == 2


@pytest.mark.parametrize(
    ("sop_class", "modality"),
    [(MRImageStorage, "MR"), (BasicTextSRStorage, "SR"), ("1.2.3.4.5.6", "OT")],
    ids=["MR image", "structured report", "private class"],
)
def test_what_is_no_ct_image_is_accepted_and_ignored(
    node: Listening, sop_class: str, modality: str
) -> None:
    """A study push does not fail for what cannot be analysed; it is kept and shown as ignored."""
    dataset = image()
    dataset.SOPClassUID, dataset.Modality = sop_class, modality
    if modality == "SR":
        del dataset.PixelData
    assert push(node.port, [dataset, image(1)]) == [0x0000, 0x0000]
    (path,) = node.files("ignored")
    assert node.intake.rows[dataset.SOPInstanceUID].ignored
    assert node.intake.rows[dataset.SOPInstanceUID].kept.path == path
    assert len(node.files("incoming")) == 1
    assert node.received == [SMALL.series_instance_uid]
    assert node.listener.counts.ignored == 1


def test_enhanced_ct_is_analysed(node: Listening) -> None:
    """Enhanced CT is CT."""
    dataset = image()
    dataset.SOPClassUID = EnhancedCTImageStorage
    assert push(node.port, [dataset]) == [0x0000]
    assert not node.intake.rows[dataset.SOPInstanceUID].ignored


def test_three_associations_in_any_order_bring_the_whole_series(
    node: Listening, tmp_path: Path
) -> None:
    """Images of one series may come shuffled and over several associations at once."""
    paths = write_series(build_series(CtpSpec(shuffle=7)), tmp_path / "sent")
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda n: storescu(node.port, paths[n::3]), range(3)))
    assert [r.returncode for r in results] == [0, 0, 0]
    assert len(node.intake.rows) == len(node.files("incoming")) == len(paths)
