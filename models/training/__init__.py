"""Simulated patients in, a trained network out."""

from models.training.bank import Stock, Tissue, stocks
from models.training.batches import SLICE_SHAPE, Batch, Batches
from models.training.cohort import GRID, Case, case_of, cohort, patients_of, plan
from models.training.loop import (
    DivergedError,
    Lessons,
    Schedule,
    Trained,
    Trainer,
    trained_network,
)
from models.training.loss import Aims, doubt_loss, map_loss, parenchyma_loss, ratio_loss
from models.training.mosaics import CURVE_BOLUSES, LooseVoxels, Mosaics
from models.training.paper import (
    PAPER_SCHEDULES,
    PaperSchedule,
    PaperTrainer,
    TrainedPaper,
    teach_paper,
    trained_paper,
)

__all__ = [
    "CURVE_BOLUSES",
    "GRID",
    "PAPER_SCHEDULES",
    "SLICE_SHAPE",
    "Aims",
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
    "case_of",
    "cohort",
    "doubt_loss",
    "map_loss",
    "parenchyma_loss",
    "patients_of",
    "plan",
    "ratio_loss",
    "stocks",
    "teach_paper",
    "trained_network",
    "trained_paper",
]
