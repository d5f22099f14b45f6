import numpy as np
import pytest
from numpy.typing import NDArray

from node.perfusion import averaged_alike, noise_hu, tolerance_hu
from node.perfusion.denoising import MAX_STRENGTH

POINTS, SIDE = 24, 32


def _edge(noise: float, points: int = POINTS) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Enhancement and baseline of one slice: early tissue on the left, late on the right."""
    rng = np.random.default_rng(7)
    t = np.arange(points, dtype=np.float32)
    clean = np.zeros((1, points, SIDE, SIDE), np.float32)
    for columns, peak in ((slice(0, SIDE // 2), 7.0), (slice(SIDE // 2, SIDE), 13.0)):
        clean[..., columns] = (8.0 * np.exp(-((t - peak) ** 2) / 18.0))[None, :, None, None]
    noisy = clean + rng.normal(0.0, noise, clean.shape).astype(np.float32)
    return noisy.astype(np.float32), np.full((1, SIDE, SIDE), 32.0, np.float32)


def test_noise_is_measured_whatever_the_tissue_does() -> None:
    """The measure is within a tenth of the truth, and does not see what comes after the scan."""
    enhancement, _ = _edge(3.0)
    assert noise_hu(enhancement) == pytest.approx(3.0, rel=0.1)
    held = np.concatenate([enhancement, np.repeat(enhancement[:, -1:], 8, axis=1)], axis=1)
    assert noise_hu(held) == pytest.approx(noise_hu(enhancement), rel=1e-3)


def test_nothing_at_all_has_no_noise() -> None:
    """An empty picture is no error."""
    assert noise_hu(np.zeros((2, 8, 16, 16), np.float32)) == 0.0


def test_a_quiet_scan_is_left_alone() -> None:
    """Noise of half a hundredth of the vein's peak is none of the filter's business."""
    enhancement, baseline = _edge(1.0)
    tolerance = tolerance_hu(enhancement, np.full((2, POINTS), 200.0, np.float32))
    assert tolerance == 0.0
    assert averaged_alike(enhancement, baseline, tolerance) is enhancement


def test_the_tolerance_grows_with_noise_over_the_vein_up_to_a_limit() -> None:
    """The same noise behind a weaker bolus weighs more; beyond a limit more would only blur."""
    enhancement, _ = _edge(3.0)
    found = [
        tolerance_hu(enhancement, np.full((2, POINTS), vein, np.float32))
        for vein in (300.0, 200.0, 150.0, 60.0, 30.0)
    ]
    assert found == sorted(found)
    assert found[0] < found[1] < found[2]
    assert found[3] == found[4] == pytest.approx(MAX_STRENGTH * 3.0, rel=0.1)


@pytest.mark.parametrize("vessels", [np.zeros((2, 0)), np.zeros((2, 8)), -np.ones((2, 8))])
def test_without_a_vein_nothing_is_averaged(vessels: NDArray[np.float64]) -> None:
    """Where no vessel rises there is nothing to hold noise against."""
    assert tolerance_hu(_edge(3.0)[0], vessels.astype(np.float32)) == 0.0


def test_noise_falls_and_the_edge_stays() -> None:
    """Within tissue noise is halved; across the edge of a delay courses are not mixed."""
    (noisy, baseline), (clean, _) = _edge(3.0), _edge(0.0)
    averaged = averaged_alike(noisy, baseline, 1.4 * 3.0)
    inner = np.s_[:, :, 2:-2, 2 : SIDE // 2 - 2]
    assert np.std((averaged - clean)[inner]) < 0.6 * np.std((noisy - clean)[inner])
    border = np.s_[:, :, 2:-2, SIDE // 2]
    late = averaged[border].mean(axis=(0, 2)).argmax()
    assert late == clean[border].mean(axis=(0, 2)).argmax()


def test_a_vessel_and_a_sulcus_do_not_spread() -> None:
    """A course, or a baseline, that is like no neighbour's is kept to itself."""
    enhancement, baseline = _edge(1.0)
    enhancement[0, :, 10, 8] += 150.0
    baseline[0, 20, 8] = 8.0
    averaged = averaged_alike(enhancement, baseline, 1.5)
    np.testing.assert_allclose(averaged[0, :, 10, 8], enhancement[0, :, 10, 8], atol=0.5)
    assert np.abs(averaged[0, :, 10, 7]).max() < 20.0
    np.testing.assert_allclose(averaged[0, :, 20, 8], enhancement[0, :, 20, 8], atol=0.5)


def test_air_around_the_head_stays_zero() -> None:
    """Nothing leaks out of the brain."""
    enhancement, baseline = _edge(3.0)
    enhancement[..., 24:, :], baseline[:, 24:] = 0.0, -1000.0
    assert not averaged_alike(enhancement, baseline, 5.0)[..., 24:, :].any()
