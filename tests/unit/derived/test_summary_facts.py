"""What the summary page says: every number, every flag, whose scan it is."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from node.derived import typeface
from node.derived.context import Context
from node.derived.summary import identity
from node.derived.summary.charts import DASHED, bolus_chart, motion_chart
from node.derived.summary.choice import every_so_many, instructive_slice, representative_slices
from node.derived.summary.facts import Facts, facts_of, flag_line, published_rules
from node.derived.summary.panels import check_lines
from node.derived.uids import Uids
from node.perfusion import (
    Clock,
    Grade,
    InputFunctions,
    LesionThresholds,
    Motion,
    QualityCheck,
    Reading,
    TimeCourses,
    VesselCurve,
    VolumeRange,
)
from tests.support.ctp import CtpSpec
from tests.unit.derived.case import ESTIMATOR, OPTIONS, Case, case, source

SPEC = CtpSpec(slices=3, frames=4, rows=24, pixel_mm=8.0)


def facts(of: Case) -> Facts:
    """All text of a page."""
    context = Context(of.source, of.options, Uids("", "test"), ESTIMATOR)
    return facts_of(context, of.series, of.findings)


def vessel(peak_hu: float, site: np.ndarray) -> VesselCurve:
    """A curve that is as high as asked."""
    hu = peak_hu * np.exp(-(((np.arange(20) - 8.0) / 3.0) ** 2))
    return VesselCurve(hu, site, peak_hu, 7.0, 4.0, 6.0, 1.0)


def courses(of: Case) -> TimeCourses:
    """Curves of an artery in the second slice and a vein in the last two."""
    artery, vein = np.zeros((2, *of.maps.brain.shape), bool)
    artery[1, 10:12, 10:12] = vein[1:, 18:20, 12] = True
    inputs = InputFunctions(Clock(0.0, 2.0, 20), vessel(200, artery), vessel(300, vein), 1.4)
    return TimeCourses(inputs.clock, vessel(7, artery).hu, inputs, 8.0)


def motion(frames: int = 20, excluded: tuple[int, ...] = ()) -> Motion:
    """A head that moves by up to 1.5 mm and turns by up to 0.7 degrees."""
    time_s = 2.0 * np.arange(frames)
    out = np.isin(np.arange(frames), excluded)
    moved, turned = np.linspace(0, 1.5, frames), np.linspace(0.7, 0, frames)
    rest = np.broadcast_to(np.eye(4), (frames, 1, 4, 4))
    return Motion(time_s, 0, rest, moved, turned, np.zeros(frames), out)


def test_volumes_stand_with_the_range_that_errors_leave() -> None:
    """Core and hypoperfusion with the least and the most, mismatch without."""
    given = case(SPEC)
    lesion = replace(
        given.lesion,
        core_ml=26.25,
        hypoperfusion_ml=88.8,
        range_ml=VolumeRange((70.2, 107.2), (22.6, 30.9)),
    )
    said = facts(replace(given, lesion=lesion))
    assert [(v.name, f"{v.ml:.1f}", v.range_text) for v in said.volumes] == [
        ("Core", "26.2", "22.6 to 30.9 ml by expected errors"),
        ("Hypoperfusion", "88.8", "70.2 to 107.2 ml by expected errors"),
        ("Mismatch", "62.5", ""),
    ]
    assert said.volumes[0].definition == "CBF < 30 % of normal"
    assert dict(said.ratios) == {
        "Mismatch ratio": "3.4",
        "HIR (Tmax > 10 s)": "0.40",
        "Normal CBF, ml/100 g/min": "50",
    }


def test_without_a_lesion_ratios_say_so() -> None:
    """No division by nothing: there is no core, and no intensity ratio."""
    said = facts(case(SPEC, empty=True))
    assert [v.ml for v in said.volumes] == [0.0, 0.0, 0.0]
    assert [value for _, value in said.ratios[:2]] == ["no core", "–"]
    answers = [met for _, conditions in said.rules for _, met in conditions]
    assert answers == [True, False, False] * 2 + [True] * 3


def test_the_threshold_table_is_the_lesions() -> None:
    """Every limit with its volume; no table where nothing was counted."""
    given = case(SPEC)
    counted = replace(given.lesion, tmax_above_ml={4.0: 142.4, 10.0: 29.1}, rcbf_below_ml={0.2: 21})
    said = facts(replace(given, lesion=counted))
    assert said.thresholds == (
        ("Tmax", (("> 4 s", "142.4"), ("> 10 s", "29.1"))),
        ("CBF", (("< 20 %", "21.0"),)),
    )
    assert facts(given).thresholds == ()


@pytest.mark.parametrize(
    ("core", "slow", "defuse", "extend", "dawn"),
    [
        (69.9, 140.0, (True, True, True), (True, True, True), (False, False, False)),
        (70.0, 140.0, (False, True, True), (False, True, True), (False, False, False)),
        (20.0, 32.0, (True, False, False), (True, True, True), (True, True, True)),
        (30.0, 36.0, (True, False, False), (True, False, False), (False, True, True)),
        (0.0, 16.0, (True, True, True), (True, True, True), (True, True, True)),
    ],
)
def test_published_limits_are_met_or_not(
    core: float, slow: float, defuse: tuple, extend: tuple, dawn: tuple
) -> None:
    """At and around each limit the answer is the trial's."""
    lesion = replace(case(SPEC).lesion, core_ml=core, hypoperfusion_ml=slow)
    found = {name: tuple(met for _, met in rule) for name, rule in published_rules(lesion)}
    assert found == {"DEFUSE 3": defuse, "EXTEND-IA": extend, "DAWN": dawn}


