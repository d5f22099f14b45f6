"""Which scans are estimated: every case a value, every set of cases a question."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from itertools import cycle
from typing import Any

from models.evaluation.faults import FAULTS, break_scan
from models.evaluation.known import KnownScan, known_patient, known_phantom
from models.procedural import procedural_scan
from models.simulator import (
    ACQUISITIONS,
    FAMILIES,
    Acquisition,
    Faults,
    Movement,
    Realism,
    kudo_phantom,
    simulate,
)

DOSES = {"1": 1.0, "1/2": 0.5, "1/4": 0.25, "1/8": 0.125}
# Every k-th of the paper's 89 frames at 0.5 s, by how many are kept; all of them are no choice.
FRAMES: Mapping[int | None, int] = {None: 1, 44: 2, 30: 3, 18: 5, 10: 9}
MOTIONS_MM = (0.0, 1.0, 2.0, 5.0)
WITHOUT_STROKE = ("none", "stenosis", "low_output")
FLAWS: Mapping[str, Realism] = {
    "dispersed bolus": Realism(dispersion_s=2.0),
    "hardened beam": Realism(hardening_hu=3.0),
    "late start": Realism(faults=Faults(baseline_s=0.5)),
    "early end": Realism(faults=Faults(kept_s=26.0)),
    "weak bolus": Realism(faults=Faults(bolus=0.4)),
}
FIRST, THIRD = "first", "third"
HEADLINE, FULL_DOSE = "headline", "third, dose 1"
LOW_DOSE, QUARTER_DOSE = "low dose", "third, dose 1/4"
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
    scheme, dose
        As in :class:`models.simulator.Acquisition`.
    motion_mm
        How far the head moves as a rigid body, with as many degrees and one jump [mm].
    frames
        How many of the frames are kept, one of :data:`FRAMES`; None for all.
    pathology, residue
        As in :func:`models.simulator.simulate`.
    flaw
        What a scan of a usual quality would not have, one of :data:`FLAWS`; None for nothing.
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
    flaw: str | None = None
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
        )

    @property
    def realism(self) -> Realism:
        """What is added to the plain scan."""
        real = FLAWS[self.flaw] if self.flaw else Realism()
        if not self.motion_mm:
            return real
        return replace(real, movement=Movement(self.motion_mm, self.motion_mm, jumps=1))

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
    judged
        Patients on whom the bars are judged: of the generator that no network learned from, by
        every acquisition scheme in turn.
    """

    patients: int
    seed: int
    rows: int
    slices: int
    judged: int


def case_sets(extent: Extent) -> tuple[CaseSet, ...]:
    """Every question with its cases; the same patients everywhere, so that points compare.

    Cases that two questions share are equal and are estimated once.
    """

    def stroke(**changed: Any) -> tuple[Case, ...]:
        seeds = range(extent.seed, extent.seed + extent.patients)
        return tuple(Case(s, extent.rows, extent.slices, **changed) for s in seeds)

    def judged(dose: float) -> tuple[Case, ...]:
        seeds, schemes = range(extent.seed, extent.seed + extent.judged), cycle(ACQUISITIONS)
        size = extent.rows, extent.slices
        return tuple(
            Case(s, *size, generator=THIRD, scheme=scheme, dose=dose)
            for s, scheme in zip(seeds, schemes, strict=False)
        )

    return (
        CaseSet(HEADLINE, {FULL_DOSE: judged(1.0)}),
        CaseSet(LOW_DOSE, {QUARTER_DOSE: judged(0.25)}),
        CaseSet("no stroke", {name: stroke(pathology=name) for name in WITHOUT_STROKE}),
        CaseSet("dose", {name: stroke(dose=dose) for name, dose in DOSES.items()}),
        CaseSet("frames", {str(n or 89): stroke(scheme="cine", frames=n) for n in FRAMES}),
        CaseSet("scheme", {name: stroke(scheme=name) for name in ACQUISITIONS}),
        CaseSet("residue", {name: stroke(residue=name) for name in FAMILIES}),
        CaseSet("motion", {f"{mm:g} mm": stroke(motion_mm=mm) for mm in MOTIONS_MM}),
        CaseSet("flaw", {name: stroke(flaw=name) for name in FLAWS}),
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
    made = simulate(
        case.seed,
        case.acquisition,
        pathology=case.pathology,
        residue=case.residue,
        realism=case.realism,
    )
    return known_patient(made)


def _third(case: Case) -> KnownScan:
    return known_patient(procedural_scan(case.seed, case.acquisition, pathology=case.pathology))


PATIENTS: Mapping[str, Callable[[Case], KnownScan]] = {FIRST: _first, THIRD: _third}
"""Who makes patients: the simulator that networks are trained on, and one they never are."""
GENERATORS: Mapping[str, Callable[[Case], KnownScan]] = {
    **PATIENTS,
    PHANTOM: lambda case: _phantom(case, case.acquisition.native_noise_hu),
    QUIET_PHANTOM: lambda case: _phantom(case, 0.0),
}
"""Who makes scans of any kind."""
