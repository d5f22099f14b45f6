"""Enhanced CT: every frame is an image, and the scan is the one that classic images make."""

import contextlib
import io
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.filewriter import dcmwrite
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
)

from node.errors import InstanceUnreadableError
from node.refusals import Refusal, RefusalCode
from node.series import (
    CtpSeries,
    Eligibility,
    Header,
    Instance,
    completeness,
    read_header,
    read_hu,
    recognise,
    stack,
)
from node.series.pixels import open_pixels
from tests.support.ctp import CtpSpec, build_series, slice_hu, write_series
from tests.support.dicom_checks import iod_complaints
from tests.support.enhanced import enhanced, legacy_converted

SPEC = CtpSpec(slices=4, frames=12, rows=8, slab_offset_s=1.5)
Writer = Callable[[Sequence[Dataset]], list[Dataset]]


def by_time(images: Sequence[Dataset]) -> list[Dataset]:
    """One Enhanced CT for each time point."""
    times = sorted({int(image.AcquisitionNumber) for image in images})
    return [enhanced([i for i in images if i.AcquisitionNumber == time]) for time in times]


def shuffled(images: Sequence[Dataset]) -> list[Dataset]:
    """One Enhanced CT whose frames are in no order."""
    return [enhanced(random.Random(1).sample(list(images), len(images)))]


def legacy(images: Sequence[Dataset]) -> list[Dataset]:
    """One Legacy Converted Enhanced CT."""
    return [legacy_converted(images, SPEC.uid("legacy"))]


WRITERS: dict[str, Writer] = {
    "one object": lambda images: [enhanced(images)],
    "one object a time point": by_time,
    "frames shuffled": shuffled,
    "FrameAcquisitionDateTime only": lambda images: [
        enhanced(images, clock="FrameAcquisitionDateTime")
    ],
    "seconds only": lambda images: [enhanced(images, clock="TemporalPositionTimeOffset")],
    "legacy converted": legacy,
}


def instances(datasets: Sequence[Dataset], folder: Path) -> list[Instance]:
    """Written and read again, as the listener does."""
    return [Instance(read_header(path), path) for path in write_series(datasets, folder)]


def recognised(images: Sequence[Instance]) -> CtpSeries:
    series = recognise(images, Eligibility())
    assert isinstance(series, CtpSeries), series
    return series


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_the_stacked_scan_is_that_of_the_classic_images(write: Writer, tmp_path: Path) -> None:
    """Geometry within 0.01 mm, times within 1 ms, pixels equal."""
    classic = recognised(instances(build_series(SPEC), tmp_path / "classic"))
    multi = recognised(instances(write(build_series(SPEC)), tmp_path / "multi"))
    wanted, found = stack(classic, 1.0), stack(multi, 1.0)
    assert not isinstance(wanted, Refusal)
    assert not isinstance(found, Refusal)
    np.testing.assert_array_equal(found.scan.hu, wanted.scan.hu)
    np.testing.assert_allclose(found.scan.time_s, wanted.scan.time_s, atol=1e-3)
    np.testing.assert_allclose(found.geometry.position_mm, wanted.geometry.position_mm, atol=0.01)
    assert found.geometry.pixel_mm == pytest.approx(wanted.geometry.pixel_mm, abs=0.01)
    assert found.geometry.frame_of_reference_uid == wanted.geometry.frame_of_reference_uid
    assert found.scan.spacing_mm == pytest.approx(wanted.scan.spacing_mm, abs=0.01)


