"""A whole scan: one patient, one bolus, one acquisition, and the truth behind them."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.simulator.acquisition import Acquisition
from models.simulator.anatomy import Anatomy, Warp, baseline_hu
from models.simulator.bolus import Bolus
from models.simulator.fields import Grid, SmoothField
from models.simulator.hardening import hardened, with_base
from models.simulator.imaging import Head, Passage, Tissue, acquired, drift, slices_beyond
from models.simulator.pathology import Pathology, afflict, choose
from models.simulator.realism import PLAIN, Realism
from models.simulator.residue import FAMILIES, RHO_OVER_KH, TissueTable
from models.simulator.truth import Curves, Masks, Truth, lesion
from models.simulator.vessels import Vessels
from node.perfusion import DynamicCt, Quantity

_WHITE_SPARED = 0.3
DEMO_SEED = 29
"""A clear stroke of the left middle cerebral artery: 27 ml of core in 101 ml of hypoperfusion."""

_PARTS = ("pathology", "warp", "vessels", "lesion", "tissue", "bolus", "residue", "baseline")
# Streams of their own, far from the others: what a plain scan draws stays what it is.
_BESIDE, _FAULTS, _MOVEMENT = 100, 101, 102


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
        The call that makes it again, with ``truth.pathology``.
    residue, realism
        As they were asked of :func:`simulate`.
    """

    scan: DynamicCt
    truth: Truth
    acquisition: Acquisition
    seed: int
    residue: str | None = None
    realism: Realism = PLAIN


