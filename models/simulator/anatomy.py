"""A head: the ICBM152 tissue maps, warped into one patient."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.simulator.fields import Grid, SmoothField

_TEMPLATE_MM = 2
_MARGIN = 20
# The middle of a CT perfusion slab in ICBM152 space: basal ganglia, x, y, z [mm].
_SLAB_CENTRE_RAS_MM = np.array([0.0, -18.0, 12.0])


@dataclass(frozen=True, eq=False)
class Template:
    """The ICBM152 average brain, axes right-left, posterior-anterior, inferior-superior.

    Parameters
    ----------
    grey, white
        float32 tissue fractions.
    depth_mm
        float32, distance from the surface of the brain's hull [mm], negative inside.
    origin_mm
        Place of the first voxel in ICBM152 space [mm]; voxels are 2 mm apart.
    """

    grey: NDArray[np.float32]
    white: NDArray[np.float32]
    depth_mm: NDArray[np.float32]
    origin_mm: NDArray[np.float64]


@lru_cache(maxsize=1)
def template() -> Template:
    """The maps that nilearn ships with its package; read once, no network."""
    from nilearn import datasets  # noqa: PLC0415  (nilearn takes a second to import)

    grey = datasets.load_mni152_gm_template(resolution=_TEMPLATE_MM)
    white = datasets.load_mni152_wm_template(resolution=_TEMPLATE_MM)
    mask = datasets.load_mni152_brain_mask(resolution=_TEMPLATE_MM)
    padded = [np.pad(np.asarray(image.dataobj), _MARGIN) for image in (grey, white, mask)]
    ball = ndimage.generate_binary_structure(3, 1)
    hull = ndimage.binary_closing(padded[2] > 0, ball, iterations=9)
    depth = ndimage.distance_transform_edt(~hull) - ndimage.distance_transform_edt(hull)
    return Template(
        grey=padded[0].astype(np.float32),
        white=padded[1].astype(np.float32),
        depth_mm=ndimage.gaussian_filter(depth * _TEMPLATE_MM, 1.0).astype(np.float32),
        origin_mm=np.array(grey.affine[:3, 3]) - _MARGIN * _TEMPLATE_MM,
    )


@dataclass(frozen=True, eq=False)
class Warp:
    """Where each place of one patient's head lies in ICBM152 space: affine plus smooth.

    The template is symmetric, so the warp alone makes left and right differ; a mirrored
    patient is another draw of it.
    """

    matrix: NDArray[np.float64]
    centre_ras_mm: NDArray[np.float64]
    bends: tuple[tuple[float, tuple[SmoothField, SmoothField, SmoothField]], ...]

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> "Warp":
        """A patient: size, tilt and shape."""
        # The ICBM152 brain is larger than most: patients measure 88-99 % of it.
        size = 1.0 / (rng.uniform(0.89, 0.98) * rng.uniform(0.97, 1.03, 3))
        nod, turn, lean = np.deg2rad(rng.normal(0.0, [6.0, 3.0, 3.0]))
        matrix = _rotation(nod, turn, lean) @ np.diag([-1.0, -1.0, 1.0]) * size[:, None]
        centre = _SLAB_CENTRE_RAS_MM + rng.normal(0.0, [2.0, 3.0, 4.0])
        bends = tuple(
            (amplitude_mm, _three(rng, spacing_mm))
            for spacing_mm, amplitude_mm in ((45.0, rng.uniform(1.5, 3.0)), (14.0, 0.9))
        )
        return cls(matrix, centre, bends)

    def on(self, grid: Grid) -> NDArray[np.float32]:
        """ICBM152 coordinates of every voxel, (3, Z, Y, X) float32 as x, y, z [mm]."""
        z, y, x = (
            axis.astype(np.float32).reshape(shape)
            for axis, shape in (
                (grid.z_mm, (-1, 1, 1)),
                (grid.y_mm, (1, -1, 1)),
                (grid.x_mm, (1, 1, -1)),
            )
        )
        places = np.empty((3, *grid.shape), np.float32)
        for i in range(3):
            a, b, c = (np.float32(v) for v in self.matrix[i])
            places[i] = a * x + b * y + c * z + np.float32(self.centre_ras_mm[i])
            for amplitude_mm, fields in self.bends:
                places[i] += np.float32(amplitude_mm) * fields[i].on(grid)
        return places

    def patient_mm(self, ras_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """The inverse: places in the head, (N, 3) as z, y, x, of ICBM152 (N, 3) x, y, z [mm]."""
        inverse = np.linalg.inv(self.matrix)
        lps = (ras_mm - self.centre_ras_mm) @ inverse.T
        for _ in range(4):  # the bend is gentle: a fixed point is found within 0.1 mm
            bend = sum(
                amplitude_mm * np.stack([field.at(lps[:, ::-1]) for field in fields], axis=1)
                for amplitude_mm, fields in self.bends
            )
            lps = (ras_mm - self.centre_ras_mm - bend) @ inverse.T
        patient: NDArray[np.float64] = lps[:, ::-1]
        return patient


@dataclass(frozen=True, eq=False)
class Anatomy:
    """One patient's head on a scan's grid; every array (Z, Y, X).

    Parameters
    ----------
    grey, white, csf
        float32 fractions of a voxel; they add to 1 inside the brain and to 0 outside.
    outside_mm
        float32 distance from the brain's hull [mm], negative inside.
    ras_mm
        (3, Z, Y, X) float32 ICBM152 coordinates.
    """

    grey: NDArray[np.float32]
    white: NDArray[np.float32]
    csf: NDArray[np.float32]
    outside_mm: NDArray[np.float32]
    ras_mm: NDArray[np.float32]

    @classmethod
    def of(cls, warp: Warp, grid: Grid, thickness_mm: float, atrophy: float) -> "Anatomy":
        """The head on a grid, averaged over the slice thickness.

        Parameters
        ----------
        warp
            The patient.
        grid
            Voxel centres.
        thickness_mm
            Slice thickness [mm]: tissue within it is averaged.
        atrophy
            0 for a young brain; above it, ventricles and sulci are wider.
        """
        cuts = (-0.25, 0.25) if thickness_mm > 3.0 else (0.0,)
        mean = np.zeros((4, *grid.shape), np.float32)
        for cut in cuts:
            mean += np.stack(_sampled(warp.on(grid.shifted(cut * thickness_mm)), atrophy))
        mean /= len(cuts)
        return cls(mean[0], mean[1], mean[2], mean[3], warp.on(grid))

    def hollowed(self, cavity: NDArray[np.float32] | None) -> "Anatomy":
        """The head with tissue replaced by fluid where ``cavity``, 0 to 1, says so."""
        if cavity is None:
            return self
        kept = 1.0 - cavity
        fluid = self.csf + (self.grey + self.white) * cavity
        return replace(self, grey=self.grey * kept, white=self.white * kept, csf=fluid)

    @property
    def brain(self) -> NDArray[np.bool_]:
        """Inside the skull's inner table, ventricles included."""
        inside: NDArray[np.bool_] = self.outside_mm < 0.0
        return inside

    @property
    def left(self) -> NDArray[np.bool_]:
        """The patient's left half."""
        half: NDArray[np.bool_] = self.ras_mm[0] < 0.0
        return half


