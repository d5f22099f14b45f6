"""The rarer things that a scan must not be fooled by, asked for by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from models.simulator.deficit import Change, of_stroke
from models.simulator.fields import Grid, SmoothField
from models.simulator.territories import WHOLE_BRAIN, Seed, distance, near, ramp, within

Field = NDArray[np.float32]

_ANTERIOR = ("aca", "mca superior", "mca inferior", "mca deep")
_TOP_OF_BASILAR = ("pca", "thalamus", "brainstem", "superior cerebellar")
# Where perforating arteries end: basal ganglia, thalamus, corona radiata; (|x|, y, z) [mm].
_PERFORATED: tuple[Seed, ...] = (
    (24, 4, 4),
    (18, -6, 10),
    (12, -18, 7),
    (26, -14, 28),
    (24, 18, 20),
)
_WATERSHED_DEPTH_MM = 7.0


@dataclass(frozen=True, eq=False)
class _Brain:
    """Where a pathology happens: the coarse grid, ICBM152 places on it, and the side."""

    rng: np.random.Generator
    places: Field
    grid: Grid
    side: str

    def field(self, spacing_mm: float) -> Field:
        """A smooth random field of unit variance."""
        return SmoothField.drawn(self.rng, spacing_mm).on(self.grid)

    def inside(self, *fed: str) -> Field:
        """How far inside territories of the affected side voxels lie [mm]."""
        return within(fed, self.side, self.rng, self.places, self.grid, WHOLE_BRAIN)

    def blob(self, seat: NDArray[np.float64], reach_mm: float) -> Field:
        """How far inside an irregular ball voxels lie [mm]."""
        rough = 0.2 * reach_mm * self.field(max(5.0, 0.8 * reach_mm))
        return np.asarray(reach_mm - distance(self.places, seat, self.side) + rough, np.float32)


def _occlusion(brain: _Brain, fed: tuple[str, ...], seat: Seed, core_mm: float) -> Change:
    """A stroke of territories of the whole brain, as common strokes are made."""
    inside = brain.inside(*fed) - np.float32(brain.rng.uniform(0.0, 8.0))
    nearness = brain.blob(near(brain.rng, seat, 4.0), brain.rng.uniform(0.2, 0.85) * core_mm)
    deficit = np.interp(inside, [-10.0, -3.0, 2.0, 10.0], [0.0, 0.3, 0.52, 0.72])
    infarct = ramp(np.minimum(nearness, inside - 1.0), -2.0, 3.0)
    deep = (deficit + (1.0 - deficit) * infarct).astype(np.float32)
    return of_stroke(brain.rng, deep, infarct, brain.field(14.0))


def _pca_proximal(brain: _Brain) -> Change:
    """Before the thalamic perforators: cortex, thalamus and a share of the midbrain."""
    return _occlusion(brain, ("pca", "thalamus"), (14.0, -30.0, 4.0), 24.0)


def _pca_distal(brain: _Brain) -> Change:
    """Occipital and medial temporal cortex; thalamus and cerebellum are spared."""
    return _occlusion(brain, ("pca",), (16.0, -76.0, 4.0), 24.0)


def _cerebellar(brain: _Brain) -> Change:
    """The superior cerebellar artery: what of the cerebellum a perfusion slab may show."""
    return _occlusion(brain, ("superior cerebellar",), (22.0, -58.0, -26.0), 22.0)


def _basilar(brain: _Brain) -> Change:
    """The top of the basilar artery: both posterior territories, midbrain and cerebellum."""
    return _occlusion(brain, _TOP_OF_BASILAR, (6.0, -22.0, -4.0), 22.0)


def _lacunes(brain: _Brain) -> Change:
    """One to three infarcts of perforating arteries, 3 to 15 mm across, without penumbra."""
    inside = np.full(brain.grid.shape, np.float32(-np.inf))
    for index in brain.rng.permutation(len(_PERFORATED))[: int(brain.rng.integers(1, 4))]:
        seat = near(brain.rng, _PERFORATED[int(index)], 3.0)
        inside = np.maximum(inside, brain.blob(seat, brain.rng.uniform(1.5, 7.5)))
    infarct = ramp(inside, -1.0, 1.0)
    return of_stroke(brain.rng, infarct, infarct, brain.field(14.0))


def _watershed(brain: _Brain) -> Change:
    """A tight carotid: its hemisphere late, and patches lost where its territories meet."""
    aca, mca, pca = (
        within(
            (name,) if name != "mca" else _ANTERIOR[1:],
            brain.side,
            np.random.default_rng(0),
            brain.places,
            brain.grid,
            WHOLE_BRAIN,
        )
        for name in ("aca", "mca", "pca")
    )
    # On a border two territories are equally near, and the third is farther.
    border = np.maximum(np.minimum(aca, mca), np.minimum(mca, pca))
    strip = ramp(border, -_WATERSHED_DEPTH_MM, -1.0)
    fed = ramp(np.asarray(np.maximum(aca, mca), np.float32), -6.0, 2.0)
    patches = ramp(brain.field(18.0), -0.3, 0.6) * strip
    infarct = ramp(brain.field(9.0) + 2.0 * patches, 1.9, 2.6) * patches
    deficit = np.maximum(0.25 * fed, 0.72 * patches)
    deep = (deficit + (1.0 - deficit) * infarct).astype(np.float32)
    return of_stroke(brain.rng, deep, infarct.astype(np.float32), brain.field(14.0))


def _oligaemia(brain: _Brain) -> Change:
    """A territory with 62 to 80 % of its flow and a Tmax of 4 to 6 s that will not be lost."""
    extent = ramp(brain.inside(*_ANTERIOR[1:]), -6.0, 6.0)
    less, late_s = brain.rng.uniform(0.20, 0.38), brain.rng.uniform(0.9, 1.7)
    return Change(1.0 - less * extent, 1.0 + 0.03 * extent, late_s * extent, np.zeros_like(extent))


def _old_infarct(brain: _Brain) -> Change:
    """A healed infarct: part fluid, part scar with little flow, hardly late."""
    extent = _healed(brain)
    flow, volume = brain.rng.uniform(0.15, 0.35), brain.rng.uniform(0.2, 0.4)
    return Change(
        cbf=1.0 - (1.0 - flow) * extent,
        cbv=1.0 - (1.0 - volume) * extent,
        delay_s=brain.rng.uniform(0.0, 1.0) * extent,
        infarct=extent,
        cavity=brain.rng.uniform(0.4, 0.85) * ramp(extent, 0.5, 1.0),
    )


def _luxury(brain: _Brain) -> Change:
    """An infarct of some days, reopened: dark, with more blood than its cells can use."""
    extent = _healed(brain)
    flow, volume = brain.rng.uniform(1.15, 1.7), brain.rng.uniform(1.25, 1.7)
    return Change(1.0 + (flow - 1.0) * extent, 1.0 + (volume - 1.0) * extent, -0.2 * extent, extent)


def _healed(brain: _Brain) -> Field:
    """Where an infarct has been, 0 to 1: some of one territory, with an irregular border."""
    territories: dict[str, Seed] = {
        "mca superior": (46.0, 8.0, 26.0),
        "mca inferior": (52.0, -36.0, 8.0),
        "pca": (18.0, -74.0, 6.0),
        "aca": (10.0, 36.0, 32.0),
    }
    name = str(brain.rng.choice(list(territories), p=[0.35, 0.35, 0.2, 0.1]))
    inside = brain.inside(name)
    seat = near(brain.rng, territories[name], 6.0)
    nearness = brain.blob(seat, brain.rng.uniform(12.0, 26.0)) + 2.0 * brain.field(7.0)
    return ramp(np.minimum(nearness, inside), -1.5, 2.0)


_MAKERS: Mapping[str, Callable[[_Brain], Change]] = MappingProxyType(
    {
        "pca_proximal": _pca_proximal,
        "pca_distal": _pca_distal,
        "basilar": _basilar,
        "cerebellar": _cerebellar,
        "lacunes": _lacunes,
        "watershed": _watershed,
        "oligaemia": _oligaemia,
        "old_infarct": _old_infarct,
        "luxury": _luxury,
    }
)
_BILATERAL = ("basilar",)
FURTHER = tuple(_MAKERS)
"""Pathologies that no plain scan draws: they are asked for by name."""


def damage(
    name: str, side: str, rng: np.random.Generator, places: Field, grid: Grid
) -> tuple[Change, str]:
    """What one of :data:`FURTHER` changes, and the side it is on, empty for both.

    Parameters
    ----------
    name
        One of :data:`FURTHER`.
    side
        ``left`` or ``right``.
    rng
        Random numbers.
    places
        (3, Z, Y, X) ICBM152 coordinates [mm].
    grid
        Where the voxels lie.
    """
    where = "" if name in _BILATERAL else side
    return _MAKERS[name](_Brain(rng, places, grid, where)), where
