"""Makes docs/images/simulator-*.png and the table of docs/simulator.md.

Run from the repository's root: ``python -m docs.images.make_simulator``; four minutes on one core.
Every picture is of scans that ``models.simulator`` and ``models.procedural`` make from the seeds
named here; the table is printed as Markdown.
"""

import dataclasses
import sys
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from models.procedural import procedural_scan
from models.simulator import (
    ACQUISITIONS,
    DEMO_SEED,
    FURTHER,
    Acquisition,
    Faults,
    Movement,
    Realism,
    SimulatedScan,
    simulate,
)
from node.perfusion import Quantity

FOLDER = Path(__file__).parent
STANDARD = ACQUISITIONS["standard"].at(256)
BRIEF = dataclasses.replace(STANDARD, frame_times_s=(0.0, 2.0, 4.0))
COLOURS = "nipy_spectral"
# Peaks [HU] for an artery of 450-485 HU (SCIENCE.md section 3).
PUBLISHED_PEAKS = {"grey": (17, 28), "white": (7, 15), "penumbra": (11, 17), "core": (3, 5)}
PUBLISHED_ARTERY_HU = 467.5
# Median, 5 and 95 % of 93 patients (SCIENCE.md section 3).
PUBLISHED_BOLUS = {
    "vein's peak [HU]": (148, 61, 397),
    "vein's width at half height [s]": (13, 9, 23),
    "artery's width at half height [s]": (11, 9, 19),
    "arrival [s]": (8, 4, 16),
    "artery's time to peak [s]": (15, 10, 26),
    "vein's peak after the artery's [s]": (6, 4, 9),
}
PATIENTS = 40


def main() -> None:
    """Writes the pictures and prints the tables."""
    save(anatomy(), "anatomy")
    save(pathologies(), "pathologies")
    save(flaws(), "flaws")
    save(procedural(), "procedural")
    measured = [patient_curves(seed) for seed in range(PATIENTS)]
    save(curves(measured), "curves")
    print_bolus([bolus_of(simulate(seed, tiny())) for seed in range(PATIENTS)])


def save(sheet: Figure, name: str) -> None:
    """Writes one picture."""
    sheet.savefig(FOLDER / f"simulator-{name}.png", dpi=80, bbox_inches="tight")


def sheet_of(rows: int, columns: int) -> tuple[Figure, NDArray[np.object_]]:
    """A black figure with square axes, no ticks."""
    sheet = Figure(figsize=(1.75 * columns, 1.85 * rows), facecolor="black")
    grid = sheet.subplots(rows, columns, squeeze=False)
    for axes in grid.ravel():
        axes.axis("off")
    sheet.subplots_adjust(wspace=0.02, hspace=0.16, top=0.96, bottom=0.01, left=0.01, right=0.99)
    return sheet, grid


def show(axes: Axes, values: NDArray[np.float32], window: tuple[float, float], title: str) -> None:
    """One image; greyscale for attenuation, colours for maps."""
    cut = values.shape[0] // 10
    grey = "HU" in title
    axes.imshow(
        values[cut:-cut, cut:-cut], vmin=window[0], vmax=window[1], cmap="gray" if grey else COLOURS
    )
    axes.set_title(title, color="white", fontsize=7, pad=2)


def outline(axes: Axes, scan: SimulatedScan, z: int) -> None:
    """Hypoperfusion in white, core in red."""
    cut = scan.truth.core.shape[1] // 10
    for mask, colour in ((scan.truth.hypoperfusion, "white"), (scan.truth.core, "red")):
        if mask[z].any():
            axes.contour(mask[z, cut:-cut, cut:-cut], [0.5], colors=colour, linewidths=0.6)


