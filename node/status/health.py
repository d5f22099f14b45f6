"""Whether the node would do its work if a study came now, and if not, why."""

from dataclasses import dataclass

from node.errors import ModelError
from node.perfusion import Estimator
from node.ports import DiskUse
from node.status.probes import Probes
from node.status.view import sentence, size


@dataclass(frozen=True)
class Health:
    """What the parts of the node said when they were asked, each once.

    Parameters
    ----------
    reasons
        Everything that keeps the node from working, in words; empty where all is well.
    warnings
        What will, unless a person sees to it.
    disk
        Room below ``data_dir``.
    model
        What computes the maps; None without a usable model.
    """

    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    disk: DiskUse
    model: Estimator | None


def ask(probes: Probes) -> Health:
    """The health of the node now."""
    disk = probes.disk()
    estimator, wrong_model = model(probes)
    found = (
        _named("Redis", probes.redis()),
        _named("Database", probes.database()),
        _of_disk(disk),
        wrong_model,
    )
    little = _little_room(disk)
    return Health(
        tuple(reason for reason in found if reason), (little,) if little else (), disk, estimator
    )


def model(probes: Probes) -> tuple[Estimator | None, str]:
    """The model, or None and what is wrong with it."""
    try:
        estimator = probes.model()
    except ModelError as fault:
        return None, f"Model: {fault}"
    return estimator, "" if estimator else "Model: no usable model is there"


def _of_disk(disk: DiskUse) -> str:
    if not disk.full:
        return ""
    least = size(disk.min_free_bytes)
    return f"Disk: {size(disk.free_bytes)} free, {least} needed; no image is accepted"


def _little_room(disk: DiskUse) -> str:
    if disk.full or not disk.low:
        return ""
    free, mark = size(disk.free_bytes), size(disk.low_free_bytes)
    return f"Disk: {free} free, under the mark of {mark}; finished studies expire early"


def _named(part: str, wrong: str | None) -> str:
    """What is wrong, beginning with the part's name where the words do not name it."""
    if not wrong:
        return ""
    return sentence(wrong) if part.lower() in wrong.lower().split() else f"{part}: {wrong}"
