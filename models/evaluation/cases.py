"""Which scans are estimated: every case a value, every set of cases a question."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from models.evaluation.faults import FAULTS, break_scan
from models.evaluation.known import KnownScan, known_patient, known_phantom
from models.simulator import ACQUISITIONS, FAMILIES, Acquisition, kudo_phantom, simulate

DOSES = {"1": 1.0, "1/2": 0.5, "1/4": 0.25, "1/8": 0.125}
# Every k-th of the paper's 89 frames at 0.5 s, by how many are kept; all of them are no choice.
FRAMES: Mapping[int | None, int] = {None: 1, 44: 2, 30: 3, 18: 5, 10: 9}
MOTIONS_MM = (0.0, 1.0, 2.0, 5.0)
WITHOUT_STROKE = ("none", "stenosis", "low_output")
FIRST = "first"
PHANTOM = "phantom"
QUIET_PHANTOM = "phantom without noise"
# Noise differs between scans of one phantom and nothing else: a few say what there is to say.
PHANTOMS = 3


@dataclass(frozen=True)
class Case:
    """One scan, by what makes it again.

    Parameters
    ----------
    seed
        Which patient.
    rows, slices
        Matrix over 230 mm, and at most how many of the scheme's slices.
    generator
        Who makes the scan.
    scheme, dose, motion_mm
        As in :class:`models.simulator.Acquisition`.
    frames
        How many of the frames are kept, one of :data:`FRAMES`; None for all.
    pathology, residue
        As in :func:`models.simulator.simulate`.
    fault
        What is broken about it, one of ``models.evaluation.faults.FAULTS``; None for nothing.
    """

    seed: int
    rows: int
    slices: int
    generator: str = FIRST
    scheme: str = "standard"
    dose: float = 1.0
    motion_mm: float = 0.0
    frames: int | None = None
    pathology: str | None = "stroke"
    residue: str | None = None
    fault: str | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """The case as JSON data."""
        return asdict(self)

    @property
    def acquisition(self) -> Acquisition:
        """How it is scanned."""
        scheme = ACQUISITIONS[self.scheme].at(self.rows)
        times = scheme.frame_times_s[:: FRAMES[self.frames]][: self.frames]
        return replace(
            scheme,
            slices=min(self.slices, scheme.slices),
            frame_times_s=times,
            dose=self.dose,
            motion_mm=self.motion_mm,
        )

    def make(self) -> KnownScan:
        """The scan with its truth."""
        known = GENERATORS[self.generator](self)
        return replace(known, scan=break_scan(known.scan, self.fault)) if self.fault else known


@dataclass(frozen=True)
class CaseSet:
    """The cases that answer one question.

    Parameters
    ----------
    axis
        The question: what is varied.
    points
        The cases of every point of the axis, by what a reader calls the point.
    """

    axis: str
    points: Mapping[str, tuple[Case, ...]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Case]:
        for cases in self.points.values():
            yield from cases


@dataclass(frozen=True)
class Extent:
    """How much is estimated.

    Parameters
    ----------
    patients
        Cases a point.
    seed
        The first patient; patients are consecutive seeds.
    rows, slices
        Of every scan.
    """

    patients: int
    seed: int
    rows: int
    slices: int


def case_sets(extent: Extent) -> tuple[CaseSet, ...]:
    """Every question with its cases; the same patients everywhere, so that points compare.

    Cases that two questions share are equal and are estimated once.
    """

    def stroke(**changed: Any) -> tuple[Case, ...]:
        seeds = range(extent.seed, extent.seed + extent.patients)
        return tuple(Case(s, extent.rows, extent.slices, **changed) for s in seeds)

    return (
        CaseSet("headline", {"standard": stroke()}),
        CaseSet("no stroke", {name: stroke(pathology=name) for name in WITHOUT_STROKE}),
        CaseSet("dose", {name: stroke(dose=dose) for name, dose in DOSES.items()}),
        CaseSet("frames", {str(n or 89): stroke(scheme="cine", frames=n) for n in FRAMES}),
        CaseSet("scheme", {name: stroke(scheme=name) for name in ACQUISITIONS}),
        CaseSet("residue", {name: stroke(residue=name) for name in FAMILIES}),
        CaseSet("motion", {f"{mm:g} mm": stroke(motion_mm=mm) for mm in MOTIONS_MM}),
        CaseSet("generator", {name: stroke(generator=name) for name in PATIENTS}),
        CaseSet(PHANTOM, _phantoms(extent)),
        CaseSet("broken input", {name: stroke(fault=name)[:1] for name in FAULTS}),
    )


def _phantoms(extent: Extent) -> dict[str, tuple[Case, ...]]:
    """Kudo's phantom without noise, at full and at a quarter of the dose."""

    def phantoms(count: int, **changed: Any) -> tuple[Case, ...]:
        seeds = range(extent.seed, extent.seed + count)
        return tuple(Case(s, extent.rows, 16, pathology=None, **changed) for s in seeds)

    count = min(PHANTOMS, extent.patients)
    return {
        "no noise": phantoms(1, generator=QUIET_PHANTOM),
        "dose 1": phantoms(count, generator=PHANTOM),
        "dose 1/4": phantoms(count, generator=PHANTOM, dose=0.25),
    }


def _phantom(case: Case, noise_hu: float) -> KnownScan:
    return known_phantom(
        kudo_phantom(noise_hu=noise_hu, seed=case.seed, shrink=min(max(512 // case.rows, 1), 4))
    )


def _first(case: Case) -> KnownScan:
    return known_patient(
        simulate(case.seed, case.acquisition, pathology=case.pathology, residue=case.residue)
    )


PATIENTS = {FIRST: _first}
"""Who makes patients."""
GENERATORS: Mapping[str, Callable[[Case], KnownScan]] = {
    **PATIENTS,
    PHANTOM: lambda case: _phantom(case, case.acquisition.native_noise_hu),
    QUIET_PHANTOM: lambda case: _phantom(case, 0.0),
}
"""Who makes scans of any kind."""
