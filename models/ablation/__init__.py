"""What each part of the network and its training is worth: one thing taken away at a time."""

from models.ablation.judging import DOSES, Score, Unseen, judged, lesion, predicted, unseen
from models.ablation.lessons import Material, Settings, teach
from models.ablation.page import markdown
from models.ablation.results import FIGURES, Difference, Result, ResultStore, difference
from models.ablation.variants import EVERYTHING, OTHER_SEED, VARIANTS, Variant, fixed_pair, named

__all__ = [
    "DOSES",
    "EVERYTHING",
    "FIGURES",
    "OTHER_SEED",
    "VARIANTS",
    "Difference",
    "Material",
    "Result",
    "ResultStore",
    "Score",
    "Settings",
    "Unseen",
    "Variant",
    "difference",
    "fixed_pair",
    "judged",
    "lesion",
    "markdown",
    "named",
    "predicted",
    "teach",
    "unseen",
]
