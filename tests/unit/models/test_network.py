import pytest
import torch

from models.network import SCALES, PerfusionNet, Widths
from node.perfusion import Quantity

TINY = Widths(filters=8, hidden=8, levels=(8, 12))


def _inputs(slices: int = 2, side: int = 16) -> tuple[torch.Tensor, ...]:
    torch.manual_seed(0)
    return (
        5.0 * torch.randn(slices, 32, side, side),
        30.0 + torch.randn(slices, side, side),
        100.0 * torch.rand(slices, 2, 32),
    )


def _network() -> PerfusionNet:
    """A network whose slices do look at their neighbours, as after some training."""
    torch.manual_seed(1)
    network = PerfusionNet(widths=TINY).eval()
    for part, spread in ((network.beside, 0.2), (network.whole, 1.0)):
        for weights in part.parameters():
            torch.nn.init.normal_(weights, std=spread)
    return network


def test_one_network_gives_every_quantity_its_uncertainty_and_the_parenchyma() -> None:
    """Five maps and five expected errors come out of one pass, none negative, and the odds."""
    maps, doubts, parenchyma = PerfusionNet(widths=TINY)(*_inputs())
    assert set(SCALES) == set(Quantity)
    assert maps.shape == doubts.shape == (2, 5, 16, 16)
    assert parenchyma.shape == (2, 16, 16)
    assert bool((maps >= 0).all())
    assert bool((doubts >= 0).all())


def test_maps_do_not_depend_on_the_strength_of_the_bolus() -> None:
    """Enhancement and vessels scaled together leave the maps unchanged."""
    network = _network()
    enhancement, baseline, vessels = _inputs()
    one = network(enhancement, baseline, vessels)
    other = network(0.3 * enhancement, baseline, 0.3 * vessels)
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_a_slice_depends_on_its_neighbours_within_reach_alone() -> None:
    """What lies further away than the network's reach changes nothing."""
    network = _network()
    inputs = _inputs(slices=6)
    whole = network(*inputs).maps
    near = network(*(i[: network.reach + 1] for i in inputs)).maps
    torch.testing.assert_close(whole[:1], near[:1])
    assert not torch.allclose(whole[:1], network(*(i[:1] for i in inputs)).maps)


def test_a_place_hears_of_the_whole_slice() -> None:
    """What lies far beyond the convolutions' reach still changes a voxel's maps."""
    network = _network()
    enhancement, baseline, vessels = _inputs(slices=1, side=64)
    other = enhancement.clone()
    other[:, :, 32:, 32:] += 40.0
    one, two = (network(e, baseline, vessels).maps[..., :4, :4] for e in (enhancement, other))
    assert not torch.allclose(one, two, rtol=1e-3)


def test_stacks_in_one_batch_are_independent() -> None:
    """Two stacks computed together give what each gives alone."""
    network = _network()
    inputs = _inputs(slices=6)
    together = network(*inputs, stack=3).maps
    alone = [network(*(i[first : first + 3] for i in inputs)).maps for first in (0, 3)]
    torch.testing.assert_close(together, torch.cat(alone))


def test_how_wrong_a_map_is_does_not_bend_it() -> None:
    """The uncertainty's loss leaves the weights of the maps alone."""
    network = _network()
    network(*_inputs()).doubts.sum().backward()
    assert all(weights.grad is None for weights in network.voxels.parameters())
    assert all(weights.grad is not None for weights in network.doubt.parameters())


def test_the_filters_follow_the_bolus() -> None:
    """The same tissue curve behind another bolus is another perfusion."""
    network = _network()
    enhancement, baseline, vessels = _inputs()
    other = vessels.clone()
    other[:, :, :16] = vessels[:, :, :16].flip(-1)
    one, two = (network.by_voxel(enhancement, baseline, v) for v in (vessels, other))
    assert not torch.allclose(one, two)


@pytest.mark.parametrize("levels", [(8,), (8, 12), (8, 12, 16)])
def test_each_level_halves_rows_and_columns(levels: tuple[int, ...]) -> None:
    """The multiple that the grid must have follows from the number of levels."""
    network = PerfusionNet(widths=Widths(8, 8, levels))
    assert network.multiple == 2 ** (len(levels) - 1)
    assert network(*_inputs(side=3 * network.multiple)).maps.shape[-1] == 3 * network.multiple
