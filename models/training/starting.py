"""Fine-tuning: a run that begins with the weights of another."""

import pickle
from pathlib import Path

from models.training.loop import Trainer, trained_network
from node.errors import NodeError

# What torch raises on a file that is no checkpoint, a damaged one, or one of another version.
_UNUSABLE = (
    *(OSError, EOFError, pickle.UnpicklingError, RuntimeError),
    *(KeyError, IndexError, TypeError, ValueError),
)


class CheckpointError(NodeError):
    """A checkpoint that cannot be begun from; the message names it."""

    remedy = "Name a checkpoint that this version's python -m models train has kept."


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
    try:
        weights = trained_network(checkpoint).network.state_dict()
        trainer.network.load_state_dict(weights)
        trainer.mean.module.load_state_dict(weights)
    except _UNUSABLE as fault:
        reason = str(fault).partition("\n")[0]
        raise CheckpointError(f"{checkpoint} is no start for this network: {reason}") from fault
