"""The command ``python -m models simulate``."""

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from models.simulator.acquisition import ACQUISITIONS, Acquisition
from models.simulator.contact_sheet import contact_sheet
from models.simulator.dicom_writer import StudyHeader, write_dicom
from models.simulator.further import FURTHER
from models.simulator.pathology import PATHOLOGIES
from models.simulator.plans import Plan
from models.simulator.residue import FAMILIES
from models.simulator.scan import DEMO_SEED, SimulatedScan, simulate
from models.simulator.vendors import VENDORS

_PATHOLOGIES = (*PATHOLOGIES, *FURTHER)
_SCHEMES = ", ".join(ACQUISITIONS)


def simulate_command(  # noqa: PLR0913, PLR0917  (a command's options are its arguments)
    out: Annotated[Path, typer.Option(help="Folder to write to; made if absent.")],
    cases: Annotated[int, typer.Option(min=1, help="How many patients.")] = 1,
    seed: Annotated[
        int,
        typer.Option(
            min=0,
            help="The first patient; case N is patient seed + N - 1. Default: the demo's stroke.",
        ),
    ] = DEMO_SEED,
    scheme: Annotated[str, typer.Option(help=f"How the scanner samples: {_SCHEMES}.")] = "standard",
    size: Annotated[int, typer.Option(min=32, help="Rows and columns; the view is 230 mm.")] = 512,
    frames: Annotated[int | None, typer.Option(min=2, help="Only the first frames.")] = None,
    slices: Annotated[int | None, typer.Option(min=1, help="Another number of slices.")] = None,
    pathology: Annotated[
        str | None,
        typer.Option(
            help=f"stroke, {', '.join(_PATHOLOGIES)}; any of the first eight where left out."
        ),
    ] = None,
    dose: Annotated[float, typer.Option(min=0.02, max=1.0, help="Share of 190 mA at 80 kV.")] = 1.0,
    motion: Annotated[float, typer.Option(min=0.0, help="Head movement [mm].")] = 0.0,
    salt: Annotated[
        str, typer.Option(help="Any text: makes another study of the same patients.")
    ] = "",
    dicom: Annotated[bool, typer.Option(help="Write the DICOM files.")] = True,
    vendor: Annotated[
        str | None, typer.Option(help=f"Headers as of {', '.join(VENDORS)}; plain where left out.")
    ] = None,
    residue: Annotated[
        str | None, typer.Option(help=f"{', '.join(FAMILIES)}; the patient's mixture where not.")
    ] = None,
    mishaps: Annotated[
        bool,
        typer.Option(
            "--mishaps", help="Dispersion, rigid movement, hardened beams and faults, by seed."
        ),
    ] = False,
) -> None:
    """Simulate CT perfusion scans of stroke patients whose truth is known.

    Each case becomes a folder OUT/case-0001 with dicom/*.dcm (what a scanner would send),
    truth.json (seed, volumes, arrival) and truth.npz (maps, masks, curves). The first case is
    drawn in OUT/contact-sheet.png. The same call writes the same bytes.

    For example:

    - `python -m models simulate --out /tmp/ctp`

    - `python -m models simulate --out /tmp/ctp --cases 5 --pathology stroke --scheme shuttle`

    - `python -m models simulate --out /tmp/ctp --vendor siemens --scheme spiral --mishaps`

    - `python -m models simulate --out /tmp/ctp --size 128 --slices 4 --frames 20 --no-dicom`
    """
    acquisition = _acquisition(scheme, size, frames, slices)
    acquisition = dataclasses.replace(acquisition, dose=dose, motion_mm=motion)
    _known("--pathology", pathology, ("stroke", *_PATHOLOGIES))
    _known("--vendor", vendor, VENDORS)
    _known("--residue", residue, FAMILIES)
    console = Console(stderr=True)
    table = Table("case", "seed", "pathology", "core [ml]", "hypoperfusion [ml]", "arrival [s]")
    with _progress(console) as progress:
        for case in progress.track(range(cases), description="simulating"):
            patient = seed + case
            realism = Plan.drawn(patient, size).realism if mishaps else None
            scan = simulate(
                patient, acquisition, pathology=pathology, residue=residue, realism=realism
            )
            folder = out / f"case-{case + 1:04d}"
            _keep(scan, folder, salt if dicom else None, vendor)
            if case == 0:
                contact_sheet(scan, out / "contact-sheet.png")
            table.add_row(folder.name, *_row(scan))
    console.print(table)
    console.print(f"written to {out}")


