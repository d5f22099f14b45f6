import pytest
import torch

from models.network import SCALES, PerfusionNet, Widths
from node.perfusion import Quantity

TINY = Widths(temporal=8, levels=(8, 12))


def _inputs(slices: int = 2, side: int = 16) -> tuple[torch.Tensor, ...]:
    torch.manual_seed(0)
    return (
        5.0 * torch.randn(slices, 32, side, side),
        30.0 + torch.randn(slices, side, side),
        100.0 * torch.rand(slices, 2, 32),
    )


def test_one_network_gives_every_quantity() -> None:
    """Five maps come out of one pass, none of them negative."""
    maps = PerfusionNet(widths=TINY)(*_inputs())
    assert set(SCALES) == set(Quantity)
    assert maps.shape == (2, 5, 16, 16)
    assert bool((maps >= 0).all())


def test_maps_do_not_depend_on_the_strength_of_the_bolus() -> None:
    """Enhancement and vessels scaled together leave the maps unchanged."""
    network = PerfusionNet(widths=TINY).eval()
    enhancement, baseline, vessels = _inputs()
    one = network(enhancement, baseline, vessels)
    other = network(0.3 * enhancement, baseline, 0.3 * vessels)
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_slices_are_independent() -> None:
    """A slice's maps do not depend on what else is in the batch."""
    network = PerfusionNet(widths=TINY).eval()
    inputs = _inputs(slices=3)
    torch.testing.assert_close(network(*inputs)[1:2], network(*(i[1:2] for i in inputs)))


@pytest.mark.parametrize("levels", [(8,), (8, 12), (8, 12, 16)])
def test_each_level_halves_rows_and_columns(levels: tuple[int, ...]) -> None:
    """The multiple that the grid must have follows from the number of levels."""
    network = PerfusionNet(widths=Widths(8, levels))
    assert network.multiple == 2 ** (len(levels) - 1)
    assert network(*_inputs(side=3 * network.multiple)).shape[-1] == 3 * network.multiple