def simulate(
    seed: int,
    acquisition: Acquisition,
    *,
    pathology: str | None = None,
    residue: str | None = None,
    realism: Realism | None = None,
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
        One of ``models.simulator.PATHOLOGIES`` or ``models.simulator.FURTHER``, ``stroke`` for
        any common stroke, or None for any of the former.
    residue
        One of ``models.simulator.FAMILIES`` for all tissue, or None for a mixture of them.
    realism
        Dispersion, movement, hardened beams and faults; None adds none of them.

    Raises
    ------
    ValueError
        If the pathology or the residue function is not known.
    """
    real = realism or PLAIN
    streams = {part: np.random.default_rng([seed, i]) for i, part in enumerate(_PARTS)}
    name = choose(streams["pathology"], pathology)
    sampling = np.random.default_rng([seed, len(_PARTS)])
    times_s = acquisition.times_s(sampling)
    bolus = _bolus(streams["bolus"], name, float(times_s.max()), real)
    table = TissueTable.of(bolus, _mixture(streams["residue"], residue), real.dispersion_s)
    motion = drift(sampling, acquisition)
    if real.movement is not None:
        moving = np.random.default_rng([seed, _MOVEMENT])
        motion = real.movement.poses(moving, acquisition.frames)
    margin = slices_beyond(motion, acquisition)
    wider = replace(acquisition, slices=acquisition.slices + 2 * margin)
    head, ill = _patient(seed, streams, wider, name, real)
    passage = Passage(bolus, table, times_s, motion)
    passage, missing = _faulty(np.random.default_rng([seed, _FAULTS]), passage, real)
    hu = acquired(head, passage, acquisition, sampling)
    clock_s = passage.clock_s
    scan = DynamicCt(
        _restored(hu, clock_s, missing), clock_s - clock_s.min(), acquisition.spacing_mm, missing
    )
    truth = _truth(head.without(margin), passage, ill, acquisition)
    return SimulatedScan(scan, truth, acquisition, seed, residue, real)


def _bolus(rng: np.random.Generator, name: str, end_s: float, real: Realism) -> Bolus:
    """The patient's bolus, as much of it as reaches the head."""
    drawn = Bolus.drawn(rng, end_s, low_output=name == "low_output")
    late_s = max(0.0, real.faults.started_s(drawn.arrival_s))
    return replace(drawn.until(end_s + late_s), peak_hu=drawn.peak_hu * real.faults.bolus)


def _patient(
    seed: int,
    streams: dict[str, np.random.Generator],
    acquisition: Acquisition,
    name: str,
    real: Realism,
) -> tuple[Head, Pathology]:
    """The head on an acquisition's grid, and what is wrong with its circulation."""
    grid = Grid.of(acquisition)
    warp = Warp.drawn(streams["warp"])
    atrophy = float(streams["warp"].uniform(0.0, 0.5))
    anatomy = Anatomy.of(warp, grid, acquisition.thickness_mm, atrophy)
    vessels = Vessels.drawn(streams["vessels"], warp, grid, acquisition)
    ill = afflict(name, streams["lesion"], anatomy, grid)
    if real.beside is not None:
        ill = ill.with_another(
            afflict(real.beside, np.random.default_rng([seed, _BESIDE]), anatomy, grid)
        )
    anatomy = anatomy.hollowed(ill.cavity)
    resting = baseline_hu(anatomy, streams["baseline"], ill.infarct)
    if real.hardening_hu > 0:
        anatomy, resting = with_base(anatomy, resting)
        resting += hardened(resting, anatomy.brain, real.hardening_hu, acquisition.pixel_mm)
    tissue = _tissue(streams["tissue"], anatomy, ill, grid)
    return Head(anatomy, vessels, tissue, resting), ill


def _faulty(
    rng: np.random.Generator, passage: Passage, real: Realism
) -> tuple[Passage, NDArray[np.bool_]]:
    """When images were really taken, and which never arrived, (T, Z)."""
    faults, arrival_s = real.faults, passage.bolus.arrival_s
    clock_s = passage.clock_s + faults.started_s(arrival_s)
    kept = faults.kept(rng, clock_s, arrival_s)
    clock_s = clock_s[kept]
    return (
        replace(passage, clock_s=clock_s, motion=passage.motion[kept]),
        faults.lost(rng, (len(clock_s), clock_s.shape[1])),
    )


def _restored(
    hu: NDArray[np.float32], clock_s: NDArray[np.float64], missing: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Images that never arrived, interpolated between their neighbours in time; in place."""
    for z in np.flatnonzero(missing.any(axis=0)):
        there = np.flatnonzero(~missing[:, z])
        for frame in np.flatnonzero(missing[:, z]):
            after = int(np.searchsorted(there, frame))
            low, high = there[after - 1], there[after]
            part = (clock_s[frame, z] - clock_s[low, z]) / (clock_s[high, z] - clock_s[low, z])
            hu[frame, z] = hu[low, z] + np.float32(part) * (hu[high, z] - hu[low, z])
    return hu


def _mixture(rng: np.random.Generator, asked: str | None) -> NDArray[np.float64]:
    """How much of each residue family the tissue has; one of them alone where asked."""
    if asked is None:
        return rng.dirichlet(np.ones(len(FAMILIES)))
    if asked not in FAMILIES:
        raise ValueError(f"no residue family {asked!r}; there are {', '.join(FAMILIES)}")
    return np.array([float(family == asked) for family in FAMILIES])


def _tissue(rng: np.random.Generator, anatomy: Anatomy, ill: Pathology, grid: Grid) -> Tissue:
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
    return Tissue(
        cbv=np.where(inside, volume, 0.0).astype(np.float32),
        mtt_s=np.where(inside, mtt, 0.0).astype(np.float32),
        delay_s=np.where(inside, healthy_delay + ill.delay_s, 0.0).astype(np.float32),
    )


def _truth(head: Head, passage: Passage, ill: Pathology, acquisition: Acquisition) -> Truth:
    bolus, tissue, masks = passage.bolus, head.tissue, _masks(head)
    began_s = float(passage.clock_s.min())
    blood = head.vessels.arterial + head.vessels.venous
    cbv = tissue.cbv * (1.0 - blood) + np.float32(100.0 / RHO_OVER_KH) * blood
    cbv = np.where(masks.brain, cbv, 0.0).astype(np.float32)
    cbf = (60.0 * cbv / np.maximum(tissue.mtt_s, 1.0)).astype(np.float32)
    tmax = tissue.delay_s + tissue.mtt_s / 2.0
    ttp = np.zeros_like(cbv)
    peak_s = passage.table.peaks(tissue.mtt_s[masks.brain], tissue.delay_s[masks.brain])
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
        curves=Curves(bolus.time_s - began_s, bolus.aif, bolus.vof),
        arrival_s=bolus.arrival_s - began_s,
        motion=passage.motion,
        pathology=ill.name,
        side=ill.side,
        voxel_ml=acquisition.voxel_ml,
    )


def _masks(head: Head) -> Masks:
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
