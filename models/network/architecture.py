"""A temporal encoder shared by all voxels, followed by a U-Net that looks at slices together.

Normalisation lives inside the graph: the node feeds plain HU and gets plain units. Everything
the network sees is divided by the vein's peak, so that a weaker bolus with the same perfusion
gives the same maps.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.network.surroundings import Neighbours, Whole
from node.perfusion import Quantity

# A typical value of each quantity: what the network itself puts out is about 1.
SCALES = {
    Quantity.CBF: 40.0,
    Quantity.CBV: 3.0,
    Quantity.MTT: 6.0,
    Quantity.TTP: 12.0,
    Quantity.TMAX: 5.0,
}
# Tissue enhances by about a tenth of the vein: times ten it is about 1.
TISSUE_GAIN = 10.0
# Far above any tissue, and low enough that a vessel does not drown its neighbours.
CURVE_RANGE = (-3.0, 8.0)
BASELINE_RANGE_HU = (-20.0, 80.0)
BASELINE_UNIT_HU = 40.0
# Grey matter lies above this, white matter below, each by half a unit.
BETWEEN_HU, CONTRAST_HU = 32.0, 8.0
MIN_VEIN_HU = 1.0


@dataclass(frozen=True)
class Widths:
    """Channels of the network.

    Parameters
    ----------
    filters
        Temporal filters that are made for each scan.
    hidden
        Of the network that makes them.
    levels
        Of the U-Net, finest first; each level halves rows and columns. The voxels' own
        features are as many as the finest level's.
    """

    filters: int = 96
    hidden: int = 128
    levels: tuple[int, ...] = (48, 96, 144, 192)


class Prediction(NamedTuple):
    """What the network makes of slices.

    Parameters
    ----------
    maps, doubts
        The maps and their expected absolute errors, each (B, 5, H, W) in the units and the
        order of :data:`SCALES`.
    parenchyma
        (B, H, W): how sure it is that grey or white matter, and not fluid or a large vessel,
        fills the voxel, as the logarithm of the odds.
    """

    maps: Tensor
    doubts: Tensor
    parenchyma: Tensor


class CurveEncoder(nn.Module):
    """Features of every voxel's own curve, seen in the light of the scan's vessels.

    What a tissue curve means depends on the bolus that made it. So the first layer's temporal
    filters are not fixed: a small network makes them for each scan from its artery and vein.
    It is learned, not derived: there is no system to invert and nothing to regularise.

    Parameters
    ----------
    time_points
        Samples in time.
    widths
        Channels.
    """

    def __init__(self, time_points: int, widths: Widths) -> None:
        super().__init__()
        self.shape = (widths.filters, time_points)
        self.fixed = nn.Conv2d(time_points + 1, widths.filters, 1)
        self.made = nn.Sequential(
            nn.Linear(2 * time_points, widths.hidden),
            nn.SiLU(),
            nn.Linear(widths.hidden, widths.hidden),
            nn.SiLU(),
            nn.Linear(widths.hidden, widths.filters * (time_points + 1)),
        )
        self.mixed = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(widths.filters, widths.filters, 1),
            nn.ReLU(),
            nn.Conv2d(widths.filters, widths.levels[0], 1),
            nn.ReLU(),
        )

    def forward(self, curves: Tensor, anatomy: Tensor, vessels: Tensor) -> Tensor:
        """(B, levels[0], H, W).

        Parameters
        ----------
        curves
            (B, N, H, W), normalised.
        anatomy
            (B, 1, H, W), normalised.
        vessels
            (B, 2, N), normalised.
        """
        filters, points = self.shape
        made = self.made(vessels.flatten(1))
        weights = made[:, : filters * points].reshape(-1, filters, points)
        offset = made[:, filters * points :, None, None]
        rows, columns = curves.shape[2:]
        passed = torch.matmul(weights, curves.flatten(2)).reshape(-1, filters, rows, columns)
        seen = self.fixed(torch.cat([curves, anatomy], dim=1)) + passed + offset
        features: Tensor = self.mixed(seen)
        return features


class PerfusionNet(nn.Module):
    """Perfusion maps of slices from their enhancement, baseline and the scan's vessel curves.

    Parameters
    ----------
    time_points
        Samples in time of the model's grid.
    widths
        Channels.
    """

    scales: Tensor
    LATER = ("whole",)
    """Parts that weights before version 0.6.0 lack; untrained, they change nothing."""

    def __init__(self, time_points: int = 32, widths: Widths | None = None) -> None:
        super().__init__()
        widths = widths or Widths()
        first, quantities = widths.levels[0], len(SCALES)
        self.voxels = CurveEncoder(time_points, widths)
        self.alone = nn.Conv2d(first, quantities, 1)
        self.beside = nn.ModuleList(Neighbours(channels) for channels in widths.levels)
        self.whole = nn.ModuleList(Whole(widths.levels[level]) for level in (0, -1))
        self.finest = _convolution(first + 1, first)
        self.down = nn.ModuleList(
            nn.Sequential(_convolution(fine, coarse, stride=2), _convolution(coarse, coarse))
            for fine, coarse in zip(widths.levels, widths.levels[1:], strict=False)
        )
        self.wider = nn.ModuleList(
            nn.ConvTranspose2d(coarse, fine, 2, stride=2)
            for fine, coarse in zip(widths.levels, widths.levels[1:], strict=False)
        )
        self.up = nn.ModuleList(_convolution(2 * fine, fine) for fine in widths.levels[:-1])
        self.together = nn.Sequential(
            nn.Conv2d(2 * first, first, 1), nn.ReLU(), nn.Conv2d(first, quantities, 1)
        )
        self.doubt = nn.Sequential(
            nn.Conv2d(2 * first + quantities, first, 1), nn.ReLU(), nn.Conv2d(first, quantities, 1)
        )
        self.parenchyma = nn.Sequential(
            nn.Conv2d(2 * first, first, 1), nn.ReLU(), nn.Conv2d(first, 1, 1)
        )
        self.register_buffer("scales", torch.tensor(list(SCALES.values())).view(1, -1, 1, 1))

    @property
    def multiple(self) -> int:
        """Rows and columns must be a multiple of this."""
        return int(2 ** len(self.down))

    @property
    def reach(self) -> int:
        """How many slices away a neighbour still changes a slice's maps."""
        return len(self.beside)

    def forward(
        self, enhancement: Tensor, baseline: Tensor, vessels: Tensor, stack: int | None = None
    ) -> Prediction:
        """The maps, how wrong they may be, and where there is tissue that they mean.

        Parameters
        ----------
        enhancement
            (B, N, H, W) [HU].
        baseline
            (B, H, W) [HU].
        vessels
            (B, 2, N) [HU], artery and vein of the slice's scan.
        stack
            Neighbouring slices that follow one another; None where all belong to one scan.
        """
        voxels = self._encoded(enhancement, baseline, vessels)
        anatomy = (baseline.clamp(*BASELINE_RANGE_HU) - BETWEEN_HU) / CONTRAST_HU
        seen = torch.cat([voxels, self._around(voxels, anatomy[:, None], stack)], dim=1)
        raw = self.alone(voxels) + self.together(seen)
        # How wrong the maps are is learned from them, and must not bend them.
        doubt = self.doubt(torch.cat([seen, raw], dim=1).detach())
        return Prediction(self._scaled(raw), self._scaled(doubt), self.parenchyma(seen)[:, 0])

    def by_voxel(self, enhancement: Tensor, baseline: Tensor, vessels: Tensor) -> Tensor:
        """The maps that each voxel's own curve gives, as :meth:`forward` takes and gives them."""
        return self._scaled(self.alone(self._encoded(enhancement, baseline, vessels)))

    def _encoded(self, enhancement: Tensor, baseline: Tensor, vessels: Tensor) -> Tensor:
        vein_hu = vessels[:, 1].amax(dim=1).clamp(min=MIN_VEIN_HU)
        curves = (enhancement * (TISSUE_GAIN / vein_hu)[:, None, None, None]).clamp(*CURVE_RANGE)
        anatomy = baseline.clamp(*BASELINE_RANGE_HU) / BASELINE_UNIT_HU
        features: Tensor = self.voxels(curves, anatomy[:, None], vessels / vein_hu[:, None, None])
        return features

    def _scaled(self, raw: Tensor) -> Tensor:
        return functional.softplus(raw.float()) * self.scales

    def _around(self, voxels: Tensor, anatomy: Tensor, stack: int | None) -> Tensor:
        """Features that have seen each voxel's surroundings: the U-Net."""
        voxels = self.whole[0](self.beside[0](voxels, stack))
        features = [self.finest(torch.cat([voxels, anatomy], dim=1))]
        for down, beside in zip(self.down, self.beside[1:], strict=True):
            features.append(beside(down(features[-1]), stack))
        current: Tensor = self.whole[1](features.pop())
        for wider, up in zip(reversed(self.wider), reversed(self.up), strict=True):
            current = up(torch.cat([features.pop(), wider(current)], dim=1))
        return current


def _convolution(incoming: int, outgoing: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(incoming, outgoing, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(outgoing),
        nn.ReLU(),
    )
