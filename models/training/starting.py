"""Fine-tuning: a run that begins with the weights of another."""

import pickle
from pathlib import Path

from models.training.loop import Trained, Trainer, trained_network
from node.errors import NodeError

# What torch raises on a file that is no checkpoint, a damaged one, or one of another version.
_UNUSABLE = (
    *(OSError, EOFError, pickle.UnpicklingError, RuntimeError),
    *(KeyError, IndexError, TypeError, ValueError),
)


class CheckpointError(NodeError):
    """A checkpoint that cannot be begun from; the message names it."""

    remedy = "Name a checkpoint that this version's python -m models train has kept."


def begun_from(checkpoint: Path) -> str:
    """What the weights of a checkpoint have learned from, for the words of a run begun from it.

    Parameters
    ----------
    checkpoint
        What the other run kept.

    Raises
    ------
    CheckpointError
        If the checkpoint is absent, damaged, or of another version.
    """
    return f"; begun from weights that learned from {_read(checkpoint).schedule.data}"


def start_from(trainer: Trainer, checkpoint: Path) -> None:
    """Give a run that has not begun the running mean of another run's weights.

    A run that was taken up again has begun: it keeps its own.

    Parameters
    ----------
    trainer
        The run.
    checkpoint
        What the other run kept.

    Raises
    ------
    CheckpointError
        If the checkpoint is absent, damaged, or of another network.
    """
    if trainer.step:
        return
    weights = _read(checkpoint).network.state_dict()
    try:
        trainer.network.load_state_dict(weights)
        trainer.mean.module.load_state_dict(weights)
    except RuntimeError as fault:
        raise _unusable(checkpoint, fault) from fault


def _read(checkpoint: Path) -> Trained:
    try:
        return trained_network(checkpoint)
    except _UNUSABLE as fault:
        raise _unusable(checkpoint, fault) from fault


def _unusable(checkpoint: Path, fault: Exception) -> CheckpointError:
    reason = str(fault).partition("\n")[0]
    return CheckpointError(f"{checkpoint} is no start for this network: {reason}")