def test_published_limits_need_the_published_thresholds() -> None:
    """A lesion by other thresholds is not held against them."""
    other = LesionThresholds(tmax_s=5.0)
    assert published_rules(replace(case(SPEC).lesion, thresholds=other)) == ()


def test_every_flag_stands_with_its_number_and_threshold() -> None:
    """Grade, name and finding, in the order of the analysis."""
    flags = tuple(
        QualityCheck(f"flag_{n}", Grade.CAUTION, f"{n} HU (at most 5 HU)") for n in range(17)
    )
    said = facts(replace(case(SPEC), flags=flags))
    assert said.flags == flags
    assert flag_line(flags[3]) == "Caution, flag 3: 3 HU (at most 5 HU)"


def test_what_is_ok_stands_with_its_number_and_threshold() -> None:
    """Apart from the flags, on lines of their own; nothing is ok in silence."""
    numbers = (Reading("the artery's peak", 120.4, "HU", "at least 15 HU"),)
    checks = (
        QualityCheck("weak_bolus", Grade.OK, "the artery peaks at 120 HU", numbers),
        QualityCheck("noise", Grade.CAUTION, "noise of 14 HU at 5 mm (at most 12 HU)"),
    )
    said = facts(replace(case(SPEC), flags=checks))
    assert (said.passed, said.flags) == (checks[:1], checks[1:])
    words = [line.text for line in check_lines(said, 1500)]
    assert words == [
        "Caution, noise: noise of 14 HU at 5 mm (at most 12 HU)",
        "Ok: the artery's peak: 120 HU (at least 15 HU).",
    ]


def test_patient_study_scan_and_model_are_named() -> None:
    """Who, what, when and by which software, dates as people read them."""
    origin = source(
        SPEC,
        {
            "PatientName": "Doe^Jane^Q^Dr.^MD",
            "PatientID": "4711",
            "PatientBirthDate": "19500131",
            "PatientSex": "F",
            "PatientAge": "074Y",
            "AccessionNumber": "A1",
            "StudyDate": "20260314",
            "StudyTime": "101516.5",
            "AcquisitionDate": "20260314",
            "AcquisitionTime": "1020",
            "Manufacturer": "ACME",
            "ManufacturerModelName": "CT 1",
        },
    )
    given = replace(case(SPEC), source=origin, options=replace(OPTIONS, revision=2))
    said = facts(given)
    assert said.patient == ("Doe, Dr. Jane Q, MD", "ID 4711", "born 1950-01-31, female, 74 years")
    assert said.study[:2] == ("Accession A1", "Study of 2026-03-14 10:15:16")
    assert said.scan[1].startswith("ACME CT 1")
    assert said.scan[2] == "Scan of 2026-03-14 10:20"
    assert said.scan[3].startswith("4 time points in ")
    assert said.scan[3].endswith("3 slices, 5.0 mm apart")
    assert said.made_by[:3] == ("perfusion-node 0.1.0", "perfusion 0.1.0", "sha256 0123456789ab")
    assert said.made_by[-1] == "revision 2, supersedes revision 1"


