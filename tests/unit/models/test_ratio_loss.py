import pytest
import torch

from models.network import SCALES
from models.training import ratio_loss
from node.perfusion import Quantity

CBF, TMAX = (list(SCALES).index(quantity) for quantity in (Quantity.CBF, Quantity.TMAX))


@pytest.fixture
def stroke() -> tuple[torch.Tensor, torch.Tensor]:
    """Truth and shares of a slice: normal on the left, penumbra and core on the right."""
    truth = torch.ones(1, 5, 16, 16)
    truth[:, CBF] = 50.0
    truth[:, CBF, :, 8:12] = 25.0
    truth[:, CBF, :, 12:] = 6.0
    truth[:, TMAX] = 2.0
    truth[:, TMAX, :, 8:] = 9.0
    shares = torch.zeros(1, 4, 16, 16)
    shares[:, (0, 3)] = 1.0
    return truth, shares


def _cost(maps: torch.Tensor, stroke: tuple[torch.Tensor, torch.Tensor]) -> float:
    return float(ratio_loss(maps, *stroke))


def test_right_maps_cost_nothing(stroke: tuple[torch.Tensor, torch.Tensor]) -> None:
    """The ratio's loss is nought where the ratio is right."""
    assert _cost(stroke[0], stroke) == 0.0


def test_a_common_factor_of_blood_flow_costs_nothing(
    stroke: tuple[torch.Tensor, torch.Tensor],
) -> None:
    """The core is relative to normal: flow that is wrong by one factor everywhere is right."""
    scaled = stroke[0].clone()
    scaled[:, CBF] *= 0.7
    assert _cost(scaled, stroke) == pytest.approx(0.0, abs=1e-6)


def test_wrong_normal_flow_makes_the_ratio_wrong(stroke: tuple[torch.Tensor, torch.Tensor]) -> None:
    """A core that is right beside normal tissue that is not is off."""
    truth, _ = stroke
    healthy, core = truth.clone(), truth.clone()
    healthy[:, CBF, :, :8] *= 1.5
    core[:, CBF, :, 12:] += 3.0
    assert _cost(healthy, stroke) > 0.01
    assert _cost(core, stroke) > 0.01


@pytest.mark.parametrize("left_out", ["normal tissue", "hypoperfusion"])
def test_slices_without_a_ratio_cost_nothing(
    stroke: tuple[torch.Tensor, torch.Tensor], left_out: str
) -> None:
    """Where nothing is normal, or nothing hypoperfused, no ratio is asked for."""
    truth, shares = stroke
    truth[:, TMAX] = 9.0 if left_out == "normal tissue" else 2.0
    assert float(ratio_loss(2.0 * truth + 5.0, truth, shares)) == 0.0
