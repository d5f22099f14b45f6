"""A temporal encoder shared by all voxels, followed by a small U-Net.

Normalisation lives inside the graph: the node feeds plain HU and gets plain units. Everything
the network sees is divided by the vein's peak, so that a weaker bolus with the same perfusion
gives the same maps.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from node.perfusion import Quantity

# A typical value of each quantity: what the network itself puts out is about 1.
SCALES = {
    Quantity.CBF: 40.0,
    Quantity.CBV: 3.0,
    Quantity.MTT: 6.0,
    Quantity.TTP: 12.0,
    Quantity.TMAX: 5.0,
}
# Tissue enhances by about a tenth of the vein: times ten it is about 1 before compression.
TISSUE_GAIN = 10.0
# Tissue passes almost unchanged, a vessel of 10 comes out as 2.9.
COMPRESSION = 4.0
BASELINE_RANGE_HU = (-20.0, 80.0)
BASELINE_UNIT_HU = 40.0
MIN_VEIN_HU = 1.0


@dataclass(frozen=True)
class Widths:
    """Channels of the network.

    Parameters
    ----------
    temporal
        Of the first layer of the temporal encoder.
    levels
        Of the U-Net, finest first; each level halves rows and columns.
    """

    temporal: int = 64
    levels: tuple[int, ...] = (32, 64, 128, 160)


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

    def __init__(self, time_points: int = 32, widths: Widths | None = None) -> None:
        super().__init__()
        widths = widths or Widths()
        first = widths.levels[0]
        self.curves = nn.Conv2d(time_points + 1, widths.temporal, 1)
        self.context = nn.Sequential(
            nn.Linear(2 * time_points, widths.temporal),
            nn.ReLU(),
            nn.Linear(widths.temporal, 2 * widths.temporal),
        )
        self.mixed = nn.Sequential(nn.ReLU(), nn.Conv2d(widths.temporal, first, 1), nn.ReLU())
        self.finest = _convolution(first, first)
        self.down = nn.ModuleList(
            nn.Sequential(_convolution(fine, coarse, stride=2), _convolution(coarse, coarse))
            for fine, coarse in zip(widths.levels, widths.levels[1:], strict=False)
        )
        self.wider = nn.ModuleList(
            nn.ConvTranspose2d(coarse, fine, 2, stride=2)
            for fine, coarse in zip(widths.levels, widths.levels[1:], strict=False)
        )
        self.up = nn.ModuleList(_convolution(2 * fine, fine) for fine in widths.levels[:-1])
        self.head = nn.Sequential(
            nn.Conv2d(2 * first, first, 1), nn.ReLU(), nn.Conv2d(first, len(SCALES), 1)
        )
        self.register_buffer("scales", torch.tensor(list(SCALES.values())).view(1, -1, 1, 1))

    @property
    def multiple(self) -> int:
        """Rows and columns must be a multiple of this."""
        return int(2 ** len(self.down))

    def forward(self, enhancement: Tensor, baseline: Tensor, vessels: Tensor) -> Tensor:
        """The maps, (B, 5, H, W) in the units and the order of :data:`SCALES`.

        Parameters
        ----------
        enhancement
            (B, N, H, W) [HU].
        baseline
            (B, H, W) [HU].
        vessels
            (B, 2, N) [HU], artery and vein of the slice's scan.
        """
        vein_hu = vessels[:, 1].amax(dim=1).clamp(min=MIN_VEIN_HU)
        curves = enhancement * (TISSUE_GAIN / vein_hu)[:, None, None, None]
        curves = curves / (1.0 + curves.abs() / COMPRESSION)
        anatomy = baseline.clamp(*BASELINE_RANGE_HU) / BASELINE_UNIT_HU
        context = self.context((vessels / vein_hu[:, None, None]).flatten(1))
        gain, shift = context[:, :, None, None].chunk(2, dim=1)
        voxels = self.curves(torch.cat([curves, anatomy[:, None]], dim=1))
        voxels = self.mixed(voxels * (1.0 + gain) + shift)
        seen = self._around(voxels)
        raw = self.head(torch.cat([voxels, seen], dim=1))
        maps: Tensor = functional.softplus(raw.float()) * self.scales
        return maps

    def _around(self, voxels: Tensor) -> Tensor:
        """Features that have seen each voxel's surroundings: the U-Net."""
        features = [self.finest(voxels)]
        for down in self.down:
            features.append(down(features[-1]))
        current: Tensor = features.pop()
        for wider, up in zip(reversed(self.wider), reversed(self.up), strict=True):
            current = up(torch.cat([features.pop(), wider(current)], dim=1))
        return current


def _convolution(incoming: int, outgoing: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(incoming, outgoing, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(outgoing),
        nn.ReLU(),
    )
