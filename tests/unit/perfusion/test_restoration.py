from dataclasses import replace

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
        if quantity != Quantity.TTP:
            np.testing.assert_allclose(maps[quantity][maps.brain], 1.0, atol=1e-5)


def test_ttp_counts_from_where_the_artery_begins_to_fill() -> None:
    """However late the arrival that the time grid was laid by: the peak's own time stays."""
    prepared = prepared_of(scan_of())
    assert prepared.early_s > 0.0
    planes = dict.fromkeys(Quantity, np.full_like(prepared.baseline_hu, 9.0))
    found = restore(planes, prepared, ESTIMATOR)[Quantity.TTP][prepared.brain]
    np.testing.assert_allclose(found, 9.0 + prepared.early_s, atol=1e-4)


def test_without_a_vessel_that_rises_ttp_counts_from_the_arrival() -> None:
    """No artery is no reason to have no map."""
    silent = np.zeros((2, 0), np.float32), np.zeros((2, 32), np.float32)
    for vessels in silent:
        prepared = replace(prepared_of(scan_of()), vessels_hu=vessels)
        assert prepared.early_s == 0.0


@pytest.mark.parametrize("ratio", [0.3, 1.0, 1.7, 2.0, 3.6])
def test_resampling_weights_sum_to_one(ratio: float) -> None:
    """Neither averaging nor interpolation changes a constant."""
    np.testing.assert_allclose(area_weights(40, int(40 / ratio), ratio).sum(1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(linear_weights(20, 50, 4, ratio).sum(1), 1.0, rtol=1e-5)
