"""A simulated scan on disk: everything of it, exactly."""

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from models.simulator.acquisition import Acquisition
from models.simulator.realism import Faults, Movement, Realism
from models.simulator.scan import SimulatedScan
from models.simulator.truth import Curves, Masks, Truth
from node.perfusion import DynamicCt, Quantity

_FACTS = ("normal_cbf", "arrival_s", "pathology", "side", "voxel_ml")
_ARRAYS = ("delay_s", "core", "hypoperfusion", "motion")


def keep(simulated: SimulatedScan, path: Path) -> None:
    """Write a scan as one uncompressed npz; whole HU fit 16 bits.

    Parameters
    ----------
    simulated
        The scan.
    path
        Replaced when everything is written, never half.
    """
    scan, truth = simulated.scan, simulated.truth
    arrays: dict[str, Any] = {"hu": np.rint(scan.hu).astype(np.int16), "time_s": scan.time_s}
    arrays |= {"missing": scan.missing} | {name: getattr(truth, name) for name in _ARRAYS}
    arrays |= {f"map {quantity.value}": values for quantity, values in truth.maps.items()}
    arrays |= {f"mask {each.name}": getattr(truth.masks, each.name) for each in fields(Masks)}
    arrays |= {f"curve {each.name}": getattr(truth.curves, each.name) for each in fields(Curves)}
    facts = {name: getattr(truth, name) for name in _FACTS}
    facts |= {"seed": simulated.seed, "residue": simulated.residue}
    facts |= {"acquisition": asdict(simulated.acquisition), "realism": asdict(simulated.realism)}
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("wb") as file:
        np.savez(file, facts=np.array(json.dumps(facts)), **arrays)
    partial.replace(path)


def kept(path: Path) -> SimulatedScan:
    """The scan that :func:`keep` wrote.

    Parameters
    ----------
    path
        The npz.
    """
    with np.load(path) as arrays:
        facts = json.loads(str(arrays["facts"]))
        scheme = facts["acquisition"]
        acquisition = Acquisition(**{**scheme, "frame_times_s": tuple(scheme["frame_times_s"])})
        scan = DynamicCt(
            arrays["hu"].astype(np.float32),
            arrays["time_s"],
            acquisition.spacing_mm,
            arrays["missing"],
        )
        truth = Truth(
            maps={quantity: arrays[f"map {quantity.value}"] for quantity in Quantity},
            masks=Masks(**{each.name: arrays[f"mask {each.name}"] for each in fields(Masks)}),
            curves=Curves(**{each.name: arrays[f"curve {each.name}"] for each in fields(Curves)}),
            **{name: arrays[name] for name in _ARRAYS},
            **{name: facts[name] for name in _FACTS},
        )
    real = facts["realism"]
    movement = None if real["movement"] is None else Movement(**real["movement"])
    realism = Realism(**{**real, "movement": movement, "faults": Faults(**real["faults"])})
    return SimulatedScan(scan, truth, acquisition, facts["seed"], facts["residue"], realism)
