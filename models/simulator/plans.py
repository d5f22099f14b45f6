"""Who is scanned how: the whole range of patients, scanners and mishaps, drawn from a seed."""

from dataclasses import dataclass, replace

import numpy as np

from models.simulator.acquisition import ACQUISITIONS, Acquisition
from models.simulator.further import FURTHER
from models.simulator.realism import Faults, Movement, Realism
from models.simulator.residue import FAMILIES
from models.simulator.scan import SimulatedScan, simulate

_STREAM = 4_242
_THICKNESS_MM = (5.0, 5.0, 5.0, 8.0, 10.0)
_DOSES = (1.0, 1.0, 1.0, 0.5, 0.5, 0.25, 0.125)
_BESIDE = ("old_infarct", "stenosis", "lacunes", "luxury")
# How often a scan has each fault: a quarter is technically poor (SCIENCE.md section 4).
_FAULT_SHARE = 0.06


@dataclass(frozen=True)
class Plan:
    """One call of :func:`models.simulator.simulate`.

    Parameters
    ----------
    seed, acquisition, pathology, residue, realism
        Its arguments.
    """

    seed: int
    acquisition: Acquisition
    pathology: str | None = None
    residue: str | None = None
    realism: Realism | None = None

    @classmethod
    def drawn(cls, seed: int, rows: int) -> "Plan":
        """The plan of a seed, out of everything that the simulator can do.

        Parameters
        ----------
        seed
            Which patient.
        rows
            Rows and columns over the view of 230 mm.
        """
        rng = np.random.default_rng([_STREAM, seed])
        # As many rare things as common ones would teach that rare things are common.
        rare = rng.random() < 0.3
        pathology = str(rng.choice(FURTHER)) if rare else None
        residue = str(rng.choice(FAMILIES)) if rng.random() < 0.6 else None
        return cls(seed, _acquisition(rng, rows), pathology, residue, _realism(rng))

    def simulated(self) -> SimulatedScan:
        """The scan."""
        return simulate(
            self.seed,
            self.acquisition,
            pathology=self.pathology,
            residue=self.residue,
            realism=self.realism,
        )


def any_patient(seed: int, rows: int = 256) -> SimulatedScan:
    """A patient out of the whole range: pathology, scanner, movement, faults.

    Parameters
    ----------
    seed
        Which patient.
    rows
        Rows and columns over the view of 230 mm.
    """
    return Plan.drawn(seed, rows).simulated()


def _acquisition(rng: np.random.Generator, rows: int) -> Acquisition:
    scheme = ACQUISITIONS[str(rng.choice(list(ACQUISITIONS)))]
    thickness_mm = float(rng.choice(_THICKNESS_MM))
    slices = max(6, round(scheme.slices * 5.0 / thickness_mm))
    return replace(
        scheme.at(rows),
        thickness_mm=thickness_mm,
        slices=slices,
        dose=float(rng.choice(_DOSES)),
        noise_hu=float(rng.uniform(5.0, 14.0)),
    )


def _realism(rng: np.random.Generator) -> Realism:
    beside = str(rng.choice(_BESIDE)) if rng.random() < 0.15 else None
    return Realism(
        dispersion_s=float(rng.uniform(0.0, 3.0)) if rng.random() < 0.5 else 0.0,
        beside=beside,
        hardening_hu=float(rng.uniform(0.0, 4.0)),
        movement=Movement.drawn(rng),
        faults=_faults(rng),
    )


def _faults(rng: np.random.Generator) -> Faults:
    late, early_end, weak, frames, images = rng.random(5) < _FAULT_SHARE
    return Faults(
        baseline_s=float(rng.uniform(-4.0, 2.0)) if late else None,
        kept_s=float(rng.uniform(18.0, 30.0)) if early_end else None,
        bolus=float(rng.uniform(0.1, 0.4)) if weak else 1.0,
        lost_frames=float(rng.uniform(0.03, 0.15)) if frames else 0.0,
        lost_images=float(rng.uniform(0.005, 0.08)) if images else 0.0,
    )
