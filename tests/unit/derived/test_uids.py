"""Same input, same model, same settings: same UIDs and same bytes; anything else: other UIDs."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from pydicom.uid import PYDICOM_IMPLEMENTATION_UID, PYDICOM_ROOT_UID

from node.perfusion import Estimator, LesionThresholds
from tests.support.ctp import CtpSpec
from tests.unit.derived.case import Case, case, part10

SPEC = CtpSpec(slices=1, frames=2, rows=16, pixel_mm=12.0)


def uids(of: Case) -> set[str]:
    """Every UID of the objects; pictures, the slowest to draw, have theirs by the same rule."""
    kinds = ("background", "segmentation", "parametric_map", "report")
    made = with_options(of, kinds=kinds).encoded()
    return {o.sop_instance_uid for o in made} | {str(o.dataset.SeriesInstanceUID) for o in made}


def with_options(of: Case, **changes: object) -> Case:
    return replace(of, options=replace(of.options, **changes))


def with_model(of: Case, estimator: Estimator) -> Case:
    return replace(of, maps=replace(of.maps, estimator=estimator))


def without_one_image(of: Case) -> Case:
    first, *others = of.series.grid
    grid = ((None, *first[1:]), *others)
    return replace(of, series=replace(of.series, grid=grid))


CHANGES: dict[str, Callable[[Case], Case]] = {
    "revision": lambda c: with_options(c, revision=2),
    "software": lambda c: with_options(c, software_version="0.2.0"),
    "colour table": lambda c: with_options(c, colour_table="viridis"),
    "uid root": lambda c: with_options(c, uid_root="1.3.6.1.4.1.99999"),
    "model": lambda c: with_model(c, Estimator("perfusion", "0.1.0", "f" * 64)),
    "thresholds": lambda c: replace(
        c, lesion=replace(c.lesion, thresholds=LesionThresholds(tmax_s=4.0))
    ),
    "images": without_one_image,
    "time between images": lambda c: replace(
        c, series=replace(c.series, time_s=c.series.time_s * 2)
    ),
}


def test_the_same_call_gives_the_same_bytes() -> None:
    """Encoding twice gives the same files, byte for byte."""
    first, second = case(SPEC).encoded(), case(SPEC).encoded()
    assert [part10(o.dataset) for o in first] == [part10(o.dataset) for o in second]


def test_a_later_run_keeps_its_uids() -> None:
    """The time of the run is no part of the UIDs."""
    given = case(SPEC)
    later = with_options(given, created=given.options.created.replace(year=2027))
    assert uids(later) == uids(given)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_changes_the_result_changes_every_uid(change: Callable[[Case], Case]) -> None:
    """Another revision, model, setting or set of images shares no UID with this one."""
    given = case(SPEC)
    assert not uids(given) & uids(change(given))


@pytest.mark.parametrize("root", ["", "1.3.6.1.4.1.99999"])
def test_uids_are_unique_short_and_of_the_right_root(root: str) -> None:
    """Every UID is below the site's root or 2.25, at most 64 characters, and unique."""
    made = with_options(case(SPEC), uid_root=root).encoded()
    names = [o.sop_instance_uid for o in made]
    assert len(set(names)) == len(names)
    for uid in [*names, *(str(o.dataset.SeriesInstanceUID) for o in made)]:
        assert uid.startswith((root or "2.25") + ".")
        assert len(uid) <= 64


def test_no_uid_of_a_library_is_left_in_a_file() -> None:
    """Neither pydicom's root nor highdicom's implementation UID appears in a result."""
    for made in case(SPEC).encoded():
        written = part10(made.dataset)
        ours = CtpSpec().uid("x").rpartition(".")[0].encode()
        rest = written.replace(ours, b"")
        assert PYDICOM_ROOT_UID.encode() not in rest
        assert PYDICOM_IMPLEMENTATION_UID.encode() not in rest
        assert b"1.2.826.0.1.3680043.9.7433" not in rest


def test_a_source_without_frame_of_reference_gets_one_for_all_its_results() -> None:
    """The made-up Frame of Reference depends on the source series alone."""
    given = case(SPEC)
    bare = replace(given, geometry=replace(given.geometry, frame_of_reference_uid=""))
    revised = with_options(bare, revision=2)
    made = [o.dataset for o in (*bare.encoded(), *revised.encoded())]
    known = {str(d.FrameOfReferenceUID) for d in made if "FrameOfReferenceUID" in d}
    assert len(known) == 1
    assert known.pop().startswith("2.25.")


def test_a_revision_says_what_it_supersedes() -> None:
    """Series description and comments of a second revision name both revisions."""
    for made in with_options(case(SPEC), revision=2).encoded():
        described = made.dataset.SeriesDescription
        assert described.endswith("(revision 2, supersedes revision 1)")
        assert len(described) <= 64