def test_the_written_input_is_what_a_scanner_would_send(tmp_path: Path) -> None:
    """Of the functional groups that the node reads, dciodvfy has nothing to complain of."""
    [path] = write_series([enhanced(build_series(replace(SPEC, frames=2)))], tmp_path)
    read = ("FrameContent", "Plane", "PixelMeasures", "ValueTransformation", "Dimension", "Stack")
    assert [c for c in iod_complaints([path]) if any(name in c for name in read)] == []


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian], ids=lambda uid: uid.name
)
def test_functional_groups_are_read_in_every_encoding(syntax: str, tmp_path: Path) -> None:
    """Without VRs the dictionary says what is a sequence; deflated is inflated once."""
    made = enhanced(build_series(SPEC))
    made.file_meta.TransferSyntaxUID = syntax
    series = recognised(instances([made], tmp_path))
    assert series.time_s.shape == (12, 4)
    stacked = stack(series, 1.0)
    assert not isinstance(stacked, Refusal)
    np.testing.assert_array_equal(stacked.scan.hu[3, 2], np.rint(slice_hu(SPEC, 3, 2)))


def test_a_header_survives_the_registry(tmp_path: Path) -> None:
    """Frames given back as plain tuples are the same images."""
    [image] = instances([enhanced(build_series(SPEC))], tmp_path)
    kept = asdict(image.header)
    kept["frames"] = tuple(tuple(frame) for frame in kept["frames"])
    again = recognised([replace(image, header=Header(**kept))])
    np.testing.assert_array_equal(again.time_s, recognised([image]).time_s)


def test_completeness_counts_frames(tmp_path: Path) -> None:
    """A multi-frame instance is as complete as the grid of its frames."""
    images = build_series(SPEC)
    [whole] = instances([enhanced(images)], tmp_path / "whole")
    found = completeness([whole.header])
    assert (found.complete, found.slices, found.frames) == (True, 4, 12)
    [cut] = instances([enhanced(images[:-1])], tmp_path / "cut")
    assert not completeness([cut.header]).complete


def test_every_image_names_its_frame(tmp_path: Path) -> None:
    """An image of the grid says which file and which frame of it holds its pixels."""
    series = recognised(instances(shuffled(build_series(SPEC)), tmp_path))
    with open_pixels(series.instances[0].path) as pixels:
        for t, row in enumerate(series.grid):
            for z, image in enumerate(row):
                assert image is not None
                wanted = np.rint(slice_hu(SPEC, t, z))
                np.testing.assert_array_equal(pixels.hu(image.frame or 0), wanted)
    assert len(series.sop_instance_uids) == 1


def test_each_frame_has_its_own_slope_and_intercept(tmp_path: Path) -> None:
    """PixelValueTransformation is read of the frame, not of the first one."""
    images = build_series(SPEC)[:2]
    images[1].RescaleSlope, images[1].RescaleIntercept = 2, -2048
    [path] = write_series([enhanced(images)], tmp_path)
    raw = np.frombuffer(images[1].PixelData, "<u2").reshape(8, 8).astype(float)
    np.testing.assert_array_equal(read_hu(path, 2), np.clip(2 * raw - 2048, -1024, 3071))
    np.testing.assert_array_equal(read_hu(path, 1), np.rint(slice_hu(SPEC, 0, 0)))


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless], ids=lambda uid: uid.name)
@pytest.mark.parametrize("fragments", [1, 2])
def test_compressed_frames_are_found_in_their_fragments(
    syntax: str, fragments: int, tmp_path: Path
) -> None:
    """One fragment a frame needs no offset table; several are told apart by it."""
    made = enhanced(build_series(SPEC)[:6])
    made.compress(syntax, generate_instance_uid=False)
    frames = [get_frame(made.PixelData, i, number_of_frames=6) for i in range(6)]
    made.PixelData = encapsulate(frames, fragments_per_frame=fragments, has_bot=fragments > 1)
    [path] = write_series([made], tmp_path)
    with open_pixels(path) as pixels:
        for z in range(4):
            np.testing.assert_array_equal(pixels.hu(z + 1), np.rint(slice_hu(SPEC, 0, z)))
        with pytest.raises(InstanceUnreadableError, match="no frame 7"):
            pixels.hu(7)


