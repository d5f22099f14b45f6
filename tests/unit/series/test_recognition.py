"""Instances to a grid: geometry first, time second, whatever the order."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydicom.uid import EnhancedCTImageStorage, MRImageStorage, SecondaryCaptureImageStorage

from node.refusals import Refusal, RefusalCode
from node.series import CtpSeries, Eligibility, Header, Instance, Rule, recognise
from node.settings import AnalysisSettings
from tests.support.ctp import CtpSpec, build_series, header_of

Orientation = tuple[float, float, float, float, float, float]


@cache
def built(spec: CtpSpec) -> tuple[Instance, ...]:
    """The spec's instances, time by time, in memory only."""
    headers = map(header_of, build_series(replace(spec, rows=4)))
    return tuple(Instance(h, Path(f"/spool/{h.sop_instance_uid}.dcm")) for h in headers)


def instances(**changes: object) -> list[Instance]:
    """Four slices at twelve times, four seconds apart, unless told otherwise."""
    return list(built(replace(CtpSpec(), **changes)))  # type: ignore[arg-type]  # a spec's own fields


def changed(images: Sequence[Instance], change: Callable[[int, Header], Header]) -> list[Instance]:
    """The instances with each header changed, given its index."""
    return [replace(image, header=change(i, image.header)) for i, image in enumerate(images)]


def clocked(images: Sequence[Instance], clock: Callable[[int, float], float]) -> list[Instance]:
    """The instances with one AcquisitionTime each, made of the index and the true time."""

    def change(i: int, header: Header) -> Header:
        return replace(
            header,
            times_s=(("AcquisitionTime", clock(i, dict(header.times_s)["AcquisitionTime"])),),
        )

    return changed(images, change)


def recognised(images: Sequence[Instance]) -> CtpSeries:
    """The series, which must not be refused."""
    series = recognise(images, Eligibility())
    assert isinstance(series, CtpSeries), series
    return series


def refused(images: Sequence[Instance], limits: Eligibility | None = None) -> Refusal:
    """The refusal, which must be one."""
    refusal = recognise(images, limits or Eligibility())
    assert isinstance(refusal, Refusal)
    assert refusal.found
    assert refusal.remedy
    return refusal


def uids(series: CtpSeries) -> list[list[str | None]]:
    """SOP Instance UIDs of the grid."""
    return [[i and i.header.sop_instance_uid for i in row] for row in series.grid]


def spec_uids(spec: CtpSpec) -> list[list[str]]:
    """SOP Instance UIDs as the grid of a whole series has them."""
    return [[spec.sop_instance_uid(t, z) for z in range(spec.slices)] for t in range(spec.frames)]


@given(st.permutations(range(48)), st.sampled_from([0.0, 2.0]), st.booleans())
@settings(max_examples=40, deadline=None)
def test_any_order_of_instances_gives_the_same_series(
    order: list[int], slab_offset_s: float, slice_major: bool
) -> None:
    """Grid, times, geometry and notes do not depend on the order of arrival."""
    spec = CtpSpec(slab_offset_s=slab_offset_s, slice_major=slice_major)
    images = built(spec)
    series = recognised([images[i] for i in order])
    assert uids(series) == spec_uids(spec)
    np.testing.assert_array_equal(series.time_s, recognised(images).time_s)
    np.testing.assert_array_equal(series.geometry.position_mm, spec.geometry.position_mm)
    assert series.notes == recognised(images).notes


def test_a_shuttle_keeps_a_time_for_every_slice() -> None:
    """The upper slab is half a cycle late; no slice gets another slice's time."""
    series = recognised(instances(slab_offset_s=2.0))
    np.testing.assert_allclose(series.time_s[:3], [[0, 0, 2, 2], [4, 4, 6, 6], [8, 8, 10, 10]])
    assert any("shuttle" in note for note in series.notes)


