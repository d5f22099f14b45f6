"""``explain``: what a folder holds, and what would become of each series; nothing is analysed."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from node.cli.files import files_of
from node.cli.options import ConfigOption, JsonOption, settings_from
from node.cli.output import counted, note, print_json, say
from node.ports import checked
from node.refusals import Refusal
from node.wiring import Node

if TYPE_CHECKING:  # the command imports what it needs when it is called
    from node.perfusion import QualityCheck
    from node.route import AnalyseOptions
    from node.series import Instance, Survey

_WIDTH = 60  # of the picture [characters]
# Shares of the time between two images of a slice.
_AT_ONCE, _IN_TURN = 0.1, 0.25
CLOCK_WORDS = {
    "FrameReferenceDateTime": "the middle of each image's exposure",
    "FrameAcquisitionDateTime": "the start of each frame's exposure",
    "AcquisitionDateTime": "the acquisition's date and time",
    "AcquisitionTime": "the acquisition time",
    "ContentTime": "the time the image was made (no acquisition time tells images apart)",
    "FrameReferenceTime": "milliseconds since the scan began",
    "TriggerTime": "milliseconds since the trigger",
    "TemporalPositionTimeOffset": "seconds since the first time point",
    "MidScanTime": "the middle of each image's exposure, by a private element of GE's",
    "DeltaStartTime": "the start of each image's exposure, by a private element of GE's",
    "TemporalPositionIdentifier": "a count of time points and the settings' seconds a step",
    "TemporalPositionIndex": "a count of time points and the settings' seconds a step",
    "VolumeNumber": "Canon's count of volumes and the settings' seconds a step",
}


def explain(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", exists=True, help="Folder or zip of DICOM files.")
    ],
    peer: Annotated[
        str,
        typer.Option(metavar="AE", help="As if this AE title had sent it, for rules about peers."),
    ] = "",
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Say what every series in a folder (or zip) is, and why it would be analysed or not.

    Shown are slices and time points, where the times come from, and a picture of when the
    lowest, middle and highest slice were imaged. Only headers are read: damaged pixels, a
    missing bolus or a moving head are found by the analysis alone.

    Exit code 1 where no series would be analysed.
    """
    from node.cli.instances import read
    from node.series import put_together, survey

    options = Node(settings_from(config)).options(1, datetime.now(UTC), peer=peer)
    with files_of(folder) as files:
        found = read(files)
        scans = put_together(found.series)
        surveys = [(instances, survey(instances, options.eligibility)) for instances in scans]
    if json:
        print_json([_facts(instances, seen, options) for instances, seen in surveys])
    else:
        for instances, seen in surveys:
            _print(instances, seen, options)
        note(
            f"{counted(found.files, 'file')}, {found.unreadable} of them no readable DICOM images,"
            f" {found.repeated} repeated."
        )
    good = any(not isinstance(seen.verdict, Refusal) for _, seen in surveys)
    raise typer.Exit(0 if good else 1)


def _print(instances: "Sequence[Instance]", seen: "Survey", options: "AnalyseOptions") -> None:
    header = instances[0].header
    title = header.series_description or "(no description)"
    good = not isinstance(seen.verdict, Refusal)
    say(f"{title} ({counted(len(instances), 'file')})", "bold green" if good else "bold yellow")
    told = (*_sentences(instances, seen), *_averaged(seen, options), *_picture(seen))
    told = (*told, *_checks(seen, options))
    for line in (header.series_instance_uid, *told):
        say(f"  {line}")
    say("")


def _sentences(instances: "Sequence[Instance]", seen: "Survey") -> Iterator[str]:
    if isinstance(seen.verdict, Refusal):
        found = seen.verdict.found.rstrip(". ")
        yield f"Would not be analysed: {found}. {seen.verdict.remedy}"
    else:
        yield "Would be analysed."
    series = len({i.header.series_instance_uid for i in instances})
    if series > 1:
        yield f"{series} series, each one part of this scan, belong together."
    yield from _grid(seen)
    if not isinstance(seen.verdict, Refusal):
        yield from (f"Note: {text}." for text in seen.verdict.notes)


def _grid(seen: "Survey") -> Iterator[str]:
    if seen.first is None:
        return
    first, pixel_mm = seen.first, seen.first.pixel_mm or (0.0, 0.0)
    apart = "" if seen.spacing_mm is None else f", {seen.spacing_mm:.4g} mm apart"
    thick = f" {first.slice_thickness_mm:g} mm thick" if first.slice_thickness_mm else ""
    yield (
        f"{counted(seen.slices, 'slice')}{thick}{apart}, {counted(seen.frames, 'time point')};"
        f" {first.columns} x {first.rows} pixels of {pixel_mm[0]:.3g} mm"
    )
    if not seen.time_source:
        yield "Times: no clock in the headers tells the images of a slice apart."
        return
    yield f"Times: {CLOCK_WORDS[seen.time_source]} ({seen.time_source})."
    steps_s = np.concatenate([np.diff(times) for times in seen.slice_times_s])
    last_s = max(float(times[-1]) for times in seen.slice_times_s if len(times))
    if len(steps_s):
        yield (
            f"Each slice is imaged every {np.median(steps_s):.1f} s"
            f" ({steps_s.min():.1f} to {steps_s.max():.1f} s), over {last_s:.1f} s in all."
        )
        yield from _order(seen, float(np.median(steps_s)))