def test_fragments_that_nothing_tells_apart_are_unreadable(tmp_path: Path) -> None:
    """Several fragments a frame and no offset table: no guess is made."""
    made = enhanced(build_series(SPEC)[:6])
    made.compress(RLELossless, generate_instance_uid=False)
    frames = [get_frame(made.PixelData, i, number_of_frames=6) for i in range(6)]
    made.PixelData = encapsulate(frames, fragments_per_frame=2, has_bot=False)
    [path] = write_series([made], tmp_path)
    with pytest.raises(InstanceUnreadableError, match="12 fragments do not make 6 frames"):
        read_hu(path, 1)


def test_a_second_stack_of_the_same_places_is_left_out(tmp_path: Path) -> None:
    """Two energies in one object are two stacks at the same places: one of them is taken."""
    low, high = build_series(SPEC), build_series(replace(SPEC, noise_hu=9.0))[:-4]
    made = enhanced([*low, *high])
    for frame in made.PerFrameFunctionalGroupsSequence[len(low) :]:
        frame.FrameContentSequence[0].StackID = "2"
    series = recognised(instances([made], tmp_path))
    assert all(image.frame <= len(low) for image in series.instances if image.frame)
    assert any("another stack" in note for note in series.notes)


def test_stacks_side_by_side_belong_together(tmp_path: Path) -> None:
    """The slabs of a shuttle may be stacks of their own."""
    made = enhanced(build_series(SPEC))
    for n, frame in enumerate(made.PerFrameFunctionalGroupsSequence):
        frame.FrameContentSequence[0].StackID = "1" if n % 4 < 2 else "2"
    assert recognised(instances([made], tmp_path)).time_s.shape == (12, 4)


def test_an_enhanced_ct_without_functional_groups_is_refused(tmp_path: Path) -> None:
    """Without geometry there is nothing to analyse, and the refusal says what to send."""
    made = enhanced(build_series(SPEC))
    del made.PerFrameFunctionalGroupsSequence
    refusal = recognise(instances([made], tmp_path))
    assert isinstance(refusal, Refusal)
    assert refusal.code is RefusalCode.NO_GEOMETRY


@cache
def whole_file() -> bytes:
    """A small Enhanced CT as a Part 10 file."""
    buffer = io.BytesIO()
    made = enhanced(build_series(replace(SPEC, frames=2, slices=2)))
    dcmwrite(buffer, made, enforce_file_format=True)
    return buffer.getvalue()


@given(
    st.lists(st.tuples(st.integers(132, len(whole_file()) - 1), st.integers(0, 255)), max_size=5)
)
@settings(max_examples=200, deadline=None)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damaged_functional_groups_give_a_header_or_a_fault(damage: list[tuple[int, int]]) -> None:
    """Whatever byte is damaged, nothing but InstanceUnreadableError comes out."""
    file = bytearray(whole_file())
    for at, value in damage:
        file[at] = value
    with contextlib.suppress(InstanceUnreadableError):
        header = read_header(bytes(file))
        assert completeness([header]).frames <= len(header.frames)


def test_unknown_elements_of_a_frame_disturb_nothing(tmp_path: Path) -> None:
    """Without VRs, an element that no dictionary knows is passed over, as is a private one."""
    made = enhanced(build_series(replace(SPEC, frames=2)))
    for frame in made.PerFrameFunctionalGroupsSequence:
        frame.FrameContentSequence[0].add_new(0x00209FFF, "UN", b"x " * 4)
        frame.add_new(0x00211001, "UN", b"y " * 4)
    made.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    [image] = instances([made], tmp_path)
    assert len(image.header.frames) == 8


def test_the_layout_of_the_pixels_is_the_instances_alone(tmp_path: Path) -> None:
    """A frame that claims another matrix changes nothing of where its pixels lie."""
    made = enhanced(build_series(SPEC)[:4])
    made.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0].Rows = 99
    [path] = write_series([made], tmp_path)
    assert isinstance(made.file_meta, FileMetaDataset)
    np.testing.assert_array_equal(read_hu(path, 1), np.rint(slice_hu(SPEC, 0, 0)))