def _known(option: str, value: str | None, choices: Iterable[str]) -> None:
    """A bad call where an option has no such choice."""
    if value is not None and value not in choices:
        raise typer.BadParameter(f"choose from {', '.join(choices)}", param_hint=option)


def _acquisition(scheme: str, size: int, frames: int | None, slices: int | None) -> Acquisition:
    if scheme not in ACQUISITIONS:
        raise typer.BadParameter(f"choose from {_SCHEMES}", param_hint="--scheme")
    acquisition = ACQUISITIONS[scheme].at(size)
    times = acquisition.frame_times_s[: frames or acquisition.frames]
    return dataclasses.replace(
        acquisition, frame_times_s=times, slices=slices or acquisition.slices
    )


def _progress(console: Console) -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console)


def _keep(scan: SimulatedScan, folder: Path, salt: str | None, vendor: str | None) -> None:
    """Write one case; no DICOM where ``salt`` is None."""
    folder.mkdir(parents=True, exist_ok=True)
    if salt is not None:
        write_dicom(scan, folder / "dicom", header=StudyHeader(salt=salt), vendor=vendor)
    (folder / "truth.json").write_text(json.dumps(facts(scan), indent=2) + "\n")
    np.savez_compressed(folder / "truth.npz", **_arrays(scan))


def facts(scan: SimulatedScan) -> dict[str, Any]:
    """What was simulated, as JSON data: what ``truth.json`` holds.

    Parameters
    ----------
    scan
        The scan.
    """
    truth, acquisition = scan.truth, scan.acquisition
    return {
        "seed": scan.seed,
        "scheme": acquisition.name,
        "pathology": truth.pathology,
        "side": truth.side,
        "core_ml": round(truth.core_ml, 2),
        "hypoperfusion_ml": round(truth.hypoperfusion_ml, 2),
        "normal_cbf": round(truth.normal_cbf, 2),
        "arrival_s": round(truth.arrival_s, 3),
        "artery_peak_hu": round(float(truth.curves.aif_hu.max()), 1),
        "vein_peak_hu": round(float(truth.curves.vof_hu.max()), 1),
        "frames": scan.scan.shape[0],
        "slices": acquisition.slices,
        "rows": acquisition.rows,
        "spacing_mm": list(acquisition.spacing_mm),
        "dose": acquisition.dose,
        "noise_hu": round(acquisition.native_noise_hu, 2),
        "motion_mm": acquisition.motion_mm,
        "residue": scan.residue,
        "realism": dataclasses.asdict(scan.realism),
    }


def _arrays(scan: SimulatedScan) -> dict[str, Any]:
    """Everything of the truth that is an array, by name."""
    truth = scan.truth
    maps = {quantity.value: values for quantity, values in truth.maps.items()}
    masks = {
        field.name: getattr(truth.masks, field.name) for field in dataclasses.fields(truth.masks)
    }
    return {
        **maps,
        **masks,
        "delay_s": truth.delay_s,
        "core": truth.core,
        "hypoperfusion": truth.hypoperfusion,
        "curve_time_s": truth.curves.time_s,
        "aif_hu": truth.curves.aif_hu,
        "vof_hu": truth.curves.vof_hu,
        "time_s": scan.scan.time_s,
        "motion": truth.motion,
        "missing": scan.scan.missing,
    }


def _row(scan: SimulatedScan) -> tuple[str, ...]:
    truth = scan.truth
    return (
        str(scan.seed),
        f"{truth.pathology} {truth.side}".strip(),
        f"{truth.core_ml:.1f}",
        f"{truth.hypoperfusion_ml:.1f}",
        f"{truth.arrival_s:.1f}",
    )