def _order(seen: "Survey", interval_s: float) -> Iterator[str]:
    """Which slices are imaged together, and which one after another.

    Nothing where images are missing: which pass lacks one is not known.
    """
    if seen.slices < 2 or len({len(times) for times in seen.slice_times_s}) > 1:
        return
    table_s = np.stack(seen.slice_times_s, axis=1)
    within_s = float(np.median(np.ptp(table_s, axis=1)))
    if within_s < _AT_ONCE * interval_s:
        yield "All slices are imaged at once."
        return
    behind_s = table_s - table_s[:, :1]
    steps_s = np.abs(np.diff(np.median(behind_s, axis=0)))
    borders = steps_s > _IN_TURN * interval_s
    if borders.any() and float(behind_s.std(axis=0).max()) < _AT_ONCE * interval_s:
        apart_s = float(np.median(steps_s[borders]))
        yield (
            f"The table moves to and fro: {borders.sum() + 1} slabs are imaged in turn,"
            f" {apart_s:.1f} s apart."
        )
    else:
        yield f"Slices are imaged one after another, {within_s:.1f} s from the first to the last."


def _averaged(seen: "Survey", options: "AnalyseOptions") -> Iterator[str]:
    """What becomes of thin slices."""
    from node.series import analysed

    if isinstance(seen.verdict, Refusal):
        return
    grid = analysed(seen.verdict, options.max_pixel_mm, options.max_slice_mm)
    if (slices := len(grid.position_mm)) < len(seen.verdict.geometry.position_mm):
        yield f"Thin slices are averaged: {slices} slices {grid.spacing_mm[0]:.3g} mm apart."


def _checked(seen: "Survey", options: "AnalyseOptions") -> "tuple[QualityCheck, ...]":
    """The checks of quality that headers allow; none where nothing would be analysed."""
    from node.perfusion import gravest_first, of_coverage
    from node.series import analysed, header_checks

    if isinstance(seen.verdict, Refusal):
        return ()
    grid = analysed(seen.verdict, options.max_pixel_mm, options.max_slice_mm)
    coverage_mm = len(grid.position_mm) * grid.spacing_mm[0]
    return gravest_first((of_coverage(coverage_mm), *header_checks(seen.verdict)))


def _checks(seen: "Survey", options: "AnalyseOptions") -> Iterator[str]:
    for check in _checked(seen, options):
        yield f"{check.grade.capitalize()}: {check.found}."


def _picture(seen: "Survey") -> Iterator[str]:
    """One line for the lowest, middle and highest slice: a mark where it was imaged."""
    if seen.frames < 2 or not seen.slice_times_s:
        return
    last_s = max(float(times[-1]) for times in seen.slice_times_s if len(times))
    count = len(seen.slice_times_s)
    shown = {"lowest": 0, "middle": count // 2, "highest": count - 1}
    for name, z in reversed(list({z: n for n, z in shown.items()}.items())):
        marks = [" "] * (_WIDTH + 1)
        for time_s in seen.slice_times_s[name]:
            marks[round(time_s / max(last_s, 1e-9) * _WIDTH)] = "|"
        yield f"{z + ' slice':>14}  {''.join(marks).rstrip()}"
    yield f"{'':>14}  0 s{f'{last_s:.0f} s':>{_WIDTH - 2}}"


def _facts(
    instances: "Sequence[Instance]", seen: "Survey", options: "AnalyseOptions"
) -> dict[str, Any]:
    refusal = seen.verdict if isinstance(seen.verdict, Refusal) else None
    return {
        "series_instance_uids": sorted({i.header.series_instance_uid for i in instances}),
        "description": instances[0].header.series_description,
        "files": len(instances),
        "analysed": refusal is None,
        "reason": refusal and {"code": refusal.code, "found": refusal.found, "do": refusal.remedy},
        "notes": [] if isinstance(seen.verdict, Refusal) else seen.verdict.notes,
        "images": seen.images,
        "slices": seen.slices,
        "time_points": seen.frames,
        "spacing_mm": seen.spacing_mm,
        "time_source": seen.time_source,
        "checks": [asdict(checked(check)) for check in _checked(seen, options)],
        "times_s": [[round(float(t), 3) for t in times] for times in seen.slice_times_s],
    }