def anatomy() -> Figure:
    """Six slices of one patient: baseline, arterial and venous peak, and the true maps."""
    scan = simulate(DEMO_SEED, STANDARD)
    truth, hu = scan.truth, scan.scan.hu
    before = int((scan.scan.time_s[:, 0] < truth.arrival_s).sum())
    peaks = [
        int(np.abs(scan.scan.time_s[:, 0] - truth.curves.time_s[curve.argmax()]).argmin())
        for curve in (truth.curves.aif_hu, truth.curves.vof_hu)
    ]
    sheet, grid = sheet_of(6, 8)
    for row, z in zip(grid, (0, 3, 6, 8, 11, 14), strict=True):
        show(row[0], hu[:before, z].mean(axis=0), (0, 80), "baseline, mean [HU]")
        show(row[1], hu[peaks[0], z], (0, 160), "artery's peak [HU]")
        show(row[2], hu[peaks[1], z], (0, 160), "vein's peak [HU]")
        for axes, quantity in zip(row[3:], Quantity, strict=True):
            meaning = quantity.meaning
            show(axes, truth.maps[quantity][z], meaning.window, f"{quantity} [{meaning.unit}]")
            outline(axes, scan, z)
    return sheet


def pathologies() -> Figure:
    """True CBF, true Tmax and the mean image of every pathology, where it is largest."""
    names = ("mca", "m2", "aca", "pca", "small", "stenosis", *FURTHER)
    sheet, grid = sheet_of(5, 9)
    for number, name in enumerate(names):
        column, row = divmod(number, 5)
        scan = simulate(3 + number, BRIEF, pathology=name)
        sick = simulate(3 + number, BRIEF, pathology="none").truth.maps[Quantity.CBF]
        changed = np.abs(scan.truth.maps[Quantity.CBF] - sick) + scan.truth.maps[Quantity.TMAX]
        z = int(changed.sum(axis=(1, 2)).argmax())
        pictures = grid[row, 3 * column : 3 * column + 3]
        show(pictures[0], scan.truth.maps[Quantity.CBF][z], (0, 80), f"{name}: CBF")
        show(pictures[1], scan.truth.maps[Quantity.TMAX][z], (0, 14), "Tmax")
        show(pictures[2], scan.scan.hu[:, z].mean(axis=0), (10, 60), "mean [HU]")
        outline(pictures[1], scan, z)
    return sheet


def flaws() -> Figure:
    """Hardened beams, a jump of the head, and the curves that faults leave."""
    sheet = Figure(figsize=(14.0, 6.4), facecolor="black")
    grid = sheet.add_gridspec(2, 6, wspace=0.05, hspace=0.2)
    hard = simulate(5, BRIEF, pathology="none", realism=Realism(hardening_hu=4.0))
    soft = simulate(5, BRIEF, pathology="none")
    moving = simulate(DEMO_SEED, STANDARD, realism=Realism(movement=Movement(6.0, 5.0, 1)))
    step = int(np.linalg.norm(np.diff(moving.truth.motion, axis=0), axis=1).argmax())
    pictures = [
        (hard.scan.hu[:, 0].mean(axis=0), (0, 80), "skull base, hardened [HU]"),
        (soft.scan.hu[:, 0].mean(axis=0), (0, 80), "the same patient without [HU]"),
        (hard.scan.hu[:, 4].mean(axis=0), (0, 80), "20 mm higher [HU]"),
        (moving.scan.hu[step, 6], (0, 80), "before a jump of the head [HU]"),
        (moving.scan.hu[step + 1, 6], (0, 80), "after it [HU]"),
        (moving.scan.hu[step + 1, 6] - moving.scan.hu[step, 6], (-60, 60), "difference [HU]"),
    ]
    for column, (values, window, title) in enumerate(pictures):
        axes = sheet.add_subplot(grid[0, column])
        axes.axis("off")
        show(axes, values, window, title)
    faults = {
        "plain": Faults(),
        "starts 2 s after arrival": Faults(baseline_s=-2.0),
        "ends 20 s after arrival": Faults(kept_s=20.0),
        "a third of the bolus": Faults(bolus=0.33),
        "a fifth of the passes lost": Faults(lost_frames=0.2),
    }
    axes = plain_axes(sheet.add_subplot(grid[1, :3]), "mean of grey matter, enhancement [HU]")
    # Each line thinner than the one beneath it, so that equal ones are all seen.
    for width, (name, fault) in zip((9.0, 1.5, 5.0, 1.5, 1.5), faults.items(), strict=True):
        scan = simulate(DEMO_SEED, STANDARD.at(96), realism=Realism(faults=fault))
        grey = scan.truth.masks.grey & ~scan.truth.hypoperfusion
        shown = scan.scan.hu[:, grey].mean(axis=1)
        at = scan.scan.time_s[:, 0]
        axes.plot(at, shown - shown[0], ".-", label=name, linewidth=width, alpha=0.8)
    axes.legend(fontsize=7, facecolor="black", labelcolor="white")
    axes = plain_axes(sheet.add_subplot(grid[1, 3:]), "penumbra's mean, enhancement [HU]")
    for name, dispersion_s in (("no dispersion", 0.0), ("1.5 s", 1.5), ("3 s", 3.0)):
        scan = simulate(DEMO_SEED, STANDARD.at(96), realism=Realism(dispersion_s=dispersion_s))
        shown = scan.scan.hu[:, scan.truth.hypoperfusion & ~scan.truth.core].mean(axis=1)
        axes.plot(scan.scan.time_s[:, 0], shown - shown[:3].mean(), ".-", label=name)
    axes.legend(fontsize=7, facecolor="black", labelcolor="white")
    return sheet


