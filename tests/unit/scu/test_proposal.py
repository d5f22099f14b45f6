from pathlib import Path

from pydicom.uid import (
    UID,
    CTImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
)

from node.scu.proposal import MAX_CONTEXTS, Parcel, batches, read_parcel
from tests.support.ctp import CtpSpec, build_instance, write_series


def parcel(sop_class: str, syntax: str = ExplicitVRLittleEndian) -> Parcel:
    return Parcel(Path("x.dcm"), UID(sop_class), UID("1.2.3"), UID(syntax), 350)


def test_a_file_says_what_it_is(tmp_path: Path) -> None:
    """Class, instance and syntax are read from the file meta, and where it ends."""
    dataset = build_instance(CtpSpec(), 0, 0)
    (path,) = write_series([dataset], tmp_path)
    assert read_parcel(path) == Parcel(
        path, CTImageStorage, dataset.SOPInstanceUID, ExplicitVRLittleEndian, _end_of_meta(path)
    )


def test_a_group_length_that_is_wrong_is_not_believed(tmp_path: Path) -> None:
    """The data set begins where group 2 ends, whatever the file says."""
    (path,) = write_series([build_instance(CtpSpec(), 0, 0)], tmp_path)
    right, data = _end_of_meta(path), bytearray(path.read_bytes())
    data[140:144] = (8).to_bytes(4, "little")
    path.write_bytes(data)
    found = read_parcel(path)
    assert found is not None
    assert found.data_set_at == right


def _end_of_meta(path: Path) -> int:
    """After preamble, prefix, the group length and what it counts (PS3.10 7.1)."""
    return 144 + int.from_bytes(path.read_bytes()[140:144], "little")


def test_what_is_no_part_10_file_is_no_parcel(tmp_path: Path) -> None:
    """Text, emptiness, a folder and nothing at all are None."""
    text, empty = tmp_path / "text", tmp_path / "empty"
    text.write_text("not DICOM" * 50)
    empty.touch()
    assert [read_parcel(p) for p in (text, empty, tmp_path, tmp_path / "gone")] == [None] * 4


def test_uncompressed_is_proposed_in_both_vr_forms() -> None:
    """A peer that lacks Explicit VR is offered Implicit, in a context of its own."""
    assert parcel("1.2", ExplicitVRLittleEndian).proposed == (
        ("1.2", ExplicitVRLittleEndian),
        ("1.2", ImplicitVRLittleEndian),
    )
    assert parcel("1.2", JPEGLSLossless).proposed == (("1.2", JPEGLSLossless),)
    assert parcel("1.2", ExplicitVRBigEndian).proposed == (("1.2", ExplicitVRBigEndian),)


def test_more_contexts_than_an_association_holds_are_split_in_order() -> None:
    """No association proposes more than 128 contexts, and every file is in one, in order."""
    parcels = [parcel(f"1.2.{n % 100}") for n in range(300)]
    split = list(batches(parcels))
    assert [p for batch, _ in split for p in batch] == parcels
    for batch, pairs in split:
        assert len(pairs) <= MAX_CONTEXTS
        assert {pair for p in batch for pair in p.proposed} == set(pairs)


def test_no_file_is_no_association() -> None:
    """Nothing to send opens nothing."""
    assert list(batches([])) == []
