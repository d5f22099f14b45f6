"""The soak's picture: what every process holds and every store takes, over time."""

from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from tests.soak.run import Sample, Tale
from tests.support.processes import Use

_MEASURES: tuple[tuple[str, Callable[[Use], float]], ...] = (
    ("memory (RSS) [MiB]", lambda use: use.memory_mib),
    ("descriptors", lambda use: use.descriptors),
    ("threads", lambda use: use.threads),
)


def draw(tale: Tale, path: Path) -> None:
    """Writes the picture."""
    figure, axes = plt.subplots(2, 2, figsize=(11, 7), layout="constrained")
    at_min = [sample.at_s / 60.0 for sample in tale.samples]
    for panel, (title, measure) in zip(axes.flat, _MEASURES, strict=False):
        for part in tale.samples[0].uses:
            panel.plot(at_min, [measure(sample.uses[part]) for sample in tale.samples], label=part)
        _finished(panel, title)
    axes.flat[0].set_yscale("log")
    axes.flat[0].legend(fontsize=8, ncols=2)
    _stores(axes.flat[3], at_min, tale.samples)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _stores(panel: Axes, at_min: list[float], samples: list[Sample]) -> None:
    for store in samples[0].stores_mib:
        panel.plot(at_min, [sample.stores_mib[store] for sample in samples], label=store)
    _finished(panel, "kept on purpose [MiB]")
    panel.set_yscale("log")
    panel.legend(fontsize=8)


def _finished(panel: Axes, title: str) -> None:
    panel.set_title(title, fontsize=10)
    panel.set_xlabel("minutes", fontsize=9)
    panel.grid(alpha=0.3)
