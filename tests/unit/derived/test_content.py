"""What the objects say: codes, references, series, sending order."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from pydicom import Dataset

from node.derived import ALL_KINDS, DerivedObject, refusal_page
from node.derived.bundle import ON_REQUEST
from node.derived.derived_ct import SLOPE
from node.perfusion import Quantity
from node.refusals import Refusal, RefusalCode
from tests.support.ctp import CtpSpec
from tests.unit.derived.case import OPTIONS, case, reread, source

SPEC = CtpSpec(slices=2, frames=3, rows=16, pixel_mm=12.0)


@cache
def results() -> tuple[DerivedObject, ...]:
    """The objects of one analysis; nobody changes them."""
    made = case(SPEC)
    return tuple(replace(made, options=replace(made.options, kinds=ALL_KINDS)).encoded())


def of_kind(kind: str) -> list[Dataset]:
    return [o.dataset for o in results() if o.kind == kind]


CODED = {
    Quantity.CBF: ("126390", "ml/[100]g/min"),
    Quantity.CBV: ("126391", "ml/[100]g"),
    Quantity.MTT: ("113052", "s"),
    Quantity.TTP: ("113069", "s"),
    Quantity.TMAX: ("113084", "s"),
}


def test_objects_come_in_sending_order() -> None:
    """What is referenced is sent before what refers to it."""
    kinds = [o.kind for o in results()]
    several = (
        ["background"] * 2
        + ["colour"] * 12
        + ["colour_multiframe"] * 6
        + ["summary_page", "segmentation"]
        + ["parametric_map"] * 5
        + ["derived_ct"] * 10
    )
    assert kinds == [*several, "report"]


@pytest.mark.parametrize(
    "kind", [k for k in ALL_KINDS if k not in ("refusal_page", "rejection_note")]
)
def test_only_the_kinds_asked_for_are_made(kind: str) -> None:
    """``kinds`` leaves out the others and changes nothing of what stays."""
    whole = [o.sop_instance_uid for o in results() if o.kind == kind]
    assert [d.SOPInstanceUID for d in case(SPEC).of_kind(kind)] == whole


def test_greyscale_maps_are_made_on_request_only() -> None:
    """They double what an archive stores: a site whose viewers need them asks."""
    assert not {o.kind for o in case(SPEC).encoded()} & set(ON_REQUEST)


def test_a_multi_frame_capture_holds_the_very_pictures_at_their_places() -> None:
    """Frame by frame the pixels, positions and sources of the single-frame series."""
    singles = of_kind("colour")
    for made in map(reread, of_kind("colour_multiframe")):
        name = str(made.SeriesDescription).replace("CTP frames", "CTP")
        stack = [d for d in singles if d.SeriesDescription == name]
        frames = made.PerFrameFunctionalGroupsSequence
        shared = made.SharedFunctionalGroupsSequence[0]
        assert made.NumberOfFrames == len(stack) == len(frames) == 2
        assert made.ImageType == stack[0].ImageType
        assert made.FrameOfReferenceUID == stack[0].FrameOfReferenceUID
        assert shared.PixelMeasuresSequence[0].PixelSpacing == stack[0].PixelSpacing
        assert list(made.SliceLocationVector) == [float(d.SliceLocation) for d in stack]
        for one, frame, pixels in zip(stack, frames, made.pixel_array, strict=True):
            place = frame.PlanePositionSequence[0].ImagePositionPatient
            assert place == one.ImagePositionPatient
            assert np.array_equal(pixels, one.pixel_array)
        sources = [d.SourceImageSequence[0] for d in stack]
        assert list(made.SourceImageSequence) == sources


@pytest.mark.parametrize("quantity", Quantity)
def test_a_greyscale_map_measures_in_its_unit(quantity: Quantity) -> None:
    """Stored value times slope is the value to half a step, and three places say: not HU."""
    made = case(SPEC)
    images = [reread(d) for d in of_kind("derived_ct") if d.ImageType[3] == quantity.upper()]
    for z, image in enumerate(images):
        slope = float(image.RescaleSlope)
        values = image.pixel_array * slope + float(image.RescaleIntercept)
        assert np.abs(values - made.maps[quantity][z]).max() <= slope / 2 * 1.001
        mapping = image.RealWorldValueMappingSequence[0]
        found = mapping.QuantityDefinitionSequence[0].ConceptCodeSequence[0].CodeValue
        assert (found, mapping.MeasurementUnitsCodeSequence[0].CodeValue) == CODED[quantity]
        assert mapping.RealWorldValueSlope == slope
        assert mapping.RealWorldValueLastValueMapped == image.pixel_array.max()
        assert image.RescaleType == "US"
        for words in (image.SeriesDescription, image.WindowCenterWidthExplanation):
            assert quantity.meaning.unit.replace(" ", "") in words
        assert image.ImagePositionPatient == of_kind("background")[z].ImagePositionPatient


def test_no_greyscale_value_is_a_whole_number() -> None:
    """Cornerstone3D wraps values round where an image's least and most are whole and small."""
    stored = np.arange(1, 65536)
    assert (np.abs(stored * SLOPE - np.rint(stored * SLOPE)) > 1e-9).all()


