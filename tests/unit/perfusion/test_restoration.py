import numpy as np
import pytest

from node.perfusion import Quantity, onto_model, restore
from node.perfusion.pixels import area_weights, linear_weights
from tests.support.science import ESTIMATOR, prepared_of, scan_of


def test_maps_come_back_to_where_they_were() -> None:
    """Averaged onto the model's pixels and restored, a smooth map is the map again."""
    prepared = prepared_of(scan_of())
    _, rows, columns = prepared.brain.shape
    y, x = np.mgrid[0 : 1 : rows * 1j, 0 : 1 : columns * 1j]
    smooth = np.broadcast_to(20 + 10 * np.sin(3 * y) + 8 * x, prepared.brain.shape)
    there = onto_model(smooth.astype(np.float32), prepared)
    maps = restore(dict.fromkeys(Quantity, there), prepared, ESTIMATOR)
    inside = prepared.brain
    np.testing.assert_allclose(maps[Quantity.CBF][inside], smooth[inside], atol=0.4)


def test_outside_the_brain_every_map_is_zero() -> None:
    """The network's values out there mean nothing and are not shown."""
    prepared = prepared_of(scan_of())
    ones = np.ones_like(prepared.baseline_hu)
    maps = restore(dict.fromkeys(Quantity, ones), prepared, ESTIMATOR)
    for quantity in Quantity:
        assert not maps[quantity][~maps.brain].any()
        np.testing.assert_allclose(maps[quantity][maps.brain], 1.0, atol=1e-5)


@pytest.mark.parametrize("ratio", [0.3, 1.0, 1.7, 2.0, 3.6])
def test_resampling_weights_sum_to_one(ratio: float) -> None:
    """Neither averaging nor interpolation changes a constant."""
    np.testing.assert_allclose(area_weights(40, int(40 / ratio), ratio).sum(1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(linear_weights(20, 50, 4, ratio).sum(1), 1.0, rtol=1e-5)
