from dataclasses import replace

import numpy as np
import pytest

from node.perfusion import FEATURES, ModelInput, Seen, features, unfamiliar
from tests.support.science import GRID, prepared_of, scan_of


@pytest.fixture(scope="module")
def prepared() -> ModelInput:
    return prepared_of(scan_of(noise_hu=4.0))


def test_every_feature_of_a_whole_scan_is_told(prepared: ModelInput) -> None:
    """Vessels and tissue there, nothing is left out, and every value is a number."""
    found = features(Seen.of(prepared))
    assert found.keys() == FEATURES.keys()
    assert np.isfinite(list(found.values())).all()


def test_features_are_what_the_scan_was_made_with(prepared: ModelInput) -> None:
    """Sampling as it is; the vein's peak and lag as its curve has them."""
    found = features(Seen.of(prepared))
    assert found["interval_s"] == prepared.scan.interval_s
    assert found["slice_mm"] == prepared.scan.spacing_mm[0]
    assert found["vein_peak_hu"] == pytest.approx(float(prepared.vessels_hu[1].max()))
    assert 0.0 < found["vein_lag_s"] < 10.0
    imaged_s = prepared.scan.time_s.max() - (prepared.arrival_s - 4.0)
    assert found["imaged_s"] == pytest.approx(imaged_s, abs=2 * GRID.interval_s)


def test_noise_is_that_of_the_networks_pixels(prepared: ModelInput) -> None:
    """Twice the noise is twice the number, contrast or not."""
    noisier = prepared_of(scan_of(noise_hu=8.0))
    one, other = (features(Seen.of(each))["noise_hu"] for each in (prepared, noisier))
    assert other == pytest.approx(2.0 * one, rel=0.1)


def test_what_is_not_there_tells_nothing(prepared: ModelInput) -> None:
    """Without vessels their features are left out, without tissue its own."""
    unseen = replace(prepared, vessels_hu=np.zeros((2, 0), np.float32))
    assert "vein_peak_hu" not in features(Seen.of(unseen))
    airy = replace(prepared, baseline_hu=np.full_like(prepared.baseline_hu, -1000.0))
    assert not {"noise_hu", "tissue_hu", "tissue_to_vein"} & features(Seen.of(airy)).keys()


def test_a_familiar_scan_is_not_remarked_upon(prepared: ModelInput) -> None:
    """Every feature at an end of its range is as well known as one within."""
    found = features(Seen.of(prepared))
    assert unfamiliar(found, {key: (value, value) for key, value in found.items()}) == ()
    assert unfamiliar(found, {}) == ()


@pytest.mark.parametrize(
    ("peak_hu", "strange"), [(40.0, False), (31.0, False), (29.0, True), (109.0, False)]
)
def test_a_little_beyond_a_range_is_not_strange(peak_hu: float, strange: bool) -> None:
    """A tenth of the range on either side counts as known."""
    words = unfamiliar({"vein_peak_hu": peak_hu}, {"vein_peak_hu": (40.0, 140.0)})
    assert bool(words) == strange


def test_what_is_strange_is_named_with_value_and_range() -> None:
    """A reader learns which feature, its value, and what the network knows."""
    found = {"vein_peak_hu": 612.4, "interval_s": 2.0}
    assert unfamiliar(found, {"vein_peak_hu": (36.0, 373.2), "interval_s": (0.5, 2.81)}) == (
        "the vein's peak is 612 HU (known: 36 HU to 373 HU)",
    )
