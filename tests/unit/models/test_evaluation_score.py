"""What an estimator is told about its maps."""

import numpy as np
import pytest

from models.evaluation import (
    Case,
    Estimate,
    KnownScan,
    Score,
    estimator,
    identify,
    score,
    summary,
)
from models.evaluation.classical import Classical
from models.evaluation.faults import FAULTS, break_scan
from models.evaluation.score_command import metrics
from node.errors import InferenceError, ModelError
from node.perfusion import DynamicCt, Estimator, PerfusionMaps, Quantity
from node.refusals import Refusal, RefusalCode

ANYONE = Estimator("anyone", "1", "0" * 64)
METHODS = ("network", "sSVD", "bcSVD", "oSVD", "NLR")


@pytest.fixture(scope="module")
def patient() -> KnownScan:
    return Case(seed=950_003, rows=64, slices=3).make()


def knowing(patient: KnownScan, **offsets: float) -> Estimate:
    """An estimator that returns the truth, some maps with an offset added."""

    def estimate(scan: DynamicCt) -> PerfusionMaps:
        brain = patient.regions["all tissue"]
        values = {
            q: np.where(brain, patient.maps[q] + offsets.get(q.name, 0.0), 0).astype(np.float32)
            for q in Quantity
        }
        baseline = np.full(brain.shape, 30.0, np.float32)
        return PerfusionMaps(values, brain, baseline, scan.spacing_mm, ANYONE)

    return estimate


def test_the_truth_scores_full_marks(patient: KnownScan) -> None:
    """Truth in, r 1, slope 1, no error, full overlap."""
    found = score(knowing(patient), patient)
    for quantity in Quantity:
        whole = found.maps[quantity.value]["all tissue"]
        assert (whole.r, whole.slope, whole.mae) == pytest.approx((1.0, 1.0, 0.0), abs=1e-6)
    assert found.analysed == 1.0
    assert found.lesions["hypoperfusion"].dice == pytest.approx(1.0, abs=0.03)


def test_an_offset_is_bias_in_every_region(patient: KnownScan) -> None:
    """Two seconds too many everywhere are a bias of 2 s, and r stays 1."""
    found = score(knowing(patient, TMAX=2.0), patient).maps["Tmax"]
    assert {name: a.bias for name, a in found.items()} == pytest.approx(dict.fromkeys(found, 2.0))
    assert found["core"].r == pytest.approx(1.0)


def test_a_refusal_is_a_score(patient: KnownScan) -> None:
    """A refused scan has its reason and no figure."""
    refusal = Refusal(RefusalCode.NO_BOLUS, found="nothing", remedy="none")
    found = score(lambda _: refusal, patient)
    assert (found.refusal, found.maps, found.lesions) == ("no_bolus: nothing", {}, {})


def test_a_fault_of_the_estimator_is_a_score(patient: KnownScan) -> None:
    """A network that cannot be run loses its case, not the whole evaluation."""

    def fails(scan: DynamicCt) -> PerfusionMaps:
        raise InferenceError("values that are not finite")

    assert score(fails, patient).refusal == "failed: values that are not finite"


@pytest.mark.parametrize("source", METHODS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_scan_is_refused_by_every_estimator(
    source: str, fault: str, patient: KnownScan
) -> None:
    """No maps of nothing, and no crash: a refusal that names what was found."""
    assert isinstance(estimator(source)(break_scan(patient.scan, fault)), Refusal)


@pytest.mark.parametrize("source", METHODS)
def test_every_estimator_gives_maps_of_a_stroke(source: str, patient: KnownScan) -> None:
    """All five maps of a sound scan come out, and Tmax follows the truth."""
    found = score(estimator(source), patient)
    assert not found.refusal
    whole = found.maps["Tmax"]["all tissue"]
    assert whole.r is not None
    assert whole.r > 0.3


def test_a_score_survives_json(patient: KnownScan) -> None:
    """What is kept on disk is read back the same."""
    found = score(knowing(patient), patient)
    assert Score.of_facts(found.facts) == found


def test_an_estimator_is_known_by_its_weights() -> None:
    """The shipped network's identity is the digest in its manifest; names ignore case."""
    assert len(identify("network").digest) == 64
    assert identify("paper-small").name == "paper-small"
    assert identify("paper-small").digest != identify("network").digest
    assert identify("bcsvd") == identify("bcSVD")


@pytest.mark.parametrize(
    ("source", "fault"), [("magic", ValueError), ("/nowhere/weights.onnx", ModelError)]
)
def test_an_unknown_estimator_is_named(source: str, fault: type[Exception]) -> None:
    """A name that is no estimator, or a file that is not there, is said at once."""
    with pytest.raises(fault, match=source):
        identify(source)


def test_a_summary_counts_what_was_refused(patient: KnownScan) -> None:
    """Refused scans are counted by reason, and in no figure."""
    good = score(knowing(patient, CBF=3.0), patient)
    refused = Score("no_bolus: nothing", {}, {}, 0.0, 0.1)
    found = summary([good, refused, refused])
    assert (found.cases, found.refused, found.refusals) == (3, 2, {"no_bolus": 2})
    assert found.whole(Quantity.CBF)["bias"].value == pytest.approx(3.0, rel=1e-3)
    assert found.lesion("core").limits_ml is None


def test_a_manifest_s_figures_leave_out_what_is_undefined(patient: KnownScan) -> None:
    """Two patients have a mean overlap and error but no correlation of volumes."""
    good = score(knowing(patient), patient)
    found = metrics([good, good])
    assert found["cases"] == 2.0
    assert found["hypoperfusion_dice_mean"] > 0.95
    assert found["CBF_error"] == 0.0
    assert "core_volume_r" not in found


def test_classical_methods_begin_once_and_answer_as_if_alone(patient: KnownScan) -> None:
    """What they share is done for the first of them, changes no map, and is in each one's time."""
    other = Case(seed=950_004, rows=64, slices=3).make()
    alone = estimator("oSVD")(patient.scan)
    score(estimator("sSVD"), other)
    first, second = (score(estimator(name), patient) for name in ("bcSVD", "oSVD"))
    again = estimator("oSVD")(patient.scan)
    assert isinstance(alone, PerfusionMaps)
    assert isinstance(again, PerfusionMaps)
    assert all(np.array_equal(alone[q], again[q]) for q in Quantity)
    begun = estimator("oSVD")
    assert isinstance(begun, Classical)
    assert 0.0 < begun.spared_s < first.seconds
    assert begun.spared_s < second.seconds