def plain_axes(axes: Axes, label: str) -> Axes:
    """White on black, time along."""
    axes.set_facecolor("black")
    axes.tick_params(colors="white", labelsize=7)
    axes.set_xlabel("time [s]", color="white", fontsize=8)
    axes.set_title(label, color="white", fontsize=8)
    axes.grid(alpha=0.2)
    return axes


def procedural() -> Figure:
    """Three made-up heads: images and true maps at two heights."""
    sheet, grid = sheet_of(3, 8)
    for row, seed in zip(grid, (2, 4, 7), strict=True):
        scan = procedural_scan(seed, STANDARD, pathology="stroke")
        truth = scan.truth
        before = max(1, int((scan.scan.time_s[:, 0] < truth.arrival_s).sum()))
        late = int(
            np.abs(
                scan.scan.time_s[:, 0] - truth.curves.time_s[truth.curves.vof_hu.argmax()]
            ).argmin()
        )
        z = int(truth.hypoperfusion.sum(axis=(1, 2)).argmax())
        show(row[0], scan.scan.hu[:before, z].mean(axis=0), (0, 80), "baseline, mean [HU]")
        show(row[1], scan.scan.hu[late, z], (0, 160), "vein's peak [HU]")
        show(row[2], scan.scan.hu[:before, 13].mean(axis=0), (0, 80), "higher [HU]")
        for axes, quantity in zip(row[3:], Quantity, strict=True):
            meaning = quantity.meaning
            show(axes, truth.maps[quantity][z], meaning.window, f"{quantity} [{meaning.unit}]")
            outline(axes, scan, z)
    return sheet


def tiny() -> Acquisition:
    """Slices enough for every tissue, noise-free, a second apart."""
    regular = Acquisition.regular("curves", slices=10, frames=70, interval_s=1.0, thickness_mm=8.0)
    return dataclasses.replace(regular.at(64), noise_hu=0.0)


def patient_curves(seed: int) -> dict[str, NDArray[np.float64]]:
    """Mean enhancement of each tissue for an artery of the published height, (T,) [HU]."""
    scan = simulate(seed, tiny(), pathology="stroke")
    truth, ill = scan.truth, scan.truth.hypoperfusion
    tissue = {
        "grey": truth.masks.grey & ~ill,
        "white": truth.masks.white & ~ill,
        "penumbra": ill & ~truth.core,
        "core": truth.core,
    }
    scale = PUBLISHED_ARTERY_HU / truth.curves.aif_hu.max()
    shown = {
        name: (scan.scan.hu[:, mask] - scan.scan.hu[0, mask]).mean(axis=1).astype(float) * scale
        for name, mask in tissue.items()
        if mask.sum() > 20
    }
    # Arrivals differ: curves are laid over each other at theirs.
    return {
        name: np.interp(np.arange(-4.0, 45.0), scan.scan.time_s[:, 0] - truth.arrival_s, curve)
        for name, curve in shown.items()
    }


