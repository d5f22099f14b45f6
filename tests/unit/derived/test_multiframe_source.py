"""Results of an Enhanced CT: they name the frames they were made from."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from pydicom import Dataset

from node.series import CtpSeries, Eligibility, Instance, read_header, read_source, recognise
from tests.support.ctp import CtpSpec, build_series, write_series
from tests.support.dicom_checks import iod_complaints, written
from tests.support.enhanced import enhanced
from tests.unit.derived.case import Case, case

SPEC = CtpSpec(slices=3, frames=10, rows=24, pixel_mm=8.0)
KINDS = ("background", "colour", "segmentation", "parametric_map")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """An analysis of one Enhanced CT that holds the whole scan."""
    folder = tmp_path_factory.mktemp("enhanced")
    [path] = write_series([enhanced(build_series(SPEC))], folder)
    series = recognise([Instance(read_header(path), path)], Eligibility())
    assert isinstance(series, CtpSeries)
    return replace(case(SPEC), source=read_source(series), series=series)


@cache
def of_kind(made: Case, kind: str) -> list[Dataset]:
    return made.of_kind(kind)


def test_a_background_image_cites_every_frame_of_its_slice(made: Case) -> None:
    """One item names the instance once, and all frames of the slice by number."""
    for z, image in enumerate(of_kind(made, "background")):
        [cited] = image.SourceImageSequence
        assert cited.ReferencedSOPInstanceUID == made.series.sop_instance_uids[0]
        assert list(cited.ReferencedFrameNumber) == [3 * t + z + 1 for t in range(10)]


def test_a_frame_of_a_map_cites_the_first_frame_of_its_slice(made: Case) -> None:
    """ReferencedFrameNumber says which frame of the multi-frame source is meant."""
    for mapped in of_kind(made, "parametric_map"):
        for z, frame in enumerate(mapped.PerFrameFunctionalGroupsSequence):
            source = frame.DerivationImageSequence[0].SourceImageSequence[1]
            assert source.ReferencedFrameNumber == z + 1
        [instance] = mapped.ReferencedSeriesSequence[1].ReferencedInstanceSequence
        assert instance.ReferencedSOPInstanceUID == made.series.sop_instance_uids[0]


@pytest.mark.parametrize("kind", KINDS)
def test_results_of_an_enhanced_ct_are_valid(made: Case, kind: str, tmp_path: Path) -> None:
    """Dciodvfy has nothing to say of any kind of result."""
    assert iod_complaints(written(of_kind(made, kind)[:1], tmp_path)) == []