@pytest.mark.parametrize("date_turns", [True, False], ids=["date turns", "date stands still"])
def test_a_scan_over_midnight_goes_on(date_turns: bool) -> None:
    """Seconds go on over midnight, whether or not the date does."""
    images = instances(start=datetime(2026, 3, 14, 23, 59, 40))
    if not date_turns:
        day = math.floor(dict(images[0].header.times_s)["AcquisitionTime"] / 86_400) * 86_400
        images = clocked(images, lambda _, time: day + time % 86_400)
    assert recognised(images).time_s[:, 0] == pytest.approx(np.arange(12) * 4.0)


def test_times_of_day_without_dates_cross_midnight() -> None:
    """Without any date the times of day alone are put in order."""
    images = instances(start=datetime(2026, 3, 14, 23, 59, 40))
    series = recognised(clocked(images, lambda _, time: time % 86_400))
    assert series.time_s[:, 0] == pytest.approx(np.arange(12) * 4.0)


@pytest.mark.parametrize("number", [lambda i: i % 4, lambda i: 1, lambda i: 48 - i, lambda i: None])
def test_instance_numbers_are_not_believed(number: Callable[[int], int | None]) -> None:
    """InstanceNumber may restart, repeat, run backwards or be absent."""
    images = changed(instances(), lambda i, h: replace(h, instance_number=number(i)))
    assert uids(recognised(images)) == spec_uids(CtpSpec())


@pytest.mark.parametrize("slice_major", [False, True])
def test_ties_of_a_whole_second_clock_follow_the_instance_number(slice_major: bool) -> None:
    """A scan every 0.5 s on a clock of whole seconds: pairs tie, the numbers tell them apart."""
    spec = CtpSpec(frames=70, interval_s=0.5, slices=2, slice_major=slice_major)
    images = clocked(built(spec), lambda _, time: float(math.floor(time)))
    series = recognised(images)
    assert uids(series) == spec_uids(spec)
    assert np.all(np.diff(series.time_s, axis=0) > 0)
    assert np.abs(series.time_s[:, 0] - np.arange(70) * 0.5).max() <= 0.5


def test_the_first_clock_that_moves_is_used() -> None:
    """A clock that stands still over the series is passed over, and the next one recorded."""

    def stopped(_: int, header: Header) -> Header:
        (_, time), *_ = header.times_s
        return replace(
            header,
            times_s=(("AcquisitionDateTime", 1e9), ("AcquisitionTime", 5.0), ("ContentTime", time)),
        )

    series = recognised(changed(instances(), stopped))
    assert series.time_source == "ContentTime"
    assert uids(series) == spec_uids(CtpSpec())


def test_a_missing_image_is_left_open_and_its_time_filled_in() -> None:
    """One absent image is None in the grid; its time follows its slice's own rhythm."""
    images = instances(slab_offset_s=2.0)
    series = recognised(images[:22] + images[23:])
    assert [
        (t, z) for t, row in enumerate(series.grid) for z, i in enumerate(row) if i is None
    ] == [(5, 2)]
    assert series.time_s[5, 2] == pytest.approx(22.0)
    assert any("1 missing" in note for note in series.notes)


@given(st.sets(st.integers(0, 43), max_size=4))
@settings(max_examples=40, deadline=None)
def test_images_missing_anywhere_leave_the_others_in_place(gone: set[int]) -> None:
    """While one slice is whole, no image leaves its time point or its slice."""
    assume({i % 4 for i in gone} != {0, 1, 2, 3})
    images = instances(slab_offset_s=1.0)
    outcome = recognise([image for i, image in enumerate(images) if i not in gone], Eligibility())
    if isinstance(outcome, Refusal):
        assert outcome.code is RefusalCode.INCOMPLETE
        return
    whole = {uid: (t, z) for t, row in enumerate(spec_uids(CtpSpec())) for z, uid in enumerate(row)}
    cells = [[whole[uid] for uid in row if uid] for row in uids(outcome)]
    times = [{t for t, _ in row} for row in cells]
    assert all(len(found) == 1 for found in times)
    assert [min(found) for found in times] == sorted(min(found) for found in times)
    assert np.all(np.diff(outcome.time_s, axis=0) > 0)


