"""A made-up head scanned, and the truth behind it by the same rule as the simulator's."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.procedural.circulation import Circulation
from models.procedural.grain import grain, spectrum, strength
from models.procedural.head import ProceduralHead
from models.procedural.lattice import Lattice
from models.procedural.strokes import Lesion
from models.procedural.tubes import Tubes
from models.simulator import (
    RHO_OVER_KH,
    Acquisition,
    Curves,
    Masks,
    SimulatedScan,
    Truth,
    lesion,
)
from node.perfusion import DynamicCt, Quantity

_BLOOD_HU = 42.0
_LARGE_VESSEL = 0.02
# Keeps every stream apart from the simulator's, whatever the seed.
_STREAM = 31_337


@dataclass(frozen=True, eq=False)
class _Perfusion:
    """The tissue's truth, (Z, Y, X): CBV, MTT [s], delay [s] and the row of its curve."""

    cbv: NDArray[np.float32]
    mtt_s: NDArray[np.float32]
    delay_s: NDArray[np.float32]
    row: NDArray[np.intp]


def procedural_scan(
    seed: int, acquisition: Acquisition, *, pathology: str | None = None
) -> SimulatedScan:
    """A CT perfusion scan of a made-up head with its truth; the same call gives the same scan.

    Parameters
    ----------
    seed
        Which head, 0 or above.
    acquisition
        How the scanner samples.
    pathology
        One of :data:`models.procedural.KINDS`, ``stroke`` for any stroke, or None for any.

    Raises
    ------
    ValueError
        If the pathology is not known.
    """
    streams = [np.random.default_rng([_STREAM, seed, part]) for part in range(6)]
    times_s = acquisition.times_s(streams[5])
    head = ProceduralHead.drawn(streams[0], acquisition)
    tubes = Tubes.grown(streams[1], head, acquisition)
    ill = Lesion.drawn(streams[2], head, pathology)
    flow = Circulation.drawn(streams[3], float(times_s.max()), ill.slow)
    tissue = _perfusion(streams[4], head, ill, flow)
    resting = head.resting_hu(streams[4], ill.infarct)
    path = _path(streams[5], acquisition)
    hu = np.empty((*times_s.shape, acquisition.rows, acquisition.rows), np.float32)
    power = spectrum(acquisition.rows, acquisition.pixel_mm)
    noisier = strength(head.half_axes_mm[1:] + 9.0, acquisition)
    noisier *= np.float32(acquisition.native_noise_hu)
    for z in range(acquisition.slices):
        images = _clean(z, times_s[:, z], resting, tubes, tissue, flow)
        for frame in np.flatnonzero(path.any(axis=1)):
            images[frame] = ndimage.shift(
                images[frame], path[frame, :2] / acquisition.pixel_mm, order=1, mode="nearest"
            )
        images += grain(streams[5], len(images), power) * noisier
        hu[:, z] = np.clip(np.rint(images), -1024.0, 3071.0)
    scan = DynamicCt(hu, times_s, acquisition.spacing_mm, np.zeros(times_s.shape, bool))
    truth = _truth(head, tubes, tissue, flow, ill, acquisition.voxel_ml, path)
    return SimulatedScan(scan, truth, acquisition, seed)


def _perfusion(
    rng: np.random.Generator, head: ProceduralHead, ill: Lesion, flow: Circulation
) -> _Perfusion:
    """Flow and volume by tissue (SCIENCE.md section 3), with texture and lesion."""
    cbf = rng.uniform([45.0, 18.0], [68.0, 28.0])
    cbv = rng.uniform([3.0, 1.6], [4.6, 2.4])
    first, second = (Lattice.power_law(rng, 2.6).at(head.places_mm) for _ in range(2))
    texture = np.exp(0.12 * first)
    grey, white = head.grey, head.white
    # White matter keeps a quarter more of its flow than grey matter does, short of infarction.
    kept = ill.cbf + 0.25 * np.clip(1.0 - ill.cbf, 0.0, None) * (1.0 - ill.infarct)
    flowing = (grey * cbf[0] * ill.cbf + white * cbf[1] * kept) * texture
    volume = (grey * cbv[0] + white * cbv[1]) * ill.cbv * texture ** np.float32(0.8)
    mtt = 60.0 * volume / np.maximum(flowing, 1e-3) * np.exp(0.06 * second)
    row, mtt_s = flow.nearest(np.clip(mtt, 1.0, 28.0).astype(np.float32))
    early_s = rng.uniform(0.1, 0.8)
    delay = early_s + 0.4 * white + 0.15 * np.abs(second) + ill.delay_s
    brain = head.brain
    return _Perfusion(
        cbv=np.where(brain, volume, 0.0).astype(np.float32),
        mtt_s=np.where(brain, mtt_s, 0.0).astype(np.float32),
        delay_s=np.where(brain, delay, 0.0).astype(np.float32),
        row=row,
    )


