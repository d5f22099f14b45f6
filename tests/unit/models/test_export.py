from datetime import date
from pathlib import Path

import numpy as np
import pytest
import torch

from models.evaluation import Case, estimator, score
from models.export import WEIGHTS, Origin, export_network
from models.network import SCALES, PerfusionNet, Widths
from models.training import GRID
from node.inference import Training, load_model, read_manifest
from node.perfusion import Quantity, restore
from node.settings import ModelSettings
from tests.support.science import prepared_of, scan_of

TRAINING = Training(data="none", cases=1, seed=0, steps=1, normalisation="inside")


@pytest.fixture(scope="module")
def network() -> PerfusionNet:
    torch.manual_seed(3)
    return PerfusionNet(widths=Widths(filters=16, hidden=8, levels=(8, 12, 16))).eval()


@pytest.fixture(scope="module")
def exported(network: PerfusionNet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "perfusion.onnx"
    origin = Origin("9.9.9", date(2026, 1, 1), TRAINING, {"noise_hu": (1.0, 8.0)})
    export_network(network, path, origin, {Quantity.CBF: 2.0})
    return path


@pytest.mark.parametrize(("rows", "slices"), [(48, 1), (64, 4), (48, 37)])
def test_the_exported_network_gives_torchs_maps(
    network: PerfusionNet, exported: Path, rows: int, slices: int
) -> None:
    """Torch and the node's ONNX Runtime agree on any slice count, in batches or at once."""
    model = load_model(exported, device="cpu")
    prepared = prepared_of(scan_of(rows=rows, pixel_mm=200 / rows, slices=slices), model.grid)
    vessels = np.repeat(prepared.vessels_hu[None], len(prepared.enhancement), axis=0)
    arrays = (prepared.enhancement, prepared.baseline_hu, vessels)
    with torch.no_grad():
        maps, doubts, odds = (m.numpy() for m in network(*(torch.from_numpy(a) for a in arrays)))
    doubts[:, 0] *= 2.0
    wanted = restore(
        {q: maps[:, i] for i, q in enumerate(SCALES)},
        prepared,
        model.estimator,
        uncertainty={q: doubts[:, i] for i, q in enumerate(SCALES)},
        parenchyma=1.0 / (1.0 + np.exp(-odds)),
    )
    found = model.predict(prepared)
    assert found.parenchyma is not None
    assert wanted.parenchyma is not None
    np.testing.assert_allclose(found.parenchyma, wanted.parenchyma, rtol=1e-3, atol=1e-3)
    for quantity in SCALES:
        np.testing.assert_allclose(found[quantity], wanted[quantity], rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(
            found.uncertainty[quantity], wanted.uncertainty[quantity], rtol=1e-3, atol=1e-3
        )


def test_the_manifest_says_what_was_exported(exported: Path) -> None:
    """Grid, version and origin of the weights stand beside them, and survive a reading."""
    manifest = load_model(exported, device="cpu").manifest
    assert manifest.model_grid == GRID
    assert manifest.version == "9.9.9"
    assert manifest.training == TRAINING
    assert manifest.familiar == {"noise_hu": (1.0, 8.0)}


def test_the_shipped_weights_are_small_enough() -> None:
    """Weights travel with the repository: below 16 MiB."""
    assert WEIGHTS.stat().st_size < 16 * 2**20


def test_the_shipped_variant_in_half_precision_finds_the_same_lesions() -> None:
    """It is the shipped weights' own, and its volumes are theirs to 1 % or 0.2 ml."""
    half = ModelSettings(precision="float16").file
    assert read_manifest(half).version == read_manifest(WEIGHTS).version
    made = Case(seed=910_003, rows=128, slices=16).make()
    wanted, found = (score(estimator(str(path)), made).lesions for path in (WEIGHTS, half))
    for name, lesion in wanted.items():
        assert lesion.found_ml > 5.0
        assert found[name].found_ml == pytest.approx(lesion.found_ml, rel=0.01, abs=0.2)


def test_the_shipped_weights_hold_a_floor_on_an_unseen_patient() -> None:
    """One fixed simulated stroke, never trained on, comes out roughly right."""
    made = Case(seed=910_003, rows=128, slices=16).make()
    lesion = score(estimator(str(WEIGHTS)), made).lesions["hypoperfusion"]
    assert lesion.dice is not None
    assert lesion.dice > 0.8
    assert lesion.found_ml == pytest.approx(lesion.truth_ml, rel=0.25)