@pytest.mark.parametrize("last", [1, 2, 3])
def test_an_incomplete_last_volume_is_left_out(last: int) -> None:
    """A scan that was stopped in mid-volume ends with its last whole volume, and says so."""
    series = recognised(instances()[: 44 + last])
    assert uids(series) == spec_uids(CtpSpec())[:11]
    assert series.notes


def test_a_duplicate_is_left_out() -> None:
    """The same SOP Instance UID twice is one image."""
    images = instances()
    copy = replace(images[7], path=Path("/spool/zz.dcm"))
    series = recognised([copy, *images])
    assert uids(series) == spec_uids(CtpSpec())
    assert copy not in series.instances


def test_an_image_drawn_upon_and_stored_again_is_left_out() -> None:
    """Same position and time under a new UID: the image with the lower number stays."""
    images = instances()
    drawn = replace(images[7].header, sop_instance_uid="1.2.3", instance_number=999)
    series = recognised([replace(images[7], header=drawn), *images])
    assert uids(series) == spec_uids(CtpSpec())


def test_localizers_reports_and_derived_images_are_left_out() -> None:
    """What else is in the series does not disturb it, and is counted."""
    images = instances()
    localizer = replace(
        images[0].header, sop_instance_uid="1.1", image_type=("ORIGINAL", "PRIMARY", "LOCALIZER")
    )
    report = replace(
        images[0].header, sop_instance_uid="1.2", sop_class_uid=SecondaryCaptureImageStorage
    )
    mean = replace(images[0].header, sop_instance_uid="1.3", image_type=("DERIVED", "SECONDARY"))
    others = [replace(images[0], header=h) for h in (localizer, report, mean)]
    series = recognised([*others, *images])
    assert uids(series) == spec_uids(CtpSpec())
    assert len(series.notes) == 3


def test_images_of_another_geometry_are_left_out() -> None:
    """The geometry that most images share is the series."""
    images = instances()
    thin = changed(instances(seed=1)[:5], lambda _, h: replace(h, slice_thickness_mm=0.6))
    assert uids(recognised([*thin, *images])) == spec_uids(CtpSpec())


SLOPE = math.sqrt(0.5)
ORIENTATIONS: dict[str, Orientation] = {
    "axial": (1, 0, 0, 0, 1, 0),
    "axial, reversed normal": (1, 0, 0, 0, -1, 0),
    "coronal": (1, 0, 0, 0, 0, -1),
    "sagittal": (0, 1, 0, 0, 0, -1),
    "tilted": (1, 0, 0, 0, SLOPE, -SLOPE),
    "oblique": (SLOPE, SLOPE, 0, -0.5, 0.5, SLOPE),
}


@pytest.mark.parametrize("orientation", ORIENTATIONS.values(), ids=ORIENTATIONS)
@pytest.mark.parametrize("upwards", [True, False])
def test_slices_ascend_along_the_normal(orientation: Orientation, upwards: bool) -> None:
    """In every orientation, scanned upwards or down, slice 0 is lowest along the normal."""
    images = instances(orientation=orientation, spacing_mm=5.0 if upwards else -5.0)
    images = changed(images, lambda _, h: replace(h, slice_thickness_mm=5.0))
    geometry = recognised(images).geometry
    along = geometry.position_mm @ geometry.normal
    np.testing.assert_allclose(np.diff(along), 5.0, atol=1e-4)
    assert geometry.spacing_mm[0] == pytest.approx(5.0, abs=1e-4)


def test_positions_that_jitter_are_one_slice() -> None:
    """A few hundredths of a millimetre, as table and rounding give, split no slice."""
    rng = np.random.default_rng(1)

    def jitter(_: int, header: Header) -> Header:
        x, y, z = header.position_mm or (0, 0, 0)
        return replace(header, position_mm=(x, y, z + float(rng.uniform(-0.04, 0.04))))

    assert uids(recognised(changed(instances(), jitter))) == spec_uids(CtpSpec())


IMAGES = instances()