def _clean(
    z: int,
    times_s: NDArray[np.float64],
    resting: NDArray[np.float32],
    tubes: Tubes,
    tissue: _Perfusion,
    flow: Circulation,
) -> NDArray[np.float32]:
    """One slice without noise, (T, Y, X) float32 [HU]."""
    arterial, venous = tubes.arterial[z], tubes.venous[z]
    solid = 1.0 - arterial - venous
    images = np.repeat((resting[z] * solid + _BLOOD_HU * (1.0 - solid))[None], len(times_s), 0)
    images = images.astype(np.float32)
    perfused = tissue.cbv[z] > 0
    late = times_s[None, :] - tissue.delay_s[z][perfused][:, None]
    curves = flow.tissue_at(tissue.row[z][perfused], late)
    images[:, perfused] += (curves * (tissue.cbv[z] * solid / 100.0)[perfused][:, None]).T
    bled, drained = arterial > 0, venous > 0
    # An artery fills when the tissue that it feeds is about to.
    behind = 0.6 * np.clip(tissue.delay_s[z][bled] - 1.0, 0.0, None)
    artery = np.interp(times_s[:, None] - behind[None, :], flow.time_s, flow.aif_hu)
    images[:, bled] += (artery * arterial[bled]).astype(np.float32)
    vein = np.interp(times_s, flow.time_s, flow.vof_hu)
    images[:, drained] += (vein[:, None] * venous[drained]).astype(np.float32)
    return images


def _path(rng: np.random.Generator, acquisition: Acquisition) -> NDArray[np.float64]:
    """A nodding head, (T, 3): swings along Y and X up to ``motion_mm`` [mm]; never turns."""
    t = np.linspace(0.0, 1.0, acquisition.frames)
    path = np.zeros((acquisition.frames, 3))
    for axis, (turns, phase) in enumerate(rng.uniform([0.5, 0.0], [3.0, 6.0], (2, 2))):
        path[:, axis] = np.sin(2 * np.pi * turns * t + phase) - np.sin(phase)
    farthest = max(float(np.abs(path).max()), 1e-9)
    return path / farthest * acquisition.motion_mm


def _truth(
    head: ProceduralHead,
    tubes: Tubes,
    tissue: _Perfusion,
    flow: Circulation,
    ill: Lesion,
    voxel_ml: float,
    path: NDArray[np.float64],
) -> Truth:
    masks = _masks(head, tubes)
    blood = tubes.arterial + tubes.venous
    cbv = tissue.cbv * (1.0 - blood) + np.float32(100.0 / RHO_OVER_KH) * blood
    cbv = np.where(masks.brain, cbv, 0.0).astype(np.float32)
    cbf = (60.0 * cbv / np.maximum(tissue.mtt_s, 0.5)).astype(np.float32)
    tmax = tissue.delay_s + tissue.mtt_s / 2.0
    ttp = np.where(masks.brain, flow.peak_s[tissue.row] + tissue.delay_s - flow.arrival_s, 0.0)
    core, hypoperfusion, normal = lesion(cbf, tmax, masks)
    return Truth(
        maps={
            Quantity.CBF: cbf,
            Quantity.CBV: cbv,
            Quantity.MTT: tissue.mtt_s,
            Quantity.TTP: ttp.astype(np.float32),
            Quantity.TMAX: tmax,
        },
        delay_s=tissue.delay_s,
        masks=masks,
        core=core,
        hypoperfusion=hypoperfusion,
        normal_cbf=normal,
        curves=Curves(flow.time_s, flow.aif_hu, flow.vof_hu),
        arrival_s=flow.arrival_s,
        motion=path,
        pathology=ill.kind,
        side=ill.side,
        voxel_ml=voxel_ml,
    )


def _masks(head: ProceduralHead, tubes: Tubes) -> Masks:
    brain = head.brain
    vessels = tubes.arterial + tubes.venous > _LARGE_VESSEL
    return Masks(
        brain=brain,
        parenchyma=brain & (head.grey + head.white > 0.5) & ~vessels,
        grey=brain & (head.grey > 0.5) & ~vessels,
        white=brain & (head.white > 0.5) & ~vessels,
        csf=brain & (head.csf > 0.5) & ~vessels,
        vessels=vessels,
        arteries=vessels & (tubes.arterial >= tubes.venous),
        veins=vessels & (tubes.venous > tubes.arterial),
        left=head.left,
    )
