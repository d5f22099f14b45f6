"""One picture of a training run: the loss, and maps beside their truth."""

from pathlib import Path

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from models.network import SCALES
from models.training.batches import Batches
from models.training.loop import Trainer

SMOOTHING_STEPS = 50


def draw(trainer: Trainer, batches: Batches, path: Path) -> None:
    """Write the loss curve and one slice's maps beside the truth as a PNG."""
    batch = batches[trainer.step]
    network = trainer.mean.module.eval()
    with torch.no_grad():
        inputs = (batch.enhancement, batch.baseline, batch.vessels)
        found = network(*(t.to(trainer.device) for t in inputs), batches.stack).maps
    worst = int(batch.shares[:, 1].sum(dim=(1, 2)).argmax())
    pairs = (found[worst].cpu().numpy(), batch.maps[worst].numpy())
    figure = Figure(figsize=(15, 9), layout="constrained")
    FigureCanvasAgg(figure)
    parts = figure.subfigures(2, 1, squeeze=False, height_ratios=(1, 2))
    above, below = parts[0, 0], parts[1, 0]
    loss = above.add_subplot()
    window = np.ones(SMOOTHING_STEPS) / SMOOTHING_STEPS
    loss.plot(np.convolve(trainer.losses, window, mode="valid"))
    loss.set(xlabel="step", ylabel=f"loss, mean of {SMOOTHING_STEPS} steps", yscale="log")
    brain = batch.shares[worst, 3].numpy() > 0.5
    for row, (title, maps) in enumerate(zip(("network", "truth"), pairs, strict=True)):
        for column, quantity in enumerate(SCALES):
            axes = below.add_subplot(2, len(SCALES), row * len(SCALES) + column + 1)
            low, high = quantity.meaning.window
            shown = axes.imshow(maps[column] * brain, cmap="viridis", vmin=low, vmax=high)
            axes.set(title=f"{quantity} [{quantity.meaning.unit}], {title}", xticks=[], yticks=[])
            below.colorbar(shown, ax=axes)
    figure.savefig(path)
