"""A whole scan: one patient, one bolus, one acquisition, and the truth behind them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.simulator.acquisition import Acquisition
from models.simulator.anatomy import Anatomy, Warp, baseline_hu
from models.simulator.bolus import Bolus
from models.simulator.fields import Grid, SmoothField
from models.simulator.noise import noise
from models.simulator.pathology import Pathology, afflict, choose
from models.simulator.residue import FAMILIES, RHO_OVER_KH, TissueTable
from models.simulator.truth import Curves, Masks, Truth, lesion
from models.simulator.vessels import Vessels
from node.perfusion import DynamicCt, Quantity

_BLOOD_HU = 40.0
_WHITE_SPARED = 0.3
_LOWEST_HU, _HIGHEST_HU = -1024.0, 3071.0
DEMO_SEED = 29
"""A clear stroke of the left middle cerebral artery: 27 ml of core in 101 ml of hypoperfusion."""

_PARTS = ("pathology", "warp", "vessels", "lesion", "tissue", "bolus", "residue", "baseline")


@dataclass(frozen=True, eq=False)
class SimulatedScan:
    """A simulated CT perfusion scan and its truth.

    Parameters
    ----------
    scan
        What a scanner would have measured, whole HU.
    truth
        What it was made from.
    acquisition, seed
        The call that makes it again.
    """

    scan: DynamicCt
    truth: Truth
    acquisition: Acquisition
    seed: int


@dataclass(frozen=True, eq=False)
class _Tissue:
    """Perfusion of the tissue in each voxel, (Z, Y, X) float32, vessels not counted."""

    cbv: NDArray[np.float32]
    mtt_s: NDArray[np.float32]
    delay_s: NDArray[np.float32]


def simulate(
    seed: int,
    acquisition: Acquisition,
    *,
    pathology: str | None = None,
    residue: str | None = None,
) -> SimulatedScan:
    """A CT perfusion scan with its truth; the same call gives the same scan.

    The patient depends on the seed alone: another acquisition scans the same patient again.

    Parameters
    ----------
    seed
        Which patient, 0 or above.
    acquisition
        How the scanner samples.
    pathology
        One of ``models.simulator.PATHOLOGIES``, ``stroke`` for any stroke, or None for any.
    residue
        One of ``models.simulator.FAMILIES`` for all tissue, or None for a mixture of them.

    Raises
    ------
    ValueError
        If the pathology or the residue function is not known.
    """
    streams = {part: np.random.default_rng([seed, i]) for i, part in enumerate(_PARTS)}
    name = choose(streams["pathology"], pathology)
    grid = Grid.of(acquisition)
    warp = Warp.drawn(streams["warp"])
    atrophy = float(streams["warp"].uniform(0.0, 0.5))
    anatomy = Anatomy.of(warp, grid, acquisition.thickness_mm, atrophy)
    vessels = Vessels.drawn(streams["vessels"], warp, grid, acquisition)
    ill = afflict(name, streams["lesion"], anatomy, grid)
    tissue = _tissue(streams["tissue"], anatomy, ill, grid)
    sampling = np.random.default_rng([seed, len(_PARTS)])
    times_s = acquisition.times_s(sampling)
    low_output = name == "low_output"
    bolus = Bolus.drawn(streams["bolus"], float(times_s.max()), low_output=low_output)
    table = TissueTable.of(bolus, _mixture(streams["residue"], residue))
    resting = baseline_hu(anatomy, streams["baseline"], ill.infarct)
    motion = _motion(sampling, acquisition)
    head = _Head(anatomy, vessels, tissue, resting)
    hu = _acquired(head, bolus, table, times_s, acquisition, motion, sampling)
    scan = DynamicCt(hu, times_s, acquisition.spacing_mm, np.zeros(times_s.shape, bool))
    truth = _truth(head, bolus, table, ill, acquisition, motion)
    return SimulatedScan(scan, truth, acquisition, seed)


def _mixture(rng: np.random.Generator, asked: str | None) -> NDArray[np.float64]:
    """How much of each residue family the tissue has; one of them alone where asked."""
    if asked is None:
        return rng.dirichlet(np.ones(len(FAMILIES)))
    if asked not in FAMILIES:
        raise ValueError(f"no residue family {asked!r}; there are {', '.join(FAMILIES)}")
    return np.array([float(family == asked) for family in FAMILIES])


@dataclass(frozen=True, eq=False)
class _Head:
    """Everything about the patient that does not change during the scan."""

    anatomy: Anatomy
    vessels: Vessels
    tissue: _Tissue
    resting_hu: NDArray[np.float32]


def _tissue(rng: np.random.Generator, anatomy: Anatomy, ill: Pathology, grid: Grid) -> _Tissue:
    """Healthy perfusion by tissue (SCIENCE.md section 3), its texture, and the pathology."""
    grey_cbf, white_cbf = rng.uniform([47.0, 20.0], [66.0, 28.0])
    grey_mtt, white_mtt = rng.uniform([3.5, 4.2], [4.8, 5.6])
    early_s, white_late_s = rng.uniform([0.1, 0.1], [0.9, 0.5])
    texture = [np.exp(0.11 * SmoothField.drawn(rng, 9.0).on(grid)) for _ in range(2)]
    # White matter short of infarction keeps more of its flow than grey matter does.
    spared = ill.cbf + (1.0 - ill.cbf) * (1.0 - ill.infarct) * np.float32(_WHITE_SPARED)
    flow = anatomy.grey * np.float32(grey_cbf) * ill.cbf
    flow += anatomy.white * np.float32(white_cbf) * spared
    volume = (
        anatomy.grey * np.float32(grey_cbf * grey_mtt / 60.0)
        + anatomy.white * np.float32(white_cbf * white_mtt / 60.0)
    ) * ill.cbv
    flow *= texture[0]
    # Flow and volume vary together, so that the transit time varies less than either.
    volume *= texture[0] ** np.float32(0.7) * texture[1] ** np.float32(0.7)
    mtt = np.clip(60.0 * volume / np.maximum(flow, np.float32(1e-3)), 1.0, 30.0)
    healthy_delay = early_s + white_late_s * anatomy.white
    healthy_delay *= np.exp(0.3 * SmoothField.drawn(rng, 30.0).on(grid))
    inside = anatomy.brain
    return _Tissue(
        cbv=np.where(inside, volume, 0.0).astype(np.float32),
        mtt_s=np.where(inside, mtt, 0.0).astype(np.float32),
        delay_s=np.where(inside, healthy_delay + ill.delay_s, 0.0).astype(np.float32),
    )


def _acquired(
    head: _Head,
    bolus: Bolus,
    table: TissueTable,
    times_s: NDArray[np.float64],
    acquisition: Acquisition,
    motion: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """What the scanner measures, (T, Z, Y, X) float32, whole HU."""
    frames, slices = times_s.shape
    hu = np.empty((frames, slices, acquisition.rows, acquisition.rows), np.float32)
    for z in range(slices):
        images = _noise_free(head, bolus, table, times_s[:, z], z)
        if motion.any():
            _move(images, motion, acquisition.pixel_mm)
        images += noise(rng, images.shape, acquisition.native_noise_hu, acquisition.pixel_mm)
        np.rint(images, out=images)
        np.clip(images, _LOWEST_HU, _HIGHEST_HU, out=hu[:, z])
    return hu


def _noise_free(
    head: _Head, bolus: Bolus, table: TissueTable, times_s: NDArray[np.float64], z: int
) -> NDArray[np.float32]:
    """One slice without noise, (T, Y, X) float32 [HU]."""
    arterial, venous = head.vessels.arterial[z], head.vessels.venous[z]
    solid = 1.0 - arterial - venous
    resting = head.resting_hu[z] * solid + np.float32(_BLOOD_HU) * (arterial + venous)
    images = np.repeat(resting[None], len(times_s), axis=0)
    perfused = head.tissue.cbv[z] > 0
    delay = head.tissue.delay_s[z]
    curves = table.sampled(times_s).curves(head.tissue.mtt_s[z][perfused], delay[perfused])
    curves *= (head.tissue.cbv[z][perfused] / 100.0 * solid[perfused])[:, None]
    images[:, perfused] += curves.T
    bled = arterial > 0
    # Beyond an occlusion arteries fill late through collaterals, yet ahead of their tissue.
    arrival = times_s[:, None] - 0.7 * np.clip(delay[bled] - 1.0, 0.0, None)
    images[:, bled] += (bolus.artery(arrival) * arterial[bled]).astype(np.float32)
    drained = venous > 0
    vein = np.interp(times_s, bolus.time_s, bolus.vof).astype(np.float32)
    images[:, drained] += vein[:, None] * venous[drained]
    return images


def _motion(rng: np.random.Generator, acquisition: Acquisition) -> NDArray[np.float64]:
    """A drifting head, (T, 3): along Y and X [mm] and turned [degrees]; rests at first."""
    walk = np.cumsum(rng.standard_normal((acquisition.frames, 3)), axis=0)
    walk -= walk[0]
    farthest = max(float(np.abs(walk).max()), 1e-6)
    return walk / farthest * acquisition.motion_mm


def _move(images: NDArray[np.float32], motion: NDArray[np.float64], pixel_mm: float) -> None:
    """Move every image of one slice in place."""
    centre = (np.array(images.shape[1:]) - 1) / 2
    for image, (down_mm, across_mm, turn_deg) in zip(images, motion, strict=True):
        angle = np.deg2rad(turn_deg)
        matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        offset = centre - matrix @ (centre + np.array([down_mm, across_mm]) / pixel_mm)
        image[:] = ndimage.affine_transform(image, matrix, offset, order=1, cval=-1000.0)


def _truth(
    head: _Head,
    bolus: Bolus,
    table: TissueTable,
    ill: Pathology,
    acquisition: Acquisition,
    motion: NDArray[np.float64],
) -> Truth:
    tissue, masks = head.tissue, _masks(head)
    blood = head.vessels.arterial + head.vessels.venous
    cbv = tissue.cbv * (1.0 - blood) + np.float32(100.0 / RHO_OVER_KH) * blood
    cbv = np.where(masks.brain, cbv, 0.0).astype(np.float32)
    cbf = (60.0 * cbv / np.maximum(tissue.mtt_s, 1.0)).astype(np.float32)
    tmax = tissue.delay_s + tissue.mtt_s / 2.0
    ttp = np.zeros_like(cbv)
    peak_s = table.peaks(tissue.mtt_s[masks.brain], tissue.delay_s[masks.brain])
    ttp[masks.brain] = peak_s - bolus.arrival_s
    core, hypoperfusion, normal = lesion(cbf, tmax, masks)
    return Truth(
        maps={
            Quantity.CBF: cbf,
            Quantity.CBV: cbv,
            Quantity.MTT: tissue.mtt_s,
            Quantity.TTP: ttp,
            Quantity.TMAX: tmax,
        },
        delay_s=tissue.delay_s,
        masks=masks,
        core=core,
        hypoperfusion=hypoperfusion,
        normal_cbf=normal,
        curves=Curves(bolus.time_s, bolus.aif, bolus.vof),
        arrival_s=bolus.arrival_s,
        motion=motion,
        pathology=ill.name,
        side=ill.side,
        voxel_ml=acquisition.voxel_ml,
    )


def _masks(head: _Head) -> Masks:
    anatomy, vessels = head.anatomy, head.vessels
    brain, filled = anatomy.brain, vessels.mask
    solid = anatomy.grey + anatomy.white
    return Masks(
        brain=brain,
        parenchyma=brain & (solid > 0.5) & ~filled,
        grey=brain & (anatomy.grey > 0.5) & ~filled,
        white=brain & (anatomy.white > 0.5) & ~filled,
        csf=brain & (anatomy.csf > 0.5) & ~filled,
        vessels=filled,
        arteries=filled & (vessels.arterial >= vessels.venous),
        veins=filled & (vessels.venous > vessels.arterial),
        left=anatomy.left,
    )
