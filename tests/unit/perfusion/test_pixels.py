"""Planes brought onto other pixels."""

import numpy as np

from node.perfusion.pixels import area_weights, weighted


def test_planes_are_weighted_one_by_one() -> None:
    """The products over all planes at once are those of each plane, whatever the stack."""
    rng = np.random.default_rng(5)
    planes = rng.random((3, 2, 10, 14), np.float32)[..., 1:9, 2:]  # a cut, as prepare makes it
    down, across = area_weights(8, 4, 2.0), area_weights(12, 5, 2.4)
    found = weighted(planes, down, across)
    assert (found.shape, found.dtype) == ((3, 2, 4, 5), np.float32)
    np.testing.assert_allclose(found, down @ planes @ across.T, rtol=1e-5)
    np.testing.assert_allclose(weighted(planes[0, 0], down, across), found[0, 0], rtol=1e-6)
