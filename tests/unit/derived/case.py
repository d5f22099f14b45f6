"""A small analysis whose every axis can be told apart, for the tests of the result objects."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from pydicom import Dataset, dcmread

from node.derived import DerivedObject, EncodeOptions, encode
from node.perfusion import (
    Estimator,
    Findings,
    Grade,
    Lesion,
    LesionThresholds,
    Motion,
    PerfusionMaps,
    QualityCheck,
    Quantity,
    TimeCourses,
)
from node.series import CtpSeries, Geometry
from tests.support.ctp import CtpSpec, build_instance, ctp_series

TILTED = (0.8, 0.6, 0.0, -0.36, 0.48, 0.8)
OPTIONS = EncodeOptions(
    revision=1, created=datetime(2026, 3, 14, 10, 15, 16, 171819), software_version="0.1.0"
)
ESTIMATOR = Estimator("perfusion", "0.1.0", "0123456789abcdef" * 4)
FLAGS = (QualityCheck("weak_bolus", Grade.CAUTION, "arterial peak 12 HU, below 15 HU"),)


@dataclass(frozen=True, eq=False)
class Case:
    """The arguments of ``encode``."""

    source: Dataset
    series: CtpSeries
    geometry: Geometry
    maps: PerfusionMaps
    lesion: Lesion
    flags: Sequence[QualityCheck] = FLAGS
    options: EncodeOptions = OPTIONS
    courses: TimeCourses | None = None
    motion: Motion | None = None

    @property
    def findings(self) -> Findings:
        return Findings(self.maps, self.lesion, tuple(self.flags), self.courses, self.motion)

    def encoded(self) -> list[DerivedObject]:
        return list(encode(self.source, self.series, self.geometry, self.findings, self.options))

    def of_kind(self, kind: str) -> list[Dataset]:
        asked = replace(self, options=replace(self.options, kinds=(kind,)))
        return [o.dataset for o in asked.encoded()]


def case(spec: CtpSpec | None = None, *, empty: bool = False) -> Case:
    """An analysis on the source's pixels: values rise along x, y and z, each at its own rate."""
    spec = spec or CtpSpec(slices=3, frames=4, rows=24, pixel_mm=8.0)
    series = _series(spec)
    z, y, x = np.meshgrid(*map(np.arange, (spec.slices, spec.rows, spec.rows)), indexing="ij")
    middle = (spec.rows - 1) / 2
    brain = np.hypot(y - middle, x - middle) < 0.4 * spec.rows
    ramp = (1 + x + 0.37 * y + 7.3 * z).astype(np.float32)
    values = {
        q: np.where(brain & (not empty), ramp / (1 + i), 0).astype(np.float32)
        for i, q in enumerate(Quantity)
    }
    low = brain & (x < middle - 1) & (y > middle) & (not empty)
    core = low & (x < middle - 3) & (z > 0)
    geometry = spec.geometry
    maps = PerfusionMaps(
        values, brain, (30 + ramp).astype(np.float32), geometry.spacing_mm, ESTIMATOR
    )
    return Case(source(spec), series, geometry, maps, _lesion(maps, low, core))


def source(spec: CtpSpec, changes: Mapping[str, object] | None = None) -> Dataset:
    """One source instance as it is read from disk; a value of None removes the attribute."""
    dataset = build_instance(spec, 0, 0)
    for keyword, value in (changes or {}).items():
        if value is None:
            del dataset[keyword]
        else:
            setattr(dataset, keyword, value)
    return reread(dataset)


def reread(dataset: Dataset) -> Dataset:
    """The dataset written and read again."""
    return dcmread(BytesIO(part10(dataset)))


def part10(dataset: Dataset) -> bytes:
    """The dataset as a file's bytes."""
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _lesion(maps: PerfusionMaps, low: np.ndarray, core: np.ndarray) -> Lesion:
    return Lesion(
        core=core,
        hypoperfusion=low,
        core_ml=float(core.sum()) * maps.voxel_ml,
        hypoperfusion_ml=float(low.sum()) * maps.voxel_ml,
        hypoperfusion_intensity_ratio=0.4 if low.any() else None,
        normal_cbf=50.0,
        thresholds=LesionThresholds(),
    )


@cache
def _series(spec: CtpSpec) -> CtpSeries:
    with tempfile.TemporaryDirectory() as folder:  # only the headers are wanted afterwards
        return ctp_series(spec, Path(folder))
