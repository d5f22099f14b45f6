from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from models.evaluation.cases import DOSES, FLAWS, PATIENTS, WITHOUT_STROKE, Case
from models.evaluation.estimators import WEIGHTS
from models.evaluation.thresholds_command import flags_table, numbers_table, points_table
from models.evaluation.trust import Trusted, trust_cases, trusted
from models.export.familiarity import familiar_ranges
from models.training.cohort import GRID, plan
from models.training.cohort import Case as Patient
from node.perfusion import FEATURES
from tests.support.science import prepared_of, scan_of

FOUND = (
    Trusted("first", False, {"disagreement": 0.1}, frozenset(), (True, True)),
    Trusted("first", False, {"disagreement": 0.7}, frozenset({"disagreement"}), (True, False)),
    Trusted("third", True, {"disagreement": 0.9}, frozenset({"disagreement", "noise"}), None),
)


def _shown(table: object) -> str:
    page = StringIO()
    Console(file=page, width=120).print(table)
    return page.getvalue()


def _patient() -> Patient:
    prepared = prepared_of(scan_of(slices=3), GRID)
    nothing = np.zeros((3, 5, *prepared.baseline_hu.shape[1:]), np.float16)
    return Patient(
        prepared.enhancement.astype(np.float16),
        prepared.baseline_hu.astype(np.float16),
        prepared.vessels_hu,
        nothing,
        nothing[:, :4],
    )


def test_every_feature_of_the_training_has_its_range() -> None:
    """Ranges span the patients', sampling is that of each one's plan."""
    found = familiar_ranges([(1, _patient()), (2, _patient())])
    assert found.keys() == FEATURES.keys()
    assert all(low <= high for low, high in found.values())
    thick = sorted(plan(seed).acquisition.thickness_mm for seed in (1, 2))
    assert found["slice_mm"] == pytest.approx(tuple(thick), rel=0.02)


def test_without_patients_nothing_is_familiar() -> None:
    """An empty cohort is a mistake, not a range."""
    with pytest.raises(ValueError, match="no patient"):
        familiar_ranges([])


def test_the_thresholds_are_asked_of_good_and_of_bad_scans() -> None:
    """Both generators at every dose, every flaw, and every patient without a stroke."""
    points = trust_cases(range(7, 9), 128)
    assert len(points) == len(PATIENTS) * len(DOSES) + len(FLAWS) + len(WITHOUT_STROKE)
    assert all([case.seed for case in cases] == [7, 8] for cases in points.values())


def test_a_scan_goes_through_network_and_flags() -> None:
    """What the flags are set by is measured with the very code of the node."""
    case = Case(3, 96, 4, generator="third", pathology="none")
    found = trusted("third", case, WEIGHTS)
    assert found is not None
    assert found.point == "third"
    assert "coverage" in found.flags
    assert {"disagreement", "unfamiliar"} <= found.numbers.keys()


def test_a_refused_scan_is_in_no_table() -> None:
    """What is not analysed has no flags."""
    assert trusted("broken", Case(3, 96, 4, fault="no contrast"), WEIGHTS) is None


def test_the_tables_tell_good_from_bad() -> None:
    """Every number over good and over bad maps, every flag with how often it is set."""
    assert "0.40" in _shown(numbers_table(FOUND))
    flags = _shown(flags_table(FOUND))
    assert "1 of 2" in flags
    assert "1 of 1" in flags
    points = _shown(points_table(FOUND))
    assert "first" in points
    assert "2 of 2" in points