@pytest.mark.parametrize("quantity", Quantity)
def test_a_map_names_its_quantity_and_unit(quantity: Quantity) -> None:
    """The Real World Value Mapping carries the standard code and the UCUM unit."""
    index = list(Quantity).index(quantity)
    dataset = reread(of_kind("parametric_map")[index])
    mapping = dataset.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
    found = mapping.QuantityDefinitionSequence[0].ConceptCodeSequence[0].CodeValue
    unit = mapping.MeasurementUnitsCodeSequence[0].CodeValue
    assert (found, unit) == CODED[quantity]
    window = dataset.SharedFunctionalGroupsSequence[0].FrameVOILUTSequence[0]
    low, high = quantity.meaning.window
    assert (window.WindowCenter, window.WindowWidth) == ((low + high) / 2, high - low)
    assert dataset.ContentQualification == "RESEARCH"


def test_maps_and_segmentation_refer_to_the_background_first() -> None:
    """Viewers match a frame by its first source image: that is the background's."""
    ground = [d.SOPInstanceUID for d in of_kind("background")]
    for dataset in (*of_kind("segmentation"), *of_kind("parametric_map")):
        assert dataset.ReferencedSeriesSequence[0].SeriesInstanceUID == (
            of_kind("background")[0].SeriesInstanceUID
        )
        for frame in dataset.PerFrameFunctionalGroupsSequence:
            first = frame.DerivationImageSequence[0].SourceImageSequence[0]
            assert first.ReferencedSOPInstanceUID in ground


def test_provenance_names_every_source_image_of_a_slice() -> None:
    """A background image cites all images of its slice; a map the first, beside the ground."""
    made = case(SPEC)
    for z, image in enumerate(of_kind("background")):
        cited = {i.ReferencedSOPInstanceUID for i in image.SourceImageSequence}
        assert cited == {frame[z].header.sop_instance_uid for frame in made.series.grid}
    mapped = of_kind("parametric_map")[0]
    for z, frame in enumerate(mapped.PerFrameFunctionalGroupsSequence):
        second = frame.DerivationImageSequence[0].SourceImageSequence[1]
        first_image = made.series.grid[0][z].header
        assert second.ReferencedSOPInstanceUID == first_image.sop_instance_uid
        assert mapped.ReferencedSeriesSequence[1].SeriesInstanceUID == (
            first_image.series_instance_uid
        )


def test_equipment_and_algorithm_are_named() -> None:
    """Scanner, node and model stand in every object, the model's digest in the segments."""
    for made in results():
        d = made.dataset
        purposes = [
            i.PurposeOfReferenceCodeSequence[0].CodeValue for i in d.ContributingEquipmentSequence
        ]
        assert purposes[:2] == ["109101", "109102"]
        assert list(d.SoftwareVersions) == ["perfusion-node 0.1.0", "perfusion 0.1.0"]
        assert d.Manufacturer == "Perfusion Node"
    segments = of_kind("segmentation")[0].SegmentSequence
    assert [s.SegmentLabel.split(" (")[0] for s in segments] == ["Brain", "Hypoperfusion", "Core"]
    for segment in segments:
        algorithm = segment.SegmentationAlgorithmIdentificationSequence[0]
        assert "0123456789abcdef" * 4 in algorithm.AlgorithmParameters


def test_series_numbers_are_one_stable_block() -> None:
    """Every series has its own number and its own plain name."""
    other = case(replace(SPEC, seed=3))
    made = replace(other, options=replace(other.options, kinds=ALL_KINDS)).encoded()
    named = {(o.dataset.SeriesNumber, o.dataset.SeriesDescription) for o in made}
    assert sorted(n for n, _ in named) == [
        *range(9000, 9015),
        *range(9020, 9025),
        *range(9030, 9036),
    ]
    assert (9001, "CTP CBF [ml/100g/min]") in named
    assert (9005, "CTP Tmax [s]") in named


def test_a_refusal_page_says_what_and_why() -> None:
    """The page is drawn, repeats itself byte for byte, and its comments say the reason."""
    refusal = Refusal(
        RefusalCode.TOO_SHORT, "the series covers 18 s", "Send at least 30 s — see manual."
    )
    origin = source(SPEC)
    page = refusal_page(origin, refusal, OPTIONS)
    again = refusal_page(source(SPEC), refusal, OPTIONS)
    assert page.kind == "refusal_page"
    assert page.dataset == again.dataset
    assert "the series covers 18 s" in page.dataset.ImageComments
    assert page.dataset.StudyInstanceUID == origin.StudyInstanceUID
    assert page.dataset.pixel_array.std() > 10
    other = refusal_page(origin, replace(refusal, found="the series covers 19 s"), OPTIONS)
    assert other.sop_instance_uid != page.sop_instance_uid
    assert other.dataset.PixelData != page.dataset.PixelData


def test_a_page_holds_even_the_longest_reason() -> None:
    """A very long reason is set in smaller type and still leaves the disclaimer its place."""
    long = Refusal(RefusalCode.INCOMPLETE, "slice 3 lacks frames 4, 5 and 6; " * 40, "Send again.")
    short = Refusal(RefusalCode.INCOMPLETE, "slice 3 lacks frame 4", "Send again.")
    pages = [refusal_page(source(SPEC), r, OPTIONS).dataset.pixel_array for r in (long, short)]
    assert (pages[0][-110:] == pages[1][-110:]).all()
