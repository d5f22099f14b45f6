"""UniToBrain, real scans with the maps of box regression, as cases to learn from."""

from models.unitobrain.cases import case_of
from models.unitobrain.cohort import Left, cohort
from models.unitobrain.errors import DatasetError
from models.unitobrain.layout import SubjectFolders, subjects
from models.unitobrain.subject import NLR_MAPS, Subject, read_subject

__all__ = [
    "NLR_MAPS",
    "DatasetError",
    "Left",
    "Subject",
    "SubjectFolders",
    "case_of",
    "cohort",
    "read_subject",
    "subjects",
]
