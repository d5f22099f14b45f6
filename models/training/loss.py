"""How far maps are from the truth, where the truth means something."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from models.network import SCALES
from node.perfusion import LesionThresholds, Quantity

# Beyond these the truth is that of large vessels, which are shown but never measured.
CEILINGS = {
    Quantity.CBF: 120.0,
    Quantity.CBV: 12.0,
    Quantity.MTT: 25.0,
    Quantity.TTP: 40.0,
    Quantity.TMAX: 25.0,
}
FLOWS = (Quantity.CBF, Quantity.CBV)
HYPOPERFUSION_GAIN = 0.3
CORE_GAIN = 0.6
OTHER_BRAIN = 0.15
ROOT_FLOOR = 0.01
LEAST_DOUBT = 0.005
DOUBT_GAIN = 0.02
PARENCHYMA_GAIN = 0.2
RATIO_GAIN = 0.3
# A lesion that fills less of a batch's parenchyma counts as if it filled that much.
LEAST_LESION = 0.05
LEAST_NORMAL_PX = 50.0


@dataclass(frozen=True)
class Aims:
    """What training asks for besides maps that are right.

    Parameters
    ----------
    roots
        Flow and volume are compared by their roots besides.
    parenchyma
        Where parenchyma lies is learned too.
    ratios
        Flow inside the hypoperfusion is compared relative to normal besides.
    """

    roots: bool = True
    parenchyma: bool = True
    ratios: bool = True


def map_loss(maps: Tensor, truth: Tensor, shares: Tensor, *, roots: bool = True) -> Tensor:
    """Mean weighted error of all maps, each in units of its scale.

    Parenchyma counts fully, hypoperfusion and core more (they are small, and decisions hang
    on them). Vessels and fluid count a little, and for blood flow and volume only: their
    timing means nothing. Flow and volume are compared by their roots besides, since what
    tells core from penumbra lies at the low end.

    Parameters
    ----------
    maps, truth
        (B, 5, H, W) in the units and the order of ``models.network.SCALES``.
    shares
        (B, 4, H, W): parenchyma, hypoperfusion, core, brain.
    roots
        Whether roots are compared; False compares flow and volume as the others.
    """
    parenchyma, hypoperfusion, core, brain = shares.unbind(1)
    inside = parenchyma * (1.0 + HYPOPERFUSION_GAIN * hypoperfusion + CORE_GAIN * core)
    around = OTHER_BRAIN * (brain - parenchyma).clamp(min=0.0)
    total = maps.new_zeros(())
    for i, (quantity, scale) in enumerate(SCALES.items()):
        found = maps[:, i] / scale
        wanted = truth[:, i].clamp(max=CEILINGS[quantity]) / scale
        weight = inside + around if quantity in FLOWS else inside
        error = functional.smooth_l1_loss(found, wanted, reduction="none", beta=0.05)
        if roots and quantity in FLOWS:
            error = error + (_root(found) - _root(wanted)).abs()
        total = total + (weight * error).sum() / weight.sum().clamp(min=1.0)
    return total / len(SCALES)


def doubt_loss(doubt: Tensor, maps: Tensor, truth: Tensor, shares: Tensor) -> Tensor:
    """How badly expected absolute errors fit the maps' real ones, 0 for no brain.

    The negative logarithm of a Laplace density, least where ``doubt`` is the mean of the
    absolute error; the maps themselves are left as they are.

    Parameters
    ----------
    doubt, maps, truth
        (B, 5, H, W) in the units and the order of ``models.network.SCALES``.
    shares
        (B, 4, H, W), as in :func:`map_loss`.
    """
    parenchyma = shares[:, 0]
    total = maps.new_zeros(())
    for i, (quantity, scale) in enumerate(SCALES.items()):
        wanted = truth[:, i].clamp(max=CEILINGS[quantity])
        error = (maps[:, i].detach() - wanted).abs() / scale
        width = doubt[:, i] / scale + LEAST_DOUBT
        total = total + (parenchyma * (error / width + torch.log(width))).sum()
    return DOUBT_GAIN * total / parenchyma.sum().clamp(min=1.0) / len(SCALES)


def ratio_loss(maps: Tensor, truth: Tensor, shares: Tensor) -> Tensor:
    """How wrong blood flow relative to normal is inside the hypoperfusion, 0 for none.

    The core is decided by this ratio (:class:`node.perfusion.LesionThresholds`), and scale is
    most of what is wrong with flow. Normal is the mean CBF of a slice's own parenchyma outside
    its hypoperfusion, in truth and maps alike; slices without it do not count.

    Parameters
    ----------
    maps, truth
        (B, 5, H, W) in the units and the order of ``models.network.SCALES``.
    shares
        (B, 4, H, W), as in :func:`map_loss`.
    """
    limits, order = LesionThresholds(), list(SCALES)
    cbf, tmax = order.index(Quantity.CBF), order.index(Quantity.TMAX)
    parenchyma = shares[:, 0]
    slow = (truth[:, tmax] > limits.tmax_s).to(maps.dtype)
    normal = parenchyma * (1.0 - slow)
    pixels = normal.sum(dim=(1, 2), keepdim=True)
    found, wanted = (
        flow / (total.detach() / pixels.clamp(min=1.0)).clamp(min=1.0)
        for flow in (maps[:, cbf], truth[:, cbf])
        for total in [(normal * flow).sum(dim=(1, 2), keepdim=True)]
    )
    asked = parenchyma * slow * (pixels >= LEAST_NORMAL_PX)
    error = functional.smooth_l1_loss(
        found / limits.rcbf, wanted / limits.rcbf, reduction="none", beta=0.1
    )
    least = (LEAST_LESION * parenchyma.sum()).clamp(min=1.0)
    return RATIO_GAIN * (asked * error).sum() / torch.maximum(asked.sum(), least)


def parenchyma_loss(odds: Tensor, shares: Tensor) -> Tensor:
    """How badly the odds of parenchyma fit its shares, over the brains of a batch.

    Slices that are brain all over have no fluid and no vessels: they are mosaics, and say
    nothing of where parenchyma ends.

    Parameters
    ----------
    odds
        (B, H, W), the logarithms of the odds.
    shares
        (B, 4, H, W), as in :func:`map_loss`.
    """
    parenchyma, brain = shares[:, 0], shares[:, 3]
    head = (brain.amin(dim=(1, 2), keepdim=True) < 1.0).to(odds.dtype)
    off = functional.binary_cross_entropy_with_logits(odds, parenchyma, reduction="none")
    return PARENCHYMA_GAIN * (head * off).sum() / (head * brain).sum().clamp(min=1.0)


def _root(values: Tensor) -> Tensor:
    """Square root with a finite slope at 0."""
    return torch.sqrt(values + ROOT_FLOOR)
