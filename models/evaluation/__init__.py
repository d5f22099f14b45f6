"""What judges every estimator: cases with known truth in, figures with their spread out."""

from models.evaluation.agreement import Agreement, Limits, Spread
from models.evaluation.cases import Case, CaseSet, Extent, case_sets
from models.evaluation.estimators import Estimate, EstimatorId, estimator, identify
from models.evaluation.known import KnownLesion, KnownScan, known_patient
from models.evaluation.run import collected, run, tasks
from models.evaluation.score import Score, score
from models.evaluation.store import ScoreStore
from models.evaluation.summary import Summary, summary

__all__ = [
    "Agreement",
    "Case",
    "CaseSet",
    "Estimate",
    "EstimatorId",
    "Extent",
    "KnownLesion",
    "KnownScan",
    "Limits",
    "Score",
    "ScoreStore",
    "Spread",
    "Summary",
    "case_sets",
    "collected",
    "estimator",
    "identify",
    "known_patient",
    "run",
    "score",
    "summary",
    "tasks",
]
