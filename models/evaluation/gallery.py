"""One patient's maps: the truth and every estimator's, one below another."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from models.evaluation.cases import FULL_DOSE, HEADLINE, Case
from models.evaluation.estimators import EstimatorId, estimator
from models.evaluation.evaluation import Evaluation
from models.evaluation.known import WHOLE, KnownLesion, KnownScan
from node.perfusion import LesionThresholds, PerfusionMaps, Quantity, find_lesion

_COLOURS = "nipy_spectral"
_MARGIN = 3
# Of the height of a column of maps, which the usual shares would leave half empty.
_BAR: Mapping[str, Any] = MappingProxyType({"pad": 0.005, "fraction": 0.02, "aspect": 14})


def draw_maps(evaluation: Evaluation, folder: Path) -> Path:
    """Write ``evaluation-maps.png``: the patient with the median true core; its path.

    Parameters
    ----------
    evaluation
        Which patients and estimators.
    folder
        Where, made if absent.
    """
    case = _median_patient(evaluation)
    known = case.make()
    rows = {"truth": (known.maps, known.lesion)}
    for who in evaluation.estimators:
        rows[_label(who)] = _estimated(who, known)
    sheet = _sheet(rows, known)
    sheet.suptitle(
        f"Simulated patient, {case.generator} generator, seed {case.seed}, scheme {case.scheme}, "
        "full dose",
        fontsize=10,
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "evaluation-maps.png"
    sheet.savefig(path, dpi=70, metadata={"Software": None})
    return path


Row = tuple[Mapping[Quantity, NDArray[np.float32]], KnownLesion | None]


def _median_patient(evaluation: Evaluation) -> Case:
    """The case whose true core is the median one: neither the best nor the worst to show."""
    cases = evaluation.axis(HEADLINE).points[FULL_DOSE]
    sizes = {}
    for case in cases:
        scores = [evaluation.scores[case, who.name] for who in evaluation.estimators]
        sizes[case] = max((s.lesions["core"].truth_ml for s in scores if s.lesions), default=0.0)
    return sorted(cases, key=lambda case: sizes[case])[len(cases) // 2]


def _label(who: EstimatorId) -> str:
    return f"{who.name} {who.version}".strip()


def _estimated(who: EstimatorId, known: KnownScan) -> Row:
    maps = estimator(who.source)(known.scan)
    if not isinstance(maps, PerfusionMaps):
        return {}, None
    lesion = find_lesion(maps, LesionThresholds())
    return maps.values, KnownLesion(lesion.core, lesion.hypoperfusion)


def _sheet(rows: Mapping[str, Row], known: KnownScan) -> Figure:
    z = _slice(known)
    window = _window(known, z)
    tissue = known.regions[WHOLE][z][window]
    sheet = Figure(figsize=(11.5, 2.5 * len(rows) + 0.8), layout="constrained")
    panels = sheet.subplots(len(rows), len(Quantity), squeeze=False)
    for row, (label, (maps, lesion)) in enumerate(rows.items()):
        for column, quantity in enumerate(Quantity):
            axes = panels[row, column]
            axes.set_xticks([])
            axes.set_yticks([])
            if quantity in maps:
                shown = np.where(tissue, maps[quantity][z][window], np.nan)
                low, high = quantity.meaning.window
                picture = axes.imshow(shown, vmin=low, vmax=high, cmap=_COLOURS)
                axes.set_facecolor("black")
                _outline(axes, lesion, z, window)
                if row == 0:
                    bar = sheet.colorbar(picture, ax=panels[:, column], location="bottom", **_BAR)
                    bar.set_label(f"{quantity} [{quantity.meaning.unit}]", fontsize=9)
        panels[row, 0].set_ylabel(label, fontsize=9)
    return sheet


def _slice(known: KnownScan) -> int:
    """The slice with most core, else most hypoperfusion, else most tissue."""
    lesion = known.lesion
    masks = [lesion.core, lesion.hypoperfusion] if lesion else []
    for mask in (*masks, *known.regions.values()):
        if mask.any():
            return int(mask.sum(axis=(1, 2)).argmax())
    return 0


def _window(known: KnownScan, z: int) -> tuple[slice, slice]:
    """Rows and columns of the brain in a slice, with a margin."""
    rows, columns = (np.flatnonzero(known.regions[WHOLE][z].any(axis=axis)) for axis in (1, 0))
    return tuple(  # type: ignore[return-value]  # two entries, one for each axis
        slice(max(int(i[0]) - _MARGIN, 0), int(i[-1]) + _MARGIN + 1) for i in (rows, columns)
    )


def _outline(axes: Axes, lesion: KnownLesion | None, z: int, window: tuple[slice, slice]) -> None:
    """Hypoperfusion in white, core in red."""
    if lesion is None:
        return
    for mask, colour in ((lesion.hypoperfusion, "white"), (lesion.core, "red")):
        if (plane := mask[z][window]).any():
            axes.contour(plane, levels=[0.5], colors=colour, linewidths=1.0)
