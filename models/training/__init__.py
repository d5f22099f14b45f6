"""Simulated patients in, a trained network out."""

from models.training.bank import Stock, Tissue
from models.training.batches import Batch, Batches
from models.training.cohort import GRID, Case, cohort
from models.training.loop import (
    DivergedError,
    Lessons,
    Schedule,
    Trained,
    Trainer,
    trained_network,
)
from models.training.loss import doubt_loss, map_loss
from models.training.mosaics import LooseVoxels, Mosaics
from models.training.paper import PaperSchedule, PaperTrainer, TrainedPaper, trained_paper

__all__ = [
    "GRID",
    "Batch",
    "Batches",
    "Case",
    "DivergedError",
    "Lessons",
    "LooseVoxels",
    "Mosaics",
    "PaperSchedule",
    "PaperTrainer",
    "Schedule",
    "Stock",
    "Tissue",
    "Trained",
    "TrainedPaper",
    "Trainer",
    "cohort",
    "doubt_loss",
    "map_loss",
    "trained_network",
    "trained_paper",
]
