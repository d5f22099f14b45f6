"""What is taken away, one thing at a time: by what is fed and asked for, not by other classes."""

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from models.network import Widths
from models.training import GRID, Aims, Batch
from node.perfusion import LEAD_S

# Between white and grey matter: what every voxel reads where the anatomy is not shown.
SAME_BASELINE_HU = 32.0
# A common bolus: seconds from arrival to the peak of artery and vein, and the artery's height.
FIXED_PEAKS_S = (6.0, 10.0)
FIXED_ARTERY = 0.8
FIXED_SHAPE = 3.0


@dataclass(frozen=True)
class Variant:
    """The project's network with at most one thing taken away.

    Parameters
    ----------
    name
        In plain words, as a reader and ``--only`` call it.
    words
        What is done otherwise, as a sentence of the page.
    vessels
        Its filters are made from the scan's vessel curves, or else from one fixed pair.
    anatomy
        It sees the baseline, or else one constant.
    neighbours
        Slices are mixed with their neighbours, in training and in use.
    mosaics
        Mosaics are among the slices that it learns from.
    curves
        Lessons on single curves come first.
    width
        Channels, as a share of the usual ones.
    mirrored
        Its maps are averaged with those of the mirrored scan, mirrored back.
    aims
        What is asked for besides right maps.
    other_seed
        Added to the seed of weights and batches.
    """

    name: str
    words: str
    vessels: bool = True
    anatomy: bool = True
    neighbours: bool = True
    mosaics: bool = True
    curves: bool = True
    width: float = 1.0
    mirrored: bool = False
    aims: Aims = field(default_factory=Aims)
    other_seed: int = 0

    @property
    def slug(self) -> str:
        """Its name for a file."""
        return self.name.replace(",", "").replace(" ", "-")

    @property
    def trained(self) -> "Variant":
        """Whose training it takes: the reference's where only the use differs."""
        return EVERYTHING if self.mirrored else self

    @property
    def begun(self) -> "Variant":
        """Whose lessons on single curves it takes: the reference's where those are the same."""
        same_lessons = self.vessels and self.anatomy and self.aims.roots and not self.other_seed
        return EVERYTHING if same_lessons and self.width == EVERYTHING.width else self

    def fed(self, batch: Batch) -> Batch:
        """A batch as this variant is shown it.

        Parameters
        ----------
        batch
            Slices as they are.
        """
        vessels, baseline = batch.vessels, batch.baseline
        return replace(
            batch,
            vessels=vessels if self.vessels else fixed_pair(vessels),
            baseline=baseline if self.anatomy else torch.full_like(baseline, SAME_BASELINE_HU),
        )

    def widths(self, usual: Widths) -> Widths:
        """Its channels."""
        filters, hidden, *levels = (
            max(1, round(self.width * channels))
            for channels in (usual.filters, usual.hidden, *usual.levels)
        )
        return Widths(filters, hidden, tuple(levels))


def fixed_pair(vessels: Tensor) -> Tensor:
    """One artery and one vein for every scan, as high as the scan's own vein, (B, 2, N) [HU].

    The height stays, since the network divides by it before anything else: what is lost is
    the bolus's course alone.

    Parameters
    ----------
    vessels
        (B, 2, N) [HU], the scans' own.
    """
    after_s = torch.arange(vessels.shape[-1]) * GRID.interval_s - LEAD_S
    rising = [(after_s.clamp(min=0.0) / peak_s) for peak_s in FIXED_PEAKS_S]
    artery, vein = ((t * torch.exp(1.0 - t)) ** FIXED_SHAPE for t in rising)
    pair = torch.stack([FIXED_ARTERY * artery, vein]).to(vessels) / vein.max()
    return pair * vessels[:, 1].amax(dim=1)[:, None, None]


EVERYTHING = Variant("everything", "The network as it is: the reference.")
OTHER_SEED = Variant(
    "another seed",
    "As the reference, from other initial weights and other batches of the same patients: "
    "how far two trainings differ by chance.",
    other_seed=1,
)
VARIANTS = (
    EVERYTHING,
    OTHER_SEED,
    Variant(
        "without the vessels",
        "One fixed pair of vessel curves for every scan, as high as its own vein: the filters "
        "cannot follow the bolus.",
        vessels=False,
    ),
    Variant(
        "without the anatomy",
        "The baseline is the same number everywhere.",
        anatomy=False,
    ),
    Variant(
        "without neighbouring slices",
        "Every slice stands alone, in training and in use.",
        neighbours=False,
    ),
    Variant(
        "without mosaics",
        "Every slice learned from is a patient's.",
        mosaics=False,
    ),
    Variant(
        "without lessons on single curves",
        "Training begins with whole slices, as many and the same as the reference's.",
        curves=False,
    ),
    Variant("half the width", "Half of the channels everywhere.", width=0.5),
    Variant(
        "flips at test time",
        "The reference, not trained again: its maps are averaged with those of the mirrored scan.",
        mirrored=True,
    ),
    Variant(
        "without the root term",
        "Flow and volume are compared as the other maps are, not by their roots besides.",
        aims=Aims(roots=False),
    ),
    Variant(
        "without the parenchyma's own loss",
        "Nothing is asked about where parenchyma lies; the maps are all that is scored here.",
        aims=Aims(parenchyma=False),
    ),
    Variant(
        "without the ratio's loss",
        "Flow is compared as it is alone, not relative to normal inside the hypoperfusion as well.",
        aims=Aims(ratios=False),
    ),
)


def named(names: list[str]) -> tuple[Variant, ...]:
    """The variants of some names, the reference before them; all of them for no name.

    Raises
    ------
    ValueError
        If there is no variant of a name.
    """
    known = {variant.name: variant for variant in VARIANTS}
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"no variant {unknown[0]!r}; there are: {', '.join(known)}")
    wanted = {EVERYTHING.name, *names} if names else set(known)
    return tuple(variant for variant in VARIANTS if variant.name in wanted)
