"""One picture of a simulated scan: images, truth maps and curves."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from models.simulator.scan import SimulatedScan
from node.perfusion import Quantity

_ROWS = 5


def contact_sheet(simulated: SimulatedScan, path: Path) -> None:
    """A PNG of five slices: images, truth maps with the lesion outlined, and the curves.

    Parameters
    ----------
    simulated
        The scan.
    path
        Where to write the picture.
    """
    slices = np.unique(np.linspace(0, simulated.scan.shape[1] - 1, _ROWS).round().astype(int))
    sheet = Figure(figsize=(19.0, 2.45 * (len(slices) + 1)), facecolor="black")
    grid = sheet.add_gridspec(len(slices) + 1, 8, wspace=0.03, hspace=0.06)
    pictures = _pictures(simulated)
    for row, z in enumerate(slices):
        for column, (title, volume, (low, high), colours) in enumerate(pictures):
            axes = sheet.add_subplot(grid[row, column])
            axes.imshow(volume[z], vmin=low, vmax=high, cmap=colours, interpolation="nearest")
            axes.axis("off")
            if row == 0:
                axes.set_title(f"{title}\n{low:g} to {high:g}", color="white", fontsize=9)
            if column in (0, len(pictures) - 1):
                _outline(axes, simulated, int(z))
    _curves(sheet.add_subplot(grid[-1, :5]), simulated)
    _caption(sheet.add_subplot(grid[-1, 5:]), simulated)
    sheet.savefig(path, dpi=75, bbox_inches="tight")


def _pictures(
    simulated: SimulatedScan,
) -> list[tuple[str, NDArray[np.float32], tuple[float, float], str]]:
    """Title, (Z, Y, X) volume, window and colours of every column."""
    scan, truth = simulated.scan, simulated.truth
    before = max(1, int((scan.time_s[:, 0] < truth.arrival_s).sum()))
    arterial_s = float(truth.curves.time_s[truth.curves.aif_hu.argmax()])
    venous_s = float(truth.curves.time_s[truth.curves.vof_hu.argmax()])
    early, late = (int(np.abs(scan.time_s[:, 0] - t).argmin()) for t in (arterial_s, venous_s))
    return [
        ("baseline [HU]", scan.hu[:before].mean(axis=0), (0.0, 80.0), "gray"),
        (f"artery's peak, {arterial_s:.0f} s [HU]", scan.hu[early], (0.0, 160.0), "gray"),
        (f"vein's peak, {venous_s:.0f} s [HU]", scan.hu[late], (0.0, 160.0), "gray"),
        *(
            (f"{q} [{q.meaning.unit}]", truth.maps[q], q.meaning.window, "nipy_spectral")
            for q in Quantity
        ),
    ]


def _outline(axes: Axes, simulated: SimulatedScan, z: int) -> None:
    """Hypoperfusion in white, core in red."""
    truth = simulated.truth
    for mask, colour in ((truth.hypoperfusion[z], "white"), (truth.core[z], "red")):
        if mask.any():
            axes.contour(mask, levels=[0.5], colors=colour, linewidths=0.8)


def _curves(axes: Axes, simulated: SimulatedScan) -> None:
    """Artery and vein as they truly are, and the mean measured curve of each kind of tissue."""
    scan, truth = simulated.scan, simulated.truth
    ill = truth.hypoperfusion
    regions = {
        "grey": truth.masks.grey & ~ill,
        "white": truth.masks.white & ~ill,
        "penumbra": ill & ~truth.core,
        "core": truth.core,
    }
    seen = truth.curves.time_s <= scan.time_s.max()
    for name, curve in (("artery / 10", truth.curves.aif_hu), ("vein / 10", truth.curves.vof_hu)):
        axes.plot(truth.curves.time_s[seen], curve[seen] / 10.0, linewidth=1, label=name)
    for name, region in regions.items():
        if region.any():
            measured = scan.hu[:, region].mean(axis=1)
            axes.plot(scan.time_s.mean(axis=1), measured - measured[0], ".-", label=name)
    axes.set_facecolor("black")
    axes.tick_params(colors="white")
    axes.set_xlabel("time [s]", color="white")
    axes.set_ylabel("enhancement [HU]", color="white")
    axes.grid(alpha=0.2)
    axes.legend(fontsize=8, facecolor="black", labelcolor="white")


def _caption(axes: Axes, simulated: SimulatedScan) -> None:
    """What was simulated."""
    truth, acquisition = simulated.truth, simulated.acquisition
    where = f"{truth.pathology} {truth.side}".strip()
    lines = (
        f"seed {simulated.seed}, {acquisition.name}: {simulated.scan.shape[0]} frames, "
        f"{acquisition.slices} x {acquisition.thickness_mm:g} mm, {acquisition.rows} px",
        f"pathology: {where}",
        f"core {truth.core_ml:.0f} ml, hypoperfusion {truth.hypoperfusion_ml:.0f} ml",
        f"contrast arrives at {truth.arrival_s:.1f} s",
        f"artery's peak {truth.curves.aif_hu.max():.0f} HU, vein's {truth.curves.vof_hu.max():.0f}",
        f"noise {acquisition.native_noise_hu:.1f} HU at 0.45 mm, dose {acquisition.dose:g}",
        "white: Tmax > 6 s, red: core",
    )
    axes.text(0.06, 0.95, "\n".join(lines), color="white", va="top", fontsize=10)
    axes.axis("off")
