"""The report's pictures: volumes, limits of agreement, curves by dose and frames."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from models.evaluation.agreement import limits
from models.evaluation.cases import FULL_DOSE, HEADLINE, LOW_DOSE, QUARTER_DOSE
from models.evaluation.evaluation import Evaluation
from models.evaluation.score import LESIONS, Score

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_TITLE_SIZE = 10


def draw(evaluation: Evaluation, folder: Path) -> list[Path]:
    """Write every picture that needs no scan; the paths written.

    Parameters
    ----------
    evaluation
        What to draw.
    folder
        Where, made if absent.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {
        "volumes": _each(evaluation, _scatter),
        "bland-altman": _each(evaluation, _bland_altman),
        "curves": _curves(evaluation),
    }
    paths = []
    for name, sheet in pictures.items():
        paths.append(folder / f"evaluation-{name}.png")
        sheet.savefig(paths[-1], dpi=90, metadata={"Software": None})
    return paths


Volumes = tuple[NDArray[np.float64], NDArray[np.float64]]


def _each(evaluation: Evaluation, panel: Callable[[Axes, Volumes, Volumes], None]) -> Figure:
    """A panel for each lesion (rows) and estimator (columns): full and quarter dose."""
    columns = len(evaluation.estimators)
    sheet = Figure(figsize=(2.9 * max(columns, 2), 6.2), layout="constrained")
    for row, name in enumerate(LESIONS):
        shared = None
        for column, who in enumerate(evaluation.estimators):
            axes = sheet.add_subplot(
                len(LESIONS),
                columns,
                1 + row * columns + column,
                sharex=shared,
                sharey=shared,
            )
            shared = shared or axes
            full, quarter = (
                _volumes(evaluation.of(evaluation.axis(axis).points[point], who), name)
                for axis, point in ((HEADLINE, FULL_DOSE), (LOW_DOSE, QUARTER_DOSE))
            )
            panel(axes, full, quarter)
            axes.set_title(f"{who.name}: {name}", fontsize=_TITLE_SIZE)
            axes.grid(alpha=0.25)
    sheet.axes[0].legend(fontsize=8)
    sheet.suptitle(f"Simulated scans, seed {evaluation.about.extent.seed} on", fontsize=9)
    return sheet


def _volumes(scores: list[Score], name: str) -> Volumes:
    lesions = [s.lesions[name] for s in scores if name in s.lesions]
    return np.array([x.truth_ml for x in lesions]), np.array([x.found_ml for x in lesions])


def _scatter(axes: Axes, full: Volumes, quarter: Volumes) -> None:
    """Found over true volume with the line of identity."""
    axes.axline((0.0, 0.0), slope=1.0, color="0.6", linewidth=1)
    axes.plot(*full, "o", markersize=5, label="full dose")
    axes.plot(*quarter, "x", markersize=5, label="quarter dose")
    axes.set_xlabel("true volume [ml]", fontsize=8)
    axes.set_ylabel("found volume [ml]", fontsize=8)


def _bland_altman(axes: Axes, full: Volumes, quarter: Volumes) -> None:
    """Difference over mean; bias and limits of agreement of the full dose."""
    for (truth, found), marker, label in ((full, "o", "full dose"), (quarter, "x", "quarter dose")):
        axes.plot((truth + found) / 2.0, found - truth, marker, markersize=5, label=label)
    if between := limits(*full):
        axes.axhline(between.bias, color="C0", linewidth=1)
        axes.axhspan(between.low, between.high, color="C0", alpha=0.12)
    axes.axhline(0.0, color="0.6", linewidth=1)
    axes.set_xlabel("mean of true and found [ml]", fontsize=8)
    axes.set_ylabel("found less true [ml]", fontsize=8)


def _curves(evaluation: Evaluation) -> Figure:
    """Mean Dice with its interval by dose and by number of frames."""
    sheet = Figure(figsize=(9.5, 6.4), layout="constrained")
    panels = sheet.subplots(len(LESIONS), 2, sharey=True, squeeze=False)
    for row, name in enumerate(LESIONS):
        _curve(panels[row, 0], evaluation, "dose", name)
        _curve(panels[row, 1], evaluation, "frames", name)
    panels[0, 0].legend(fontsize=8)
    seed, patients = evaluation.about.extent.seed, evaluation.about.extent.patients
    sheet.suptitle(
        f"Simulated scans, {patients} patients from seed {seed}; mean and 95 % interval", fontsize=9
    )
    return sheet


def _curve(axes: Axes, evaluation: Evaluation, axis: str, name: str) -> None:
    points = list(evaluation.axis(axis).points)
    for number, who in enumerate(evaluation.estimators):
        found = [evaluation.summary(axis, point, who).lesions.get(name) for point in points]
        drawn = [(x, f.dice) for x, f in enumerate(found) if f is not None and f.dice is not None]
        if not drawn:
            continue
        # Side by side, so that the intervals of several estimators can be told apart.
        x = np.array([place for place, _ in drawn]) + 0.06 * (number - 2)
        middle = np.array([dice.value for _, dice in drawn])
        reach = [[d.value - d.low for _, d in drawn], [d.high - d.value for _, d in drawn]]
        marker = MARKERS[number % len(MARKERS)]
        axes.errorbar(x, middle, yerr=reach, marker=marker, capsize=2, linewidth=1, label=who.name)
    axes.set_xticks(range(len(points)), points)
    axes.set_ylim(0.0, 1.0)
    axes.set_xlabel({"dose": "share of full dose", "frames": "frames in 44.5 s"}[axis], fontsize=9)
    axes.set_ylabel(f"{name}: Dice", fontsize=9)
    axes.grid(alpha=0.25)
