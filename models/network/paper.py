"""The two U-Nets of Gava et al. (Front Neuroinform 2023;17:852105), as baselines.

One network a map: the time points of a slice are its input channels, one sigmoid map comes out.
Sizes, layers and initial weights follow the paper and the authors' published code: the small
network from EIDOSLAB/Neural-Network-derived-perfusion-maps, the large one from
EIDOSLAB/UC3-UNITOBrain. The paper published no weights.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.network.architecture import SCALES

FRAMES = 89
FRAME_INTERVAL_S = 0.5
WINDOW_CENTRE_HU = 40.0
WINDOW_WIDTH_HU = 400.0
GREY_LEVELS = 255.0
# Mean and standard deviation of UniToBrain's frames, of full white, as the authors' code has them.
GREY_MEAN = 0.2375
GREY_SD = 0.3159
# What a sigmoid of 1 means: the display window's end, since the paper's maps were windowed too.
RANGES = {quantity: quantity.meaning.window[1] for quantity in SCALES}


@dataclass(frozen=True)
class PaperForm:
    """The layers of one of the paper's networks.

    Parameters
    ----------
    channels
        Of the levels, finest first; average pooling halves rows and columns between them.
    slope
        Of the activation below 0: 0 is ReLU.
    added
        Whether a level's features are added to what comes up from below it through a transposed
        convolution, or else concatenated with what comes up through repeated pixels and a 2 x 2
        convolution.
    """

    channels: tuple[int, ...]
    slope: float
    added: bool


PAPER_FORMS = {
    "small": PaperForm(channels=(16, 32), slope=0.1, added=True),
    "large": PaperForm(channels=(64, 128, 256, 512, 1024), slope=0.0, added=False),
}


class PaperUNet(nn.Module):
    """One map from 89 frames: what the paper calls the network.

    Parameters
    ----------
    form
        Its layers.
    """

    def __init__(self, form: PaperForm) -> None:
        super().__init__()
        channels, self._added = form.channels, form.added
        steps = list(pairwise(channels))
        self.down = nn.ModuleList(
            _two_convolutions(fine, coarse, form.slope)
            for fine, coarse in [(FRAMES, channels[0]), *steps]
        )
        self.wider = nn.ModuleList(_doubling(coarse, fine, form) for fine, coarse in steps)
        self.up = nn.ModuleList(
            _two_convolutions(fine if form.added else 2 * fine, fine, form.slope)
            for fine, _ in steps
        )
        self.map = nn.Conv2d(channels[0], 1, 1)
        self.apply(_xavier if form.added else _he)

    def forward(self, frames: Tensor) -> Tensor:
        """The map in 0..1, (B, H, W), of frames (B, 89, H, W) about 0."""
        features = [self.down[0](frames)]
        for down in self.down[1:]:
            features.append(down(functional.avg_pool2d(features[-1], 2)))
        current: Tensor = features.pop()
        for wider, up in zip(reversed(self.wider), reversed(self.up), strict=True):
            fine, coarse = features.pop(), wider(current)
            current = up(fine + coarse if self._added else torch.cat([fine, coarse], dim=1))
        return torch.sigmoid(self.map(current).float())[:, 0]


class PaperNet(nn.Module):
    """Five of the paper's networks, one a map, behind this project's inputs and outputs.

    The paper's input is 44.5 s of frames at 0.5 s, windowed to 40/400 HU and 8 bits deep. Here
    the curves come on the model's grid, so linear interpolation inside the graph makes the
    frames: 89 x 0.5 s from the grid's start, which is 4 s before arrival. What comes after
    44 s the network does not see, nor the scan's vessels.

    Parameters
    ----------
    form
        The layers of each network.
    time_points, interval_s
        Samples in time of the model's grid, and the time between them [s].

    Raises
    ------
    ValueError
        If the grid ends before the last frame.
    """

    earlier: Tensor
    later: Tensor
    lateness: Tensor
    ranges: Tensor

    def __init__(self, form: PaperForm, time_points: int = 32, interval_s: float = 2.0) -> None:
        super().__init__()
        last_s, end_s = (FRAMES - 1) * FRAME_INTERVAL_S, (time_points - 1) * interval_s
        if end_s < last_s:
            raise ValueError(f"the grid ends after {end_s:g} s, the last frame is at {last_s:g} s")
        self.multiple = int(2 ** (len(form.channels) - 1))
        self.networks = nn.ModuleList(PaperUNet(form) for _ in RANGES)
        position = torch.arange(FRAMES, dtype=torch.float64) * (FRAME_INTERVAL_S / interval_s)
        earlier = position.floor().long()
        lateness = (position - earlier).float()
        later = (earlier + 1).clamp(max=time_points - 1)
        ranges = torch.tensor(list(RANGES.values()))
        # All of them follow from the grid: no part of the weights.
        self.register_buffer("earlier", earlier, persistent=False)
        self.register_buffer("later", later, persistent=False)
        self.register_buffer("lateness", lateness.view(-1, 1, 1), persistent=False)
        self.register_buffer("ranges", ranges.view(1, -1, 1, 1), persistent=False)

    def frames(self, enhancement: Tensor, baseline: Tensor) -> Tensor:
        """The paper's input, (B, 89, H, W) about 0, quantised to 8 bits.

        Parameters
        ----------
        enhancement
            (B, N, H, W) [HU].
        baseline
            (B, H, W) [HU].
        """
        before, after = enhancement[:, self.earlier], enhancement[:, self.later]
        hu = baseline[:, None] + before + (after - before) * self.lateness
        # DICOM's linear window (PS3.3 C.11.2.1.2.1), cut to whole grey levels as the authors do.
        white = (hu - (WINDOW_CENTRE_HU - 0.5)) / (WINDOW_WIDTH_HU - 1.0) + 0.5
        grey = (white * GREY_LEVELS).clamp(0.0, GREY_LEVELS).floor()
        return (grey / GREY_LEVELS - GREY_MEAN) / GREY_SD

    def forward(
        self, enhancement: Tensor, baseline: Tensor, vessels: Tensor | None = None
    ) -> Tensor:
        """The maps, (B, 5, H, W) in the units and the order of :data:`SCALES`.

        Parameters
        ----------
        enhancement
            (B, N, H, W) [HU].
        baseline
            (B, H, W) [HU].
        vessels
            Unused: the paper's networks have no arterial input.
        """
        frames = self.frames(enhancement, baseline)
        return torch.stack([network(frames) for network in self.networks], dim=1) * self.ranges


def _two_convolutions(incoming: int, outgoing: int, slope: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(incoming, outgoing, 3, padding=1),
        nn.BatchNorm2d(outgoing),
        nn.LeakyReLU(slope),
        nn.Conv2d(outgoing, outgoing, 3, padding=1),
        nn.BatchNorm2d(outgoing),
        nn.LeakyReLU(slope),
    )


def _doubling(coarse: int, fine: int, form: PaperForm) -> nn.Sequential:
    """Twice the rows and columns."""
    if form.added:
        return nn.Sequential(
            nn.ConvTranspose2d(coarse, fine, 2, stride=2),
            nn.BatchNorm2d(fine),
            nn.LeakyReLU(form.slope),
        )
    return nn.Sequential(
        nn.Upsample(scale_factor=2), nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(coarse, fine, 2)
    )


def _xavier(layer: nn.Module) -> None:
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.xavier_normal_(layer.weight)


def _he(layer: nn.Module) -> None:
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