@pytest.mark.parametrize(
    ("code", "images"),
    [
        (RefusalCode.NOT_CT, []),
        (
            RefusalCode.NOT_CT,
            changed(IMAGES, lambda _, h: replace(h, sop_class_uid=MRImageStorage, modality="MR")),
        ),
        (RefusalCode.NO_PIXELS, changed(IMAGES, lambda _, h: replace(h, has_pixels=False))),
        (
            RefusalCode.LOCALIZER,
            changed(
                IMAGES[:2], lambda _, h: replace(h, image_type=("ORIGINAL", "PRIMARY", "LOCALIZER"))
            ),
        ),
        (
            RefusalCode.DERIVED,
            changed(IMAGES, lambda _, h: replace(h, image_type=("DERIVED", "PRIMARY", "AXIAL"))),
        ),
        (RefusalCode.NO_GEOMETRY, changed(IMAGES, lambda _, h: replace(h, position_mm=None))),
        (RefusalCode.NO_GEOMETRY, changed(IMAGES, lambda _, h: replace(h, pixel_mm=(0.0, 0.0)))),
        (
            RefusalCode.NO_GEOMETRY,
            changed(IMAGES, lambda _, h: replace(h, orientation=(1, 0, 0, 1, 0, 0))),
        ),
        (
            RefusalCode.NO_GEOMETRY,
            changed(
                IMAGES[:1],
                lambda _, h: replace(h, sop_class_uid=EnhancedCTImageStorage, position_mm=None),
            ),
        ),
        (RefusalCode.NO_TIME, changed(IMAGES, lambda _, h: replace(h, times_s=()))),
        (RefusalCode.NO_TIME, clocked(IMAGES, lambda i, time: 34_000.0)),
        (RefusalCode.NOT_PERFUSION, IMAGES[:1]),
        (RefusalCode.NOT_PERFUSION, instances(frames=1, slices=40)),
        (RefusalCode.NOT_PERFUSION, instances(frames=3)),
        (RefusalCode.TOO_FEW_FRAMES, instances(frames=8, interval_s=5.0)),
        (RefusalCode.TOO_SHORT, instances(frames=14, interval_s=2.0)),
        (RefusalCode.TOO_FEW_SLICES, instances(slices=1)),
        (RefusalCode.TOO_SPARSE, instances(interval_s=7.0)),
        (RefusalCode.TOO_SPARSE, clocked(IMAGES, lambda i, time: time + 10.0 * (i >= 24))),
        (RefusalCode.SLABS_APART, clocked(IMAGES, lambda i, time: time + 30.0 * (i % 4 > 1))),
        (
            RefusalCode.INCOMPLETE,
            [image for i, image in enumerate(IMAGES) if i not in {1, 5, 9, 13}],
        ),
        (
            RefusalCode.INCOMPLETE,
            [image for i, image in enumerate(IMAGES) if i not in {4, 8, 17, 21, 26, 30}],
        ),
    ],
    ids=lambda value: value.value if isinstance(value, RefusalCode) else "",
)
def test_what_cannot_be_analysed_is_refused(code: RefusalCode, images: list[Instance]) -> None:
    """Each reason has its code, what was found and what to do; nothing raises."""
    assert refused(images).code is code


def test_images_of_two_studies_never_make_one_scan() -> None:
    """A Series UID that two studies share may join two patients: no maps, but a reason."""
    images = changed(IMAGES, lambda i, h: replace(h, study_instance_uid="1.2") if i == 7 else h)
    refusal = refused(images)
    assert refusal.code is RefusalCode.MIXED_STUDIES
    assert f"2 studies ({len(images) - 1}, 1 images)" in refusal.found


def test_derived_images_are_taken_where_settings_say_so() -> None:
    """Motion-corrected series are DERIVED; a hospital may choose to send them."""
    images = changed(IMAGES, lambda _, h: replace(h, image_type=("DERIVED", "PRIMARY", "AXIAL")))
    assert isinstance(recognise(images, Eligibility(accept_derived=True)), CtpSeries)


