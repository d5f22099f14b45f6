"""Simulated patients in, a trained network out."""

from models.training.batches import Batch, Batches
from models.training.cohort import GRID, Case, cohort
from models.training.loop import Schedule, Trained, Trainer, trained_network
from models.training.loss import map_loss
from models.training.paper import PaperSchedule, PaperTrainer, TrainedPaper, trained_paper

__all__ = [
    "GRID",
    "Batch",
    "Batches",
    "Case",
    "PaperSchedule",
    "PaperTrainer",
    "Schedule",
    "Trained",
    "TrainedPaper",
    "Trainer",
    "cohort",
    "map_loss",
    "trained_network",
    "trained_paper",
]
