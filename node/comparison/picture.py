"""One picture of a comparison: Bland and Altman's plots of volumes and maps."""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from node.comparison.agreement import Compared
from node.perfusion import Quantity, limits

_SEGMENTS = ("core", "hypoperfusion", "mismatch")
_COLOUR, _LINE = "#2463a8", "#b0391f"


def picture(studies: Sequence[Compared]) -> bytes:
    """A PNG: a row of plots for the segments' volumes, one for the maps' voxels.

    Bland and Altman, Lancet 1986;327:307: the difference (this node's less the other's) over
    the mean of both, with the mean difference and its limits of agreement.
    """
    figure = Figure(figsize=(3.4 * len(Quantity), 6.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, len(Quantity), squeeze=False)
    for place, name in enumerate(_SEGMENTS):
        pairs = [
            (segment.theirs_ml, segment.ours_ml)
            for study in studies
            for segment in study.segments
            if segment.name == name
        ]
        _plot(axes[0][place], np.array(pairs).reshape(-1, 2).T, f"{name} [ml]", 24.0)
    for place in range(len(_SEGMENTS), len(Quantity)):
        axes[0][place].set_axis_off()
    for place, quantity in enumerate(Quantity):
        drawn = [m.pairs for study in studies for m in study.maps if m.quantity is quantity]
        values = np.concatenate(drawn, axis=1) if drawn else np.empty((2, 0))
        meaning = quantity.meaning
        _plot(axes[1][place], values, f"{meaning.name} [{meaning.unit}]", 1.5)
    figure.suptitle("this node less the other, over the mean of both")
    file = BytesIO()
    figure.savefig(file, format="png", dpi=110)
    return file.getvalue()


def _plot(axes: Axes, pairs: np.ndarray, title: str, size: float) -> None:
    axes.set_title(title, fontsize=10)
    theirs, ours = pairs
    if not len(ours):
        axes.text(0.5, 0.5, "nothing to compare", ha="center", transform=axes.transAxes)
        axes.set_axis_off()
        return
    axes.scatter((theirs + ours) / 2, ours - theirs, s=size, color=_COLOUR, alpha=0.4, lw=0)
    axes.axhline(0.0, color="#888888", lw=0.6)
    if agreed := limits(theirs, ours):
        axes.axhline(agreed.bias, color=_LINE, lw=1.2)
        for edge in (agreed.low, agreed.high):
            axes.axhline(edge, color=_LINE, lw=0.9, ls="--")
        words = f"{agreed.bias:+.2f} ({agreed.low:+.2f} to {agreed.high:+.2f})"
        axes.set_xlabel(words, fontsize=9)
