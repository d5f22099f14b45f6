"""Sections of the settings: which network runs, on what, and what its results are called."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from node.settings.destinations import ResultKind
from node.settings.section import WEIGHTS, Section


class ModelSettings(Section):
    """Which network runs, and where."""

    path: Path = WEIGHTS / "perfusion.onnx"
    """An .onnx with its .json beside it."""
    device: Literal["auto", "cuda", "cpu"] = "auto"
    """auto, cuda or cpu."""
    precision: Literal["float32", "float16"] = "float32"
    """float32, or float16 for the variant NAME-fp16.onnx beside model.path."""
    threads: Annotated[int, Field(ge=0)] = 0
    """CPU threads; 0: ONNX Runtime's choice."""

    @property
    def file(self) -> Path:
        """The .onnx file that runs: ``path``, or its half-precision variant beside it."""
        if self.precision == "float32":
            return self.path
        return self.path.with_name(f"{self.path.stem}-fp16{self.path.suffix}")


class SelectionRule(Section):
    """Series that are left out or taken, and what becomes of them; every condition must hold."""

    action: Literal["analyse", "skip", "usual"]
    """skip: left out; analyse: taken, derived images too, if the content is a perfusion scan's;
    usual: as without the rule, but for priority, model, destinations and results."""
    peer: str = "*"
    """Pattern of the AE title that sent the series."""
    description: str = "*"
    """Pattern of SeriesDescription; * stands for any text, ? for one letter; case is ignored."""
    protocol: str = "*"
    """Pattern of ProtocolName."""
    image_type: str = "*"
    """Pattern of ImageType, values joined by a backslash."""
    min_thickness_mm: Annotated[float, Field(ge=0)] | None = None
    """Slices at least so thick [mm]."""
    max_thickness_mm: Annotated[float, Field(gt=0)] | None = None
    """Slices at most so thick [mm]."""
    priority: Annotated[int, Field(ge=0, le=9)] = 0
    """Series of a higher priority are analysed first; 0 is the usual."""
    model: Path | None = None
    """An .onnx with its .json beside it that takes the place of model.path; not set: that one."""
    destinations: tuple[str, ...] | None = None
    """Names of the destinations that are sent results; not set: all of them."""
    results: tuple[ResultKind, ...] | None = None
    """Kinds of results that are sent, of those that a destination wants; not set: all of them."""


class AnalysisSettings(Section):
    """Eligibility limits and lesion thresholds (SI units as named)."""

    min_frames: Annotated[int, Field(ge=2)] = 10
    """Fewest time points."""
    min_coverage_s: Annotated[float, Field(gt=0)] = 30.0
    """Least time from the first to the last image [s]."""
    min_slices: Annotated[int, Field(ge=1)] = 2
    """Fewest slice positions."""
    max_interval_s: Annotated[float, Field(gt=0)] = 6.0
    """Longest median time between images of a slice [s]."""
    max_missing_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Most images that may be absent from slices x time points."""
    max_pixel_mm: Annotated[float, Field(gt=0)] = 1.0
    """Pixels are averaged up to this size [mm]."""
    max_slice_mm: Annotated[float, Field(gt=0)] = 5.0
    """Thin slices are averaged up to this distance from one another [mm]."""
    index_interval_s: Annotated[float, Field(gt=0)] | None = None
    """From one time point to the next, for images without a clock; not set: refused [s]."""
    accept_derived: bool = False
    """Whether DERIVED images are taken."""
    rules: tuple[SelectionRule, ...] = ()
    """Series that are left out or taken; the first rule that matches decides."""
    tmax_hypoperfusion_s: Annotated[float, Field(gt=0)] = 6.0
    """Hypoperfusion: Tmax above this [s]."""
    rcbf_core: Annotated[float, Field(gt=0, lt=1)] = 0.3
    """Core: CBF below this fraction of normal."""
    min_lesion_ml: Annotated[float, Field(ge=0)] = 1.0
    """Smaller parts are dropped [ml]."""


class ResultsSettings(Section):
    """What the result objects are called and under which UID root."""

    uid_root: Annotated[str, StringConstraints(pattern=r"^([0-9]+(\.[0-9]+)*)?$")] = ""
    """The site's own UID root; empty: below 2.25."""
    series_number: Annotated[int, Field(ge=1, le=99_000)] = 9000
    """First of the result series."""
    colour_table: Literal["asist", "viridis"] = "asist"
    """asist or viridis."""
    rejection_reason: Literal["quality", "safety"] = "quality"
    """Title of a rejection note: quality (113001: mostly marked) or safety (113037: hidden)."""
