"""Sections of the settings: which network runs, on what, and what its results are called."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from node.settings.section import WEIGHTS, Section


class ModelSettings(Section):
    """Which network runs, and where."""

    path: Path = WEIGHTS / "perfusion.onnx"
    device: Literal["auto", "cuda", "cpu"] = "auto"
    precision: Literal["float32", "float16"] = "float32"
    threads: Annotated[int, Field(ge=0)] = 0

    @property
    def file(self) -> Path:
        """The .onnx file that runs: ``path``, or its half-precision variant beside it."""
        if self.precision == "float32":
            return self.path
        return self.path.with_name(f"{self.path.stem}-fp16{self.path.suffix}")


class SelectionRule(Section):
    """Series that are left out, or taken though derived; every condition must hold."""

    action: Literal["analyse", "skip"]
    description: str = "*"
    protocol: str = "*"
    image_type: str = "*"
    min_thickness_mm: Annotated[float, Field(ge=0)] | None = None
    max_thickness_mm: Annotated[float, Field(gt=0)] | None = None


class AnalysisSettings(Section):
    """Eligibility limits and lesion thresholds (SI units as named)."""

    min_frames: Annotated[int, Field(ge=2)] = 10
    min_coverage_s: Annotated[float, Field(gt=0)] = 30.0
    min_slices: Annotated[int, Field(ge=1)] = 2
    max_interval_s: Annotated[float, Field(gt=0)] = 6.0
    max_missing_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.1
    max_pixel_mm: Annotated[float, Field(gt=0)] = 1.0
    max_slice_mm: Annotated[float, Field(gt=0)] = 5.0
    index_interval_s: Annotated[float, Field(gt=0)] | None = None
    accept_derived: bool = False
    rules: tuple[SelectionRule, ...] = ()
    tmax_hypoperfusion_s: Annotated[float, Field(gt=0)] = 6.0
    rcbf_core: Annotated[float, Field(gt=0, lt=1)] = 0.3
    min_lesion_ml: Annotated[float, Field(ge=0)] = 1.0


class ResultsSettings(Section):
    """What the result objects are called and under which UID root."""

    uid_root: Annotated[str, StringConstraints(pattern=r"^([0-9]+(\.[0-9]+)*)?$")] = ""
    series_number: Annotated[int, Field(ge=1, le=99_000)] = 9000
    colour_table: Literal["asist", "viridis"] = "asist"
    rejection_reason: Literal["quality", "safety"] = "quality"
