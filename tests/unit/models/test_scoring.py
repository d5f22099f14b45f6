import pytest

from models.scoring import CaseScore, summary
from node.perfusion import Quantity


def _score(truth_ml: float, found_ml: float, dice: float | None) -> CaseScore:
    pair = (truth_ml, found_ml)
    return CaseScore(1, 1.0, pair, pair, dice, dice, dict.fromkeys(Quantity, 2.0))


def test_a_summary_states_overlap_bias_and_correlation() -> None:
    """Volumes too large by 10 ml each: bias 10 ml, r 1; patients without a lesion have no Dice."""
    found = summary([_score(10, 20, 0.8), _score(50, 60, 0.9), _score(0, 10, None)])
    assert found["core_dice_mean"] == pytest.approx(0.85)
    assert found["core_bias_ml"] == pytest.approx(10.0)
    assert found["hypoperfusion_volume_r"] == pytest.approx(1.0)
    assert found["CBF_error"] == pytest.approx(2.0)


def test_volumes_that_do_not_vary_have_no_correlation() -> None:
    """A network that always finds the same volume scores 0, not an undefined number."""
    assert summary([_score(10, 5, 0.1), _score(50, 5, 0.1)])["core_volume_r"] == 0.0
