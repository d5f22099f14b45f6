"""One scan in every transfer syntax that it may arrive in, and what lossy compression leads to."""

from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import JPEG2000, ExplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit

from node.perfusion import Grade, raised
from node.refusals import Refusal, RefusalCode
from node.scp.contexts import TRANSFER_SYNTAXES
from node.series import (
    CtpSeries,
    Eligibility,
    Instance,
    read_header,
    read_source,
    recognise,
    source_checks,
    stack,
    survey,
)
from tests.support.ctp import CtpSpec, build_series, head_scan, write_series
from tests.support.documents import ROOT, table
from tests.support.syntaxes import SYNTAXES, Syntax

SPEC = CtpSpec(slices=2, frames=11, interval_s=3.2, rows=48, pixel_mm=4.0)
PROGRESSIVE = b"1.2.840.10008.1.2.4.55"  # retired, and nothing decodes it


def images(paths: list[Path]) -> list[Instance]:
    return [Instance(read_header(path), path) for path in paths]


def scan_in(syntax: Syntax, folder: Path) -> list[Instance]:
    """Written to files and read again."""
    paths = [folder / f"{n:03d}.dcm" for n in range(SPEC.slices * SPEC.frames)]
    for dataset, path in zip(build_series(SPEC), paths, strict=True):
        syntax.write(dataset, path)
    return images(paths)


def declared(value: str | None, syntax: str = ExplicitVRLittleEndian) -> list[Dataset]:
    """The scan in a transfer syntax with LossyImageCompression of that value."""
    series = build_series(SPEC)
    for dataset in series:
        if syntax == JPEG2000:
            dataset.compress(JPEG2000, generate_instance_uid=False, j2k_cr=[2])
        if value is not None:
            dataset.LossyImageCompression = value
    return series


def recognised(instances: list[Instance]) -> CtpSeries:
    series = recognise(instances, Eligibility())
    assert isinstance(series, CtpSeries), series
    return series


@pytest.mark.parametrize("name", SYNTAXES)
def test_a_scan_is_the_same_in_every_transfer_syntax(name: str, tmp_path: Path) -> None:
    """Geometry within 0.01 mm, times within 1 ms; pixels equal, or flagged where they are not."""
    syntax, truth, wanted = SYNTAXES[name], head_scan(SPEC), SPEC.geometry
    series = survey(scan_in(syntax, tmp_path), Eligibility()).verdict
    assert isinstance(series, CtpSeries), series
    stacked = stack(series, 1.0)
    assert not isinstance(stacked, Refusal), stacked
    np.testing.assert_allclose(stacked.scan.time_s, truth.time_s, atol=1e-3)
    np.testing.assert_allclose(stacked.geometry.position_mm, wanted.position_mm, atol=0.01)
    assert stacked.geometry.spacing_mm == pytest.approx(wanted.spacing_mm, abs=0.01)
    hu = np.clip(truth.hu, -1024, 3071)
    np.testing.assert_allclose(stacked.scan.hu, hu, rtol=0, atol=syntax.off_by_hu)
    flagged = [flag.code for flag in raised(source_checks(series))] == ["lossy"]
    assert flagged == (syntax.outcome == "analysed, flagged lossy")
    assert flagged == (not np.array_equal(stacked.scan.hu, hu))
    grade = Grade.FAIL if syntax.uid == JPEGBaseline8Bit else Grade.CAUTION
    assert [flag.grade for flag in raised(source_checks(series))] == [grade] * flagged


def test_every_transfer_syntax_that_is_accepted_is_tried() -> None:
    """The listener offers what the tests read, in one order."""
    assert [syntax.uid for syntax in SYNTAXES.values()] == list(TRANSFER_SYNTAXES)


def test_the_document_names_every_transfer_syntax_and_what_happens() -> None:
    """The table is the tests' own list; one row stands for all others."""
    rows = table(ROOT / "docs" / "input.md", "Transfer syntaxes")
    said = [(r["transfer syntax"], r["UID"], r["what happens"]) for r in rows]
    tried = [(name, str(s.uid), s.outcome) for name, s in SYNTAXES.items()]
    assert said == [*tried, ("any other compressed one", "", "refused, unreadable_pixels")]