MOCO = changed(
    IMAGES,
    lambda _, h: replace(
        h,
        image_type=("DERIVED", "SECONDARY", "MOCO"),
        series_description="CTP moco 5.0",
        protocol_name="Stroke",
    ),
)


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (Rule("skip"), RefusalCode.NOT_SELECTED),
        (Rule("skip", description="*MOCO*"), RefusalCode.NOT_SELECTED),
        (Rule("skip", protocol="stroke"), RefusalCode.NOT_SELECTED),
        (Rule("skip", image_type="*\\moco"), RefusalCode.NOT_SELECTED),
        (Rule("skip", min_thickness_mm=5.0, max_thickness_mm=5.0), RefusalCode.NOT_SELECTED),
        (Rule("skip", max_thickness_mm=4.9), RefusalCode.DERIVED),
        (Rule("skip", description="CTP"), RefusalCode.DERIVED),
        (Rule("analyse", protocol="Trauma"), RefusalCode.DERIVED),
        (Rule("analyse", description="*moco*", image_type="derived*"), None),
    ],
    ids=str,
)
def test_rules_of_the_settings_leave_series_out_or_take_them(
    rule: Rule, code: RefusalCode | None
) -> None:
    """All conditions of a rule must hold; a rule that asks for a series admits derived images."""
    outcome = recognise(MOCO, Eligibility(rules=(rule,)))
    assert (outcome.code if isinstance(outcome, Refusal) else None) is code


def test_the_first_rule_that_matches_decides() -> None:
    """An exception stands before what it is excepted from."""
    rules = (Rule("analyse", description="*moco*"), Rule("skip"))
    assert isinstance(recognise(MOCO, Eligibility(rules=rules)), CtpSeries)
    assert refused(IMAGES, Eligibility(rules=rules)).code is RefusalCode.NOT_SELECTED


def test_a_rule_may_speak_of_who_sent_the_series() -> None:
    """From a folder, without a sender, it speaks of none."""
    rules = (Rule("skip", peer="CT_OLD*"),)
    assert refused(IMAGES, Eligibility(rules=rules, peer="ct_old2")).code is (
        RefusalCode.NOT_SELECTED
    )
    for peer in ("CT_NEW", ""):
        assert isinstance(recognise(IMAGES, Eligibility(rules=rules, peer=peer)), CtpSeries)


def test_a_usual_rule_admits_nothing_more_and_tells_what_it_does() -> None:
    """Priority and destinations leave alone what is analysed; the note names both."""
    rule = Rule("usual", priority=5, destinations=("pacs",), results=())
    assert refused(MOCO, Eligibility(rules=(rule,))).code is RefusalCode.DERIVED
    found = recognise(IMAGES, Eligibility(rules=(rule,)))
    assert isinstance(found, CtpSeries)
    assert found.notes[0] == (
        "the settings have a rule for this series (every series): priority 5, "
        "of the results only none, sent to pacs only"
    )


def test_a_rule_shares_no_more_than_is_wanted() -> None:
    """It takes away from what a destination's own settings give it, and adds nothing."""
    wanted = {"pacs": ("colour", "report"), "research": ("parametric_map",)}
    everybody = Rule("usual")
    assert not everybody.shares
    assert everybody.share(wanted) == wanted
    some = Rule("usual", destinations=("pacs",), results=("report", "parametric_map"))
    assert some.shares
    assert some.share(wanted) == {"pacs": ("report",)}


def test_a_slice_cut_off_at_the_edge_is_left_out() -> None:
    """An outer slice with too few time points costs coverage, not the analysis."""
    series = recognised([image for i, image in enumerate(IMAGES) if i % 4 < 3 or i < 20])
    assert uids(series) == [row[:3] for row in spec_uids(CtpSpec())]
    assert any("1 slice position" in note for note in series.notes)


def test_the_default_limits_are_those_of_the_settings() -> None:
    """The room's own defaults and the settings' say the same."""
    wanted = AnalysisSettings().model_dump()
    ours = vars(Eligibility())
    del ours["peer"]  # of the series, not of the settings
    assert {name: wanted[name] for name in ours} == ours
