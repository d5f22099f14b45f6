"""Whether the node would do its work if a study came now, and if not, why."""

from node.errors import ModelError
from node.perfusion import Estimator
from node.status.probes import Probes
from node.status.view import size


def reasons(probes: Probes) -> list[str]:
    """Everything that keeps the node from working, in words; empty where all is well."""
    found = [
        f"Redis: {wrong}" if (wrong := probes.redis()) else "",
        f"Database: {wrong}" if (wrong := probes.database()) else "",
        disk_problem(probes),
        model_problem(probes),
    ]
    return [reason for reason in found if reason]


def disk_problem(probes: Probes) -> str:
    """What is wrong with the disk; empty where there is room."""
    disk = probes.disk()
    if disk.free_bytes >= disk.min_free_bytes:
        return ""
    least = size(disk.min_free_bytes)
    return f"Disk: {size(disk.free_bytes)} free, {least} needed; no image is accepted"


def model_problem(probes: Probes) -> str:
    """What is wrong with the model; empty where it can be used."""
    return model(probes)[1]


def model(probes: Probes) -> tuple[Estimator | None, str]:
    """The model, or None and what is wrong with it."""
    try:
        estimator = probes.model()
    except ModelError as fault:
        return None, f"Model: {fault}"
    return estimator, "" if estimator else "Model: no usable model is there"