def test_an_unknown_transfer_syntax_is_refused_by_its_name(tmp_path: Path) -> None:
    """Who reads the refusal knows what to turn off at the sender."""
    instances = scan_in(SYNTAXES["JPEG 2000 lossless"], tmp_path)
    for path in (instance.path for instance in instances):
        path.write_bytes(path.read_bytes().replace(JPEG2000Lossless.encode(), PROGRESSIVE, 1))
    refusal = stack(recognised(images([i.path for i in instances])), 1.0)
    assert isinstance(refusal, Refusal)
    assert refusal.code is RefusalCode.UNREADABLE_PIXELS
    assert "22 of 22 images cannot be read: no decoder for the transfer syntax" in refusal.found
    assert "JPEG Full Progression" in refusal.found
    assert PROGRESSIVE.decode() in refusal.found


@pytest.mark.parametrize(
    ("value", "syntax", "lossy"),
    [
        ("01", ExplicitVRLittleEndian, 22),
        ("00", ExplicitVRLittleEndian, 0),
        (None, ExplicitVRLittleEndian, 0),
        ("01", JPEG2000, 22),
        ("00", JPEG2000, 0),
        (None, JPEG2000, 22),
    ],
)
def test_loss_is_flagged_by_what_the_image_says_then_by_its_syntax(
    value: str | None, syntax: str, lossy: int, tmp_path: Path
) -> None:
    """Once lossy, always lossy; JPEG 2000 may be lossless where the image says that it is."""
    series = recognised(images(write_series(declared(value, syntax), tmp_path)))
    assert series.lossy == lossy
    flags = raised(source_checks(series))
    assert [(f.code, f.grade) for f in flags] == [("lossy", Grade.CAUTION)] * bool(lossy)
    assert all("22 of 22 images" in f.found for f in flags)
    assert any("lossy" in note for note in series.notes) == bool(lossy)


def test_the_source_of_the_results_says_that_it_is_lossy(tmp_path: Path) -> None:
    """What only the transfer syntax of some images tells becomes attribute, method and ratio."""
    written = build_series(SPEC)
    for dataset in written[5:9]:
        dataset.compress(JPEG2000, generate_instance_uid=False, j2k_cr=[4])
    series = recognised(images(write_series(written, tmp_path)))
    source = read_source(series)
    assert series.lossy == 4
    assert source.LossyImageCompression == "01"
    assert source.LossyImageCompressionMethod == "ISO_15444_1"
    assert 3 < source.LossyImageCompressionRatio < 6


@pytest.mark.parametrize(("method", "ratio"), [("ISO_14495_1", 3.5), (None, None)])
def test_what_a_lossy_image_says_of_itself_stands(
    method: str | None, ratio: float | None, tmp_path: Path
) -> None:
    """Method and ratio of a compression that is undone are kept, and never invented."""
    written = declared("01")
    for dataset in written if method else []:
        dataset.LossyImageCompressionMethod = method
        dataset.LossyImageCompressionRatio = ratio
    source = read_source(recognised(images(write_series(written, tmp_path))))
    assert source.LossyImageCompression == "01"
    assert source.get("LossyImageCompressionMethod") == method
    assert source.get("LossyImageCompressionRatio") == ratio


@pytest.mark.parametrize(
    ("image_type", "value", "code"),
    [
        ("PRIMARY", "01", None),
        ("SECONDARY", "01", RefusalCode.DERIVED),
        ("PRIMARY", "00", RefusalCode.DERIVED),
    ],
)
def test_a_lossy_original_is_not_taken_for_a_computed_image(
    image_type: str, value: str, code: RefusalCode | None, tmp_path: Path
) -> None:
    """Lossy compression alone makes DERIVED PRIMARY of an original (PS3.3 C.7.6.1.1.2)."""
    written = declared(value)
    for dataset in written:
        dataset.ImageType = ["DERIVED", image_type, "AXIAL"]
    outcome = recognise(images(write_series(written, tmp_path)), Eligibility())
    assert (outcome.code if isinstance(outcome, Refusal) else None) == code
