"""What is to be known about the artery and the vein that a deconvolution would start from."""

import numpy as np

from node.perfusion.arterial import CLUSTER_VOXELS, MIN_VENOUS_LAG_S
from node.perfusion.check import Grade, QualityCheck, Reading, caution_if
from node.perfusion.input_functions import InputFunctions
from node.perfusion.lesion import parenchyma
from node.perfusion.maps import PerfusionMaps
from node.perfusion.quantities import Quantity
from node.refusals import Refusal

# Above it the artery is small against a voxel and its curve mostly a guess (SCIENCE.md section 2).
MAX_VEIN_TO_ARTERY_RATIO = 2.5
# 19 of 20 patients are below (SCIENCE.md section 3).
MAX_ARTERY_FWHM_S = 19.0


def of_vessels(
    inputs: InputFunctions | Refusal, maps: PerfusionMaps
) -> tuple[QualityCheck | None, ...]:
    """The checks of artery and vein; of what was not found there is nothing more to say.

    Parameters
    ----------
    inputs
        What :func:`find_inputs` says.
    maps
        When the tissue peaks.
    """
    if isinstance(inputs, Refusal):
        return (_artery(0, inputs.found),)
    voxels = int(inputs.artery.site.sum())
    found = f"an artery of {voxels} voxels was found (at least {CLUSTER_VOXELS})"
    return (
        _artery(voxels, found),
        _wide_bolus(inputs),
        _late_artery(inputs, maps),
        _vein(inputs),
        _partial_volume(inputs),
    )


def _artery(voxels: int, found: str) -> QualityCheck:
    name = "voxels that rise and fall like an artery"
    reading = Reading(name, voxels, "", f"at least {CLUSTER_VOXELS}")
    return QualityCheck("no_artery", caution_if(not voxels), found, (reading,))


def _late_artery(inputs: InputFunctions, maps: PerfusionMaps) -> QualityCheck | None:
    """Tissue peaks after the artery that feeds it, or what was found is no artery."""
    tissue = parenchyma(maps)
    if not tissue.any():
        return None
    clock, artery = inputs.clock, inputs.artery
    artery_s = clock.start_s + clock.interval_s * int(artery.hu.argmax()) - artery.arrival_s
    tissue_s = float(np.median(maps[Quantity.TTP][tissue]))
    found = (
        f"the artery peaks {artery_s:.0f} s after contrast arrives (tissue after {tissue_s:.0f} s)"
    )
    reading = Reading("the tissue's peak after the artery's", tissue_s - artery_s, "s", "above 0 s")
    return QualityCheck("late_artery", caution_if(artery_s >= tissue_s), found, (reading,))


def _wide_bolus(inputs: InputFunctions) -> QualityCheck:
    width_s, limit = inputs.artery.fwhm_s, f"at most {MAX_ARTERY_FWHM_S:.0f} s"
    found = f"the artery's bolus is {width_s:.0f} s wide ({limit})"
    reading = Reading("width of the artery's bolus", width_s, "s", limit)
    return QualityCheck("wide_bolus", caution_if(width_s > MAX_ARTERY_FWHM_S), found, (reading,))


def _vein(inputs: InputFunctions) -> QualityCheck:
    artery, vein = inputs.artery, inputs.vein
    name, limit = "the vein's lag behind the artery", f"at least {MIN_VENOUS_LAG_S:.0f} s"
    if vein is None:
        found = (
            f"no vein fills {limit} after the artery "
            f"of {artery.peak_hu:.0f} HU: its partial volume is not known"
        )
        reading = Reading(name, None, "s", limit)
        return QualityCheck("no_vein", Grade.CAUTION, found, (reading,))
    lag_s = vein.half_rise_s - artery.half_rise_s
    found = f"a vein of {vein.peak_hu:.0f} HU fills {lag_s:.1f} s after the artery ({limit})"
    return QualityCheck("no_vein", Grade.OK, found, (Reading(name, lag_s, "s", limit),))


def _partial_volume(inputs: InputFunctions) -> QualityCheck | None:
    if inputs.vein is None:
        return None
    ratio, limit = inputs.partial_volume, f"at most {MAX_VEIN_TO_ARTERY_RATIO:g} times"
    found = f"the vein's area is {ratio:.1f} times the artery's ({limit})"
    reading = Reading("the vein's area over the artery's", ratio, "times", limit)
    if ratio <= MAX_VEIN_TO_ARTERY_RATIO:
        return QualityCheck("partial_volume", Grade.OK, found, (reading,))
    found += ": the artery is small against a voxel"
    return QualityCheck("partial_volume", Grade.CAUTION, found, (reading,))
