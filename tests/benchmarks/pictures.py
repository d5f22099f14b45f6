"""Makes docs/images/bench-stages.png and bench-size.png of what is in ``.bench``.

``python -m tests.benchmarks.pictures`` draws what there is: the time of each stage of
``make bench-turnround``, and what ``make bench-big`` found against the size of a scan.
"""

import statistics
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt

from tests.benchmarks import saved
from tests.benchmarks.big import BAR_GIB, MEMORY, PROCESSOR, WHOLE

FOLDER = saved.ROOT / "docs" / "images"
BEFORE, AFTER = ("receiving", "grace and noticing", "waiting"), ("delivering",)
INK, SOFT, WARM = "#2a5d84", "#9db8cc", "#b5563c"


def main() -> int:
    """Draw what was measured; 2 where nothing was."""
    found = saved.kept()
    drawn = []
    if "turnround" in found:
        drawn.append(stages(found["turnround"], FOLDER / "bench-stages.png"))
    if "big" in found:
        drawn.append(size(found["big"], FOLDER / "bench-size.png"))
    for path in drawn:
        print(path)
    return 0 if drawn else 2


def stages(found: Mapping[str, Any], path: Path) -> Path:
    """Median and range of every stage, from the first image to the last map."""
    runs = found["runs"]
    names = [n for n in runs[0] if n.startswith((*BEFORE, "analyse: ", *AFTER))]
    values = [sorted(run[name] for run in runs) for name in names]
    middles = [statistics.median(each) for each in values]
    figure, axes = plt.subplots(figsize=(8.0, 0.34 * len(names) + 1.1), layout="constrained")
    colours = [INK if name.startswith("analyse") else SOFT for name in names]
    spread = [[m - v[0] for m, v in zip(middles, values, strict=True)]]
    spread.append([v[-1] - m for m, v in zip(middles, values, strict=True)])
    axes.barh(names, middles, xerr=spread, color=colours, ecolor="#555555", capsize=2)
    axes.invert_yaxis()
    axes.set_xlabel(f"seconds: median and range of {len(runs)} runs")
    axes.set_title(f"16 slices x 30 time points, simulated; {_where(found)}", fontsize=9)
    return _save(figure, path)


def size(found: Mapping[str, Any], path: Path) -> Path:
    """Time, processor time and memory against the number of images."""
    sizes = sorted(found["sizes"], key=int)
    images = [found["sizes"][each][0]["images"] for each in sizes]

    def middles(key: str) -> list[float]:
        return [statistics.median(run[key] for run in found["sizes"][each]) for each in sizes]

    figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 3.6), layout="constrained")
    left.plot(images, middles(WHOLE), "o-", color=INK, label=WHOLE)
    left.plot(images, middles(PROCESSOR), "s--", color=WARM, label=PROCESSOR.removesuffix(" [s]"))
    left.set(xlabel="images", ylabel="seconds", xlim=(0, None), ylim=(0, None))
    left.legend(fontsize=8)
    right.plot(images, middles(MEMORY), "o-", color=INK, label="all processes of the node (PSS)")
    right.axhline(BAR_GIB, color=WARM, linestyle="--", label="the bar")
    right.set(xlabel="images", ylabel="peak memory [GiB]", xlim=(0, None), ylim=(0, 1.1 * BAR_GIB))
    right.legend(fontsize=8, loc="lower right")
    figure.suptitle(f"slices of 0.5 mm x 25 time points, simulated; {_where(found)}", fontsize=9)
    return _save(figure, path)


def _where(found: Mapping[str, Any]) -> str:
    return f"{found['machine']}, {found['date']}"


def _save(figure: Any, path: Path) -> Path:
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
    return path


if __name__ == "__main__":
    sys.exit(main())
