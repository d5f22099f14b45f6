"""Whether the network is to be trusted with a scan: its doubt, its limits, a second opinion."""

from collections.abc import Mapping

from node.perfusion.check import QualityCheck, Reading, caution_if
from node.perfusion.crosscheck import CrossCheck, cross_check
from node.perfusion.familiarity import Seen, features, unfamiliar
from node.perfusion.lesion import Lesion
from node.perfusion.maps import PerfusionMaps
from node.perfusion.model_input import ModelInput

# Chosen with python -m models thresholds (docs/decisions/0010-trust-in-the-network.md).
MAX_UNSETTLED_FRACTION = 0.5
MAX_DISAGREEMENT_FRACTION = 0.5
# What is apart is held against the volume, or against this where the lesion is smaller.
MIN_VOLUME_ML = 50.0


def of_network(
    prepared: ModelInput,
    maps: PerfusionMaps,
    lesion: Lesion,
    familiar: Mapping[str, tuple[float, float]],
) -> tuple[QualityCheck | None, ...]:
    """The checks of the network itself; None for what is not known.

    Parameters
    ----------
    prepared, maps, lesion
        What was analysed, and what came of it.
    familiar
        Between which values the features of the scans lay that the network learned from.
    """
    seen = features(Seen.of(prepared))
    asked = len(seen.keys() & familiar.keys())
    return (
        _uncertain(lesion),
        _unfamiliar(unfamiliar(seen, familiar), asked) if asked else None,
        _disagreeing(cross_check(prepared, maps, lesion)),
    )


def unsettled(lesion: Lesion) -> float | None:
    """How far apart the least and the most of the hypoperfusion are, over its volume.

    None where the network does not know its errors.
    """
    if lesion.range_ml is None:
        return None
    least, most = lesion.range_ml.hypoperfusion_ml
    return (most - least) / max(lesion.hypoperfusion_ml, MIN_VOLUME_ML)


def disagreement(check: CrossCheck) -> float:
    """How far apart the volumes of network and deconvolution are, over the larger one."""
    apart_ml = abs(check.deconvolved_ml - check.network_ml)
    return apart_ml / max(check.deconvolved_ml, check.network_ml, MIN_VOLUME_ML)


def _uncertain(lesion: Lesion) -> QualityCheck | None:
    share = unsettled(lesion)
    if share is None or lesion.range_ml is None:
        return None
    slow, core = lesion.range_ml.hypoperfusion_ml, lesion.range_ml.core_ml
    limit = f"at most {100 * MAX_UNSETTLED_FRACTION:.0f} %"
    found = (
        f"by its own expected errors the network leaves open a hypoperfusion between "
        f"{slow[0]:.0f} and {slow[1]:.0f} ml, core between {core[0]:.0f} and {core[1]:.0f} ml "
        f"({limit} of the hypoperfusion may be open)"
    )
    reading = Reading("hypoperfusion left open by expected errors", 100 * share, "%", limit)
    return QualityCheck("uncertain", caution_if(share > MAX_UNSETTLED_FRACTION), found, (reading,))


def _unfamiliar(strange: tuple[str, ...], asked: int) -> QualityCheck:
    reading = Reading(
        f"features out of the range learned, of {asked}", len(strange), "", "at most 0"
    )
    found = f"{asked} of {asked} features lie in the range that the network learned from"
    if strange:
        found = f"unlike the scans that the network learned from: {'; '.join(strange)}"
    return QualityCheck("unfamiliar", caution_if(bool(strange)), found, (reading,))


def _disagreeing(check: CrossCheck | None) -> QualityCheck | None:
    if check is None:
        return None
    share, limit = disagreement(check), f"at most {100 * MAX_DISAGREEMENT_FRACTION:.0f} %"
    found = (
        f"the network finds {check.network_ml:.0f} ml of hypoperfusion, a deconvolution "
        f"{check.deconvolved_ml:.0f} ml ({limit} of the larger may be between them)"
    )
    reading = Reading("hypoperfusion of network and deconvolution apart", 100 * share, "%", limit)
    grade = caution_if(share > MAX_DISAGREEMENT_FRACTION)
    return QualityCheck("disagreement", grade, found, (reading,))