def _sampled(places: NDArray[np.float32], atrophy: float) -> tuple[NDArray[np.float32], ...]:
    """Fractions of grey, white and CSF and the distance outside at ICBM152 places."""
    maps = template()
    index = [
        (places[i] - np.float32(maps.origin_mm[i])) / np.float32(_TEMPLATE_MM) for i in range(3)
    ]
    outside = ndimage.map_coordinates(maps.depth_mm, index, order=1, mode="nearest")
    grey, white, csf = (np.zeros(outside.shape, np.float32) for _ in range(3))
    inside = outside < 0.0
    index = [axis[inside] for axis in index]
    g, w = (ndimage.map_coordinates(m, index, order=1) for m in (maps.grey, maps.white))
    fluid = np.clip(1.0 - g - w, 0.0, 1.0) * np.float32(1.0 + atrophy)
    # An average of 152 brains is blurred: squaring the fractions brings edges back.
    total = g**2 + w**2 + fluid**2 + np.float32(1e-6)
    grey[inside], white[inside], csf[inside] = g**2 / total, w**2 / total, fluid**2 / total
    return grey, white, csf, outside


def _three(
    rng: np.random.Generator, spacing_mm: float
) -> tuple[SmoothField, SmoothField, SmoothField]:
    drawn = SmoothField.drawn
    return drawn(rng, spacing_mm), drawn(rng, spacing_mm), drawn(rng, spacing_mm)


def _rotation(nod: float, turn: float, lean: float) -> NDArray[np.float64]:
    """Rotation about x, then z, then y [rad]."""
    cx, sx, cz, sz, cy, sy = (f(a) for a in (nod, turn, lean) for f in (np.cos, np.sin))
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    rotation: NDArray[np.float64] = about_y @ about_z @ about_x
    return rotation


def baseline_hu(
    anatomy: Anatomy, rng: np.random.Generator, core: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Attenuation before contrast, (Z, Y, X) float32 [HU], noise-free.

    Parameters
    ----------
    anatomy
        The head.
    rng
        Draws this patient's attenuations (SCIENCE.md section 3).
    core
        (Z, Y, X) 0 to 1, how far each voxel is infarcted: infarcts are darker.
    """
    grey_hu, white_hu, csf_hu = rng.normal([36.0, 29.0, 10.0], [1.2, 1.2, 1.5])
    darker_hu, skull_mm, scalp_mm = rng.uniform([2.0, 5.0, 4.0], [7.0, 8.0, 7.0])
    d = anatomy.outside_mm
    hu = anatomy.grey * np.float32(grey_hu) + anatomy.white * np.float32(white_hu)
    hu += anatomy.csf * np.float32(csf_hu) - (anatomy.grey + anatomy.white) * core * darker_hu
    # From the brain outwards: fluid, table, diploe, table, scalp, air, as a profile of d.
    at = [0.0, 1.2, 2.2, 3.0, skull_mm / 2 + 2.0, skull_mm + 0.8, skull_mm + 1.6]
    value = [csf_hu, csf_hu, 1150.0, 1250.0, 520.0, 1200.0, 20.0]
    skin = skull_mm + 2.0 + scalp_mm
    at += [skull_mm + 2.6, skin - 3.2, skin - 2.4, skin, skin + 0.8]
    value += [-60.0, -70.0, 35.0, 35.0, -1000.0]
    outer = np.interp(d, at, value).astype(np.float32)
    cupping = np.float32(rng.uniform(0.0, 2.5)) * np.clip(1.0 + d / 50.0, 0.0, 1.0)
    return np.asarray(np.where(d < 0.0, hu + cupping, outer), np.float32)