def curves(measured: list[dict[str, NDArray[np.float64]]]) -> Figure:
    """Tissue curves of forty patients beside the published ranges, and one patient's vessels."""
    sheet = Figure(figsize=(14.0, 4.6), facecolor="black")
    panels = sheet.subplots(1, 3, width_ratios=(1.2, 1.2, 0.8))
    scan = simulate(DEMO_SEED, tiny())
    truth = scan.truth
    axes = plain_axes(panels[0], f"seed {DEMO_SEED}: pure blood, and what voxels show [HU]")
    inside = truth.curves.time_s < 69
    for name, curve, mask in (
        ("artery", truth.curves.aif_hu, truth.masks.arteries),
        ("vein", truth.curves.vof_hu, truth.masks.veins),
    ):
        line = axes.plot(truth.curves.time_s[inside], curve[inside], label=f"{name}, pure")[0]
        rise = scan.scan.hu - scan.scan.hu[0]
        best = rise.max(axis=0) >= np.quantile(rise.max(axis=0)[mask], 0.97)
        seen = rise[:, best & mask].mean(axis=1)
        label = f"{name}'s fullest voxels (3.6 mm)"
        axes.plot(scan.scan.time_s[:, 0], seen, "--", color=line.get_color(), label=label)
    axes.legend(fontsize=7, facecolor="black", labelcolor="white")
    axes = plain_axes(panels[1], "40 strokes, artery scaled to 467 HU: mean and 5-95 % [HU]")
    for name in PUBLISHED_PEAKS:
        each = np.array([found[name] for found in measured if name in found])
        at = np.arange(-4.0, 45.0)
        line = axes.plot(at, each.mean(axis=0), label=f"{name} (n = {len(each)})")[0]
        axes.fill_between(at, *np.quantile(each, [0.05, 0.95], axis=0), alpha=0.2)
        line.set_zorder(3)
    axes.set_xlabel("time after arrival [s]", color="white", fontsize=8)
    axes.legend(fontsize=7, facecolor="black", labelcolor="white")
    axes = plain_axes(panels[2], "peaks [HU]: bars published, dots patients")
    rng = np.random.default_rng(0)
    for place, (name, (low, high)) in enumerate(PUBLISHED_PEAKS.items()):
        peaks = [float(found[name].max()) for found in measured if name in found]
        axes.bar(place, high - low, bottom=low, width=0.7, alpha=0.4, color="tab:green")
        axes.plot(place + rng.uniform(-0.2, 0.2, len(peaks)), peaks, ".", color="white", ms=4)
        ours = f"{np.median(peaks):.1f} ({min(peaks):.1f}-{max(peaks):.1f})"
        sys.stdout.write(f"| {name} | {low}-{high} | {ours} |\n")
    axes.set_xticks(range(len(PUBLISHED_PEAKS)), PUBLISHED_PEAKS)
    axes.set_xlabel("")
    return sheet


def bolus_of(scan: SimulatedScan) -> dict[str, float]:
    """The measures of one patient's bolus that were published."""
    truth = scan.truth
    time_s, aif, vof = truth.curves.time_s, truth.curves.aif_hu, truth.curves.vof_hu
    step_s = float(time_s[1] - time_s[0])
    highest = [float(time_s[curve.argmax()]) for curve in (aif, vof)]
    widths = [step_s * float((curve > curve.max() / 2).sum()) for curve in (vof, aif)]
    values = (float(vof.max()), *widths, truth.arrival_s, highest[0], highest[1] - highest[0])
    return dict(zip(PUBLISHED_BOLUS, values, strict=True))


def print_bolus(found: list[dict[str, float]]) -> None:
    """The table of boluses beside the published one."""
    for name, (median, low, high) in PUBLISHED_BOLUS.items():
        values = [each[name] for each in found]
        ours = np.quantile(values, [0.5, 0.05, 0.95])
        told = f"{ours[0]:.0f} ({ours[1]:.0f}-{ours[2]:.0f})"
        sys.stdout.write(f"| {name} | {median} ({low}-{high}) | {told} |\n")


if __name__ == "__main__":
    main()