def test_a_source_that_knows_nothing_leaves_dashes() -> None:
    """Absent attributes are dashes or nothing, never 'None'."""
    bare = source(SPEC)
    for element in list(bare):
        if element.keyword not in ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID"):
            del bare[element.tag]
    said = facts(replace(case(SPEC), source=bare))
    assert said.patient == ("–", "ID –", "born –")
    assert said.study == ("Accession –", "Study of –")
    assert "None" not in " ".join((*said.patient, *said.study, *said.scan))


@pytest.mark.parametrize(
    ("written", "drawn"),
    [
        ("Müller^Jörg", "Müller, Jörg"),
        ("Люкceмбypг", "Люкceмбypг"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada, Tarou"),
        ("Hong^Gildong=洪^吉洞=홍^길동", "Hong, Gildong"),
        ("王^小东", identity.UNDRAWABLE_NAME),
        ("=山田^太郎", identity.UNDRAWABLE_NAME),
        ("قباني^لنزار", identity.UNDRAWABLE_NAME),
        ("שרון^דבורה", identity.UNDRAWABLE_NAME),
        ("", "–"),
        ("^^^^", "–"),
    ],
)
def test_a_name_is_drawn_rightly_or_not_at_all(
    written: str, drawn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a font for ideographs, the writing in letters; never boxes, never in reverse."""
    monkeypatch.setattr(typeface, "FALLBACK", Path("/nowhere.ttf"))
    origin = source(SPEC)
    origin.SpecificCharacterSet = "ISO_IR 192"
    origin.PatientName = written
    assert identity.name(origin) == drawn


def test_curves_are_named_with_site_and_peak() -> None:
    """Artery, vein and magnified tissue, told apart by dash as well as colour."""
    chart = bolus_chart(courses(case(SPEC)))
    assert [t.name for t in chart.traces] == [
        "Artery, slice 2, peak 200 HU",
        "Vein, slice 2–3, peak 300 HU",
        "Tissue × 20, peak 7 HU",
    ]
    assert len({(t.colour, t.dash) for t in chart.traces}) == 3
    assert chart.traces[1].dash == DASHED


def test_what_is_not_known_is_said_instead_of_drawn() -> None:
    """No curves, no artery, no vein, no skull: a sentence each."""
    known = courses(case(SPEC))
    assert bolus_chart(None).remark == "Curves are not known."
    tissue = bolus_chart(replace(known, inputs=None))
    assert (len(tissue.traces), tissue.remark) == (1, "No artery was found.")
    assert known.inputs is not None
    no_vein = bolus_chart(replace(known, inputs=replace(known.inputs, vein=None)))
    assert [t.name.split(",")[0] for t in no_vein.traces] == ["Artery", "Tissue × 20"]
    assert motion_chart(None).remark == "Movement was not measured."
    assert "no skull" in motion_chart(replace(motion(), measured=False)).remark


def test_frames_left_out_are_marked_and_not_drawn() -> None:
    """Their pose is no measurement: a cross at their time, no point on the lines."""
    chart = motion_chart(motion(excluded=(18, 19)))
    assert chart.left_out_s == (36.0, 38.0)
    assert chart.remark == "× 2 of 20 time points left out"
    assert all(len(trace.time_s) == 18 for trace in chart.traces)
    assert [t.name for t in chart.traces] == ["Moved, at most 1.3 mm", "Turned, at most 0.7°"]


@pytest.mark.parametrize("slices", [1, 2, 8, 9, 16, 320])
def test_the_slices_shown_hold_the_instructive_one(slices: int) -> None:
    """At most eight of the maps, spread evenly, ascending, with the most lesion among them."""
    given = case(replace(SPEC, slices=3))
    deep = np.repeat(given.maps.brain[:1], slices, axis=0)
    values = {q: np.zeros(deep.shape, np.float32) for q in given.maps.values}
    maps = replace(
        given.maps, values=values, brain=deep, baseline_hu=np.zeros(deep.shape, np.float32)
    )
    core = np.zeros_like(deep)
    core[slices // 3, 10:12, 10:12] = True
    lesion = replace(given.lesion, core=core, hypoperfusion=core)
    best = instructive_slice(maps, lesion)
    assert best == slices // 3
    chosen = representative_slices(maps, best)
    assert len(chosen) == min(slices, 8)
    assert best in chosen
    assert list(chosen) == sorted(set(chosen))
    small = every_so_many(slices, best, most=60)
    assert best in small
    assert len(small) <= 60
    assert len(small) == slices or slices > 60
