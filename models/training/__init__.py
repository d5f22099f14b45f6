"""Simulated patients in, a trained network out."""

from models.training.bank import Stock, Tissue
from models.training.batches import Batch, Batches
from models.training.cohort import GRID, Case, cohort, patients_of, plan
from models.training.loop import (
    DivergedError,
    Lessons,
    Schedule,
    Trained,
    Trainer,
    trained_network,
)
from models.training.loss import doubt_loss, map_loss, parenchyma_loss
from models.training.mosaics import LooseVoxels, Mosaics
from models.training.paper import (
    PAPER_SCHEDULES,
    PaperSchedule,
    PaperTrainer,
    TrainedPaper,
    teach_paper,
    trained_paper,
)

__all__ = [
    "GRID",
    "PAPER_SCHEDULES",
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
    "parenchyma_loss",
    "patients_of",
    "plan",
    "teach_paper",
    "trained_network",
    "trained_paper",
]
