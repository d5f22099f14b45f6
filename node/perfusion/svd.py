"""Deconvolution by truncated singular values: standard, block-circulant, oscillation-limited.

All three solve ``C = dt A k`` for the flow-scaled residue function k [1/s] of many voxels at
once. A circulant matrix has the discrete Fourier transform for its singular vectors and the
spectrum's moduli for its singular values, so no decomposition is computed for the latter two.
"""

import itertools
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from node.perfusion.flanks import peaks, rises
from node.perfusion.solution import Solution

# A tissue may fill a little ahead of the artery that was chosen.
EARLIEST = 2
CHUNK = 4096
# What oSVD tries, from nearly everything to hardly anything.
CUTOFFS = tuple(np.geomspace(0.05, 0.9, 14))


@dataclass(frozen=True)
class StandardSvd:
    """Standard SVD (sSVD): causal, so that a delay is taken for a long transit.

    Østergaard et al., Magn Reson Med 1996;36:715.

    Parameters
    ----------
    cutoff
        Singular values below this fraction of the largest are left out.
    """

    cutoff: float = 0.2

    name = "sSVD"
    version = "1"

    def solve(
        self, aif: NDArray[np.float64], curves: NDArray[np.float32], interval_s: float
    ) -> Solution:
        """What every voxel's curve tells about its transport; see :class:`Solution`."""
        ahead = np.append(aif[1:], aif[-1])
        behind = np.insert(aif[:-1], 0, 0.0)
        # Residue and arterial curve taken as straight lines between samples.
        column = interval_s * (behind + 4.0 * aif + ahead) / 6.0
        matrix = scipy.linalg.toeplitz(column, np.r_[column[0], np.zeros(len(aif) - 1)])
        inverse = scipy.linalg.pinv(matrix, rtol=self.cutoff).astype(np.float32)
        return _read(inverse @ curves, aif, curves, interval_s, first=0)


@dataclass(frozen=True)
class BlockCirculantSvd:
    """Block-circulant SVD (bcSVD): a delay shifts the residue function and changes nothing else.

    Wu et al., Magn Reson Med 2003;50:164.

    Parameters
    ----------
    cutoff
        Singular values below this fraction of the largest are left out.
    """

    cutoff: float = 0.15

    name = "bcSVD"
    version = "1"

    def solve(
        self, aif: NDArray[np.float64], curves: NDArray[np.float32], interval_s: float
    ) -> Solution:
        """What every voxel's curve tells about its transport; see :class:`Solution`."""
        inverse = circulant_inverse(aif, interval_s, self.cutoff)
        rows = np.roll(inverse, EARLIEST, axis=0)[: len(aif) + EARLIEST]
        return _read(rows @ curves, aif, curves, interval_s, first=-EARLIEST)


@dataclass(frozen=True)
class OscillationSvd:
    """Oscillation-limited SVD (oSVD): each voxel keeps what does not make its residue ring.

    The cut-off rises until the oscillation index of the residue function falls to the limit.
    Wu et al., Magn Reson Med 2003;50:164.

    Parameters
    ----------
    limit
        Largest oscillation index; 0.035-0.095 are in use, of which the highest measures best
        on Kudo's phantom and on simulated scans.
    """

    limit: float = 0.095

    name = "oSVD"
    version = "1"

    def solve(
        self, aif: NDArray[np.float64], curves: NDArray[np.float32], interval_s: float
    ) -> Solution:
        """What every voxel's curve tells about its transport; see :class:`Solution`."""
        inverses = _by_cutoff(aif, interval_s)
        residues = np.empty((len(aif) + EARLIEST, curves.shape[1]), np.float32)
        for start in range(0, curves.shape[1], CHUNK):
            part = slice(start, start + CHUNK)
            settled = self._settled(inverses, np.ascontiguousarray(curves[:, part].T))
            residues[:, part] = np.roll(settled, EARLIEST, axis=1)[:, : len(residues)].T
        return _read(residues, aif, curves, interval_s, first=-EARLIEST)

    def _settled(
        self, inverses: list[NDArray[np.float32]], tissue: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """(V, 2N) residue functions, each at the lowest cut-off at which it does not ring."""
        residues = tissue @ inverses[0].T
        active = np.arange(len(tissue))
        ringing = residues
        for inverse in inverses[1:]:
            still = oscillation_index(ringing) > self.limit
            active, tissue = active[still], tissue[still]
            if not len(active):
                break
            ringing = tissue @ inverse.T
            residues[active] = ringing
        return residues


def _by_cutoff(aif: NDArray[np.float64], interval_s: float) -> list[NDArray[np.float32]]:
    """Inverses of rising cut-off that differ from one another."""
    inverses = [circulant_inverse(aif, interval_s, float(c)) for c in CUTOFFS]
    changed = [not np.array_equal(one, other) for one, other in itertools.pairwise(inverses)]
    return [inverses[0], *itertools.compress(inverses[1:], changed)]


def circulant_inverse(
    aif: NDArray[np.float64], interval_s: float, cutoff: float
) -> NDArray[np.float32]:
    """Truncated inverse of the block-circulant matrix of an arterial curve, zero-padded to 2N.

    Parameters
    ----------
    aif
        (N,) [HU].
    interval_s
        Time between samples [s].
    cutoff
        Singular values below this fraction of the largest are left out.

    Returns
    -------
    (2N, N) float32 [1/(HU s)]; rows are times 0 ... N-1, then -N ... -1
    """
    size = 2 * len(aif)
    spectrum = np.fft.rfft(aif, size) * interval_s
    strength = np.abs(spectrum)
    kept = strength >= cutoff * strength.max()
    inverse = np.zeros_like(spectrum)
    inverse[kept] = 1.0 / spectrum[kept]
    response = np.fft.irfft(inverse, size)
    matrix: NDArray[np.float32] = scipy.linalg.circulant(response)[:, : len(aif)].astype(np.float32)
    return matrix


def oscillation_index(residues: NDArray[np.float32]) -> NDArray[np.float32]:
    """(V,) mean bend of (V, L) residue functions over their maximum (Wu 2003, equation 11)."""
    highest = np.maximum(residues.max(axis=1), np.float32(1e-12))
    bends = np.abs(np.diff(residues, n=2, axis=1)).sum(axis=1)
    index: NDArray[np.float32] = bends / (residues.shape[1] * highest)
    return index


def _read(
    residues: NDArray[np.float32],
    aif: NDArray[np.float64],
    curves: NDArray[np.float32],
    interval_s: float,
    *,
    first: int,
) -> Solution:
    """Flow, volume and times from residue functions whose first row is at ``first`` samples.

    The flow is the maximum, the volume the ratio of areas. Truncation is a low-pass without
    phase: a step stays at half its height where it was, so the delay is read where the residue
    function rises through half of its maximum. Tmax is delay + MTT/2 as everywhere in this
    project; the place of the maximum itself, which goes by the same name elsewhere, falls short
    of it where MTT is long and the residue function no box.
    """
    height, _ = peaks(residues)
    volume = np.maximum(curves.sum(axis=0) / np.float32(aif.sum()), np.float32(0.0))
    flow = np.maximum(height, np.float32(0.0))
    mtt_s = np.divide(volume, flow, out=np.zeros_like(volume), where=flow > 0)
    half = rises(residues, residues.argmax(axis=0), height / 2.0)
    delay_s = ((half + first) * interval_s).astype(np.float32)
    return Solution(flow, volume, mtt_s, delay_s, np.maximum(delay_s + mtt_s / 2.0, 0.0))
