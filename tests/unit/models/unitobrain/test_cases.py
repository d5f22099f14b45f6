"""What is learned from subjects: cases, and the cohort that keeps them."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest

from models.network import SCALES
from models.training import Case
from models.unitobrain import (
    DatasetError,
    Left,
    Subject,
    case_of,
    cohort,
)
from node.perfusion import Quantity
from tests.support.phantom import regions
from tests.support.unitobrain import (
    TinySubject,
    images_of,
    rewritten,
    scaled,
    undecodable,
    write_dataset,
)

TINY = TinySubject()


def _case(subject: Subject) -> Case:
    case = case_of(subject)
    assert isinstance(case, Case)
    return case


def _map(case: Case, quantity: Quantity) -> np.ndarray:
    return case.maps[:, list(SCALES).index(quantity)].astype(np.float32)


def test_a_case_teaches_the_maps_of_the_dataset(subject: Subject) -> None:
    """Inside the parenchyma the truth is the NLR map; Tmax is delay and half the MTT."""
    case = _case(subject)
    tissue = case.shares[:, 0] > 0.99
    sound = tissue & (case.shares[:, 1] == 0)
    medians = {quantity: float(np.median(_map(case, quantity)[sound])) for quantity in SCALES}
    assert medians[Quantity.CBF] == pytest.approx(15.0, rel=0.02)
    assert medians[Quantity.CBV] == pytest.approx(1.4, rel=0.02)
    assert medians[Quantity.MTT] == pytest.approx(5.6, rel=0.02)
    assert medians[Quantity.TMAX] == pytest.approx(5.6 / 2 - 0.3, rel=0.02)
    assert np.isfinite(case.maps).all()
    assert case.maps.min() >= 0


def test_slices_whose_maps_are_constant_are_dropped(subject: Subject) -> None:
    """A slice that was never computed teaches nothing; the others stay."""
    case = _case(subject)
    assert not subject.varies[0]
    assert len(case.maps) == TINY.slices - 1
    assert all(len(part) == len(case.maps) for part in (case.enhancement, case.shares))
    assert (case.shares[:, 3].astype(np.float32).sum(axis=(1, 2)) > 0).all()


def test_a_dropped_slice_between_others_stays_as_their_neighbour(subject: Subject) -> None:
    """What lies next to each other goes on doing so; nothing is asked where nothing is known."""
    varies = np.array([True, True, False, True])
    case = _case(replace(subject, varies=varies))
    brain = case.shares[:, 3].astype(np.float32).sum(axis=(1, 2))
    assert len(case.maps) == TINY.slices
    assert (brain[1] > 0, brain[2], brain[3] > 0) == (True, 0.0, True)
    assert (case.shares[2] == 0).all()


def test_the_lesion_of_the_maps_is_what_the_case_marks(subject: Subject) -> None:
    """Hypoperfusion and core follow from the maps by the node's own rule."""
    case = _case(subject)
    area = np.prod(subject.scan.spacing_mm[1:]) / 1.8**2
    for share, part in ((1, "lesion"), (2, "core")):
        wanted = sum(getattr(regions(TINY.rows, z, 4), part).sum() for z in range(1, 4)) * area
        assert case.shares[:, share].astype(np.float64).sum() == pytest.approx(wanted, rel=0.1)


def test_ttp_counts_from_the_arrival_whichever_clock_the_maps_have(subject: Subject) -> None:
    """Maps that count from the scan's start and from the arrival teach the same."""
    from_start = _map(_case(subject), Quantity.TTP)
    late = float(np.median((subject.maps["TTP"] - 0)[1:][_brain()])) - float(
        np.median(from_start[_case(subject).shares[:, 0] > 0.99])
    )
    moved = {**subject.maps, "TTP": np.maximum(subject.maps["TTP"] - np.float32(late), 0)}
    from_arrival = _map(_case(replace(subject, maps=moved)), Quantity.TTP)
    assert late > 5.0
    np.testing.assert_allclose(from_arrival, from_start, atol=0.05)


def _brain() -> np.ndarray:
    return np.stack([regions(TINY.rows, z, TINY.slices).brain for z in range(1, TINY.slices)])


def _learned(root: Path, cache: Path, **options: int) -> tuple[list[Case | Left], list[str]]:
    said: list[str] = []
    return list(cohort(root, cache, heard=said.append, **options)), said


def test_a_case_is_kept_and_read_back(root: Path, tmp_path: Path) -> None:
    """The second time nothing is read but the kept case, and it is the same."""
    (first,), _ = _learned(root, tmp_path / "cache")
    (kept,) = (tmp_path / "cache").iterdir()
    stamp = kept.stat().st_mtime_ns
    (again,), said = _learned(root, tmp_path / "cache")
    assert said == []
    assert kept.stat().st_mtime_ns == stamp
    for name, values in vars(first).items():
        np.testing.assert_array_equal(values, getattr(again, name))


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda root, kept: kept.write_bytes(kept.read_bytes()[:-500]), "damaged"),
        (lambda root, kept: kept.write_bytes(b""), "damaged"),
        (
            lambda root, kept: np.savez(kept, made_of=np.array("other"), why=np.array("")),
            "outdated",
        ),
        (lambda root, kept: scaled(images_of(root, TINY, "CBF")[0], 1.001), "outdated"),
    ],
    ids=["cut short", "empty", "of another version", "of other files"],
)
def test_a_kept_case_that_is_no_longer_right_is_named_and_made_again(
    spoil: Callable[[Path, Path], object], word: str, root: Path, tmp_path: Path
) -> None:
    """A damaged or outdated case is never learned from."""
    _learned(root, tmp_path / "cache")
    (kept,) = (tmp_path / "cache").iterdir()
    spoil(root, kept)
    (again,), said = _learned(root, tmp_path / "cache")
    assert isinstance(again, Case)
    assert said == [f"{kept} is {word}: MOL-001 is read again"]
    assert _learned(root, tmp_path / "cache")[1] == []


def test_a_scan_that_serving_refuses_is_left_out_by_name(root: Path, tmp_path: Path) -> None:
    """Without a bolus there is nothing to learn: the subject is named with the reason, once."""
    first = images_of(root, TINY)[: TINY.slices]
    for path in images_of(root, TINY)[TINY.slices :]:
        same = first[(int(path.stem[-5:]) - 1) % TINY.slices]
        rewritten(path, PixelData=pydicom.dcmread(same).PixelData)
    for _ in range(2):
        (left,), said = _learned(root, tmp_path / "cache")
        assert isinstance(left, Left)
        assert left.name == "MOL-001"
        assert left.why.startswith("no_bolus: ")
        assert said == []


def test_subjects_come_in_order_until_one_is_damaged(root: Path, tmp_path: Path) -> None:
    """Subjects are read side by side and come by name; a damaged one ends it, naming its file."""
    second, third = (replace(TINY, name=f"MOL-00{n}") for n in (2, 3))
    write_dataset(root, third, second)
    place = undecodable(images_of(root, second, "CBF")[0])
    found = cohort(root, tmp_path / "cache", workers=2, heard=print)
    assert isinstance(next(found), Case)
    with pytest.raises(DatasetError, match="not DICOM") as fault:
        next(found)
    assert fault.value.path == place
    shutil.copy(images_of(root, third, "CBF")[0], place)
    assert len(list(cohort(root, tmp_path / "cache", heard=print))) == 3
