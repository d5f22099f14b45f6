import numpy as np
import pytest

from models.network import SCALES
from models.training.flows import CORE, HYPOPERFUSED, MAX_ANYWHERE, reflowed
from models.training.furrows import FLOW_MAPS, Stack
from models.training.noises import MAX_NOISE_HU, noisier

SHAPE = (48, 40)
TIMED = [i for i in range(len(SCALES)) if i not in FLOW_MAPS]


@pytest.fixture
def head() -> Stack:
    """Four slices of tissue in the picture's middle, hypoperfused on the right, a core in it."""
    shares = np.zeros((4, 4, *SHAPE), np.float32)
    shares[:, (0, 3), 8:40, 6:34] = 1.0
    shares[:, 1, 8:40, 22:34] = 1.0
    shares[:, 2, 16:32, 26:34] = 1.0
    curve = np.sin(np.linspace(0.0, np.pi, 12, dtype=np.float32))[:, None, None]
    brain = shares[:, 3]
    maps = np.repeat(brain[:, None], len(SCALES), axis=1) * np.float32(10.0)
    baseline = np.where(brain > 0, np.float32(34.0), np.float32(-1000.0))[:, None]
    return 8.0 * curve * brain[:, None], baseline, maps, shares


@pytest.mark.parametrize("seed", range(4))
def test_more_blood_is_more_enhancement_and_no_later(head: Stack, seed: int) -> None:
    """Enhancement, flow and volume share one factor; times, tissue and baseline stay."""
    enhancement, baseline, maps, shares = reflowed(np.random.default_rng(seed), head)
    brain = head[3][:, 3] > 0
    factor = (maps[:, FLOW_MAPS] / np.maximum(head[2][:, FLOW_MAPS], 1e-6))[:, 0]
    np.testing.assert_allclose(maps[:, FLOW_MAPS[1]], maps[:, FLOW_MAPS[0]])
    np.testing.assert_array_equal(maps[:, TIMED], head[2][:, TIMED])
    # A curve without noise stays one: it bends so little that what is made up for is small.
    np.testing.assert_allclose(enhancement[:, 5][brain], (factor * head[0][:, 5])[brain], rtol=0.3)
    np.testing.assert_array_equal(enhancement[:, 5][~brain], 0.0)
    np.testing.assert_array_equal(baseline, head[1])
    np.testing.assert_array_equal(shares, head[3])


def test_every_flow_between_core_and_penumbra_occurs(head: Stack) -> None:
    """Lesions get factors of their own, apart from what changes anywhere."""
    cores = []
    for seed in range(40):
        _, _, maps, _ = reflowed(np.random.default_rng(seed), head)
        cores.append(np.log(maps[:, FLOW_MAPS[0], 20:28, 28:32].mean() / 10.0))
    least, most = HYPOPERFUSED[0] + CORE[0], HYPOPERFUSED[1] + CORE[1]
    assert least - 3 * MAX_ANYWHERE < min(cores) < -0.3
    assert 0.3 < max(cores) < most + 3 * MAX_ANYWHERE


def test_noise_is_added_to_tissue_alone_and_sometimes_averaged_away(head: Stack) -> None:
    """What is air stays 0; over many draws some are noisier, some smoother, some as they were."""
    enhancement, baseline = head[0].copy(), head[1][:, 0]
    brain = np.broadcast_to((head[3][:, 3] > 0)[:, None], enhancement.shape) & (enhancement != 0)
    rng = np.random.default_rng(1)
    enhancement[brain] += rng.normal(0.0, 2.0, int(brain.sum())).astype(np.float32)
    spreads = []
    for seed in range(30):
        changed = noisier(np.random.default_rng(seed), enhancement, baseline)
        assert not changed[~brain].any()
        spreads.append(float(np.std((changed - head[0])[brain])))
    assert min(spreads) < 1.5
    assert 3.0 < max(spreads) < np.hypot(2.0, MAX_NOISE_HU) + 0.5
    assert any(spread == pytest.approx(2.0, abs=0.1) for spread in spreads)
