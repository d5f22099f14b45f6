"""The half-precision variant, on a tiny network; the CPU stands in for a GPU."""

import shutil
from datetime import date
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto
from typer.testing import CliRunner

from models.__main__ import app
from models.export import Origin, export_half, export_network, half_path, keep_manifest
from models.export.half import LAYERS
from models.export.onnx import digest
from models.network import PerfusionNet, Widths
from node.inference import Manifest, Training, load_model, manifest_path, read_manifest
from node.perfusion import Quantity
from tests.support.science import prepared_of, scan_of

TRAINING = Training(data="none", cases=1, seed=0, steps=1, normalisation="inside")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny network and its variant, written once."""
    torch.manual_seed(5)
    path = tmp_path_factory.mktemp("half") / "perfusion.onnx"
    network = PerfusionNet(widths=Widths(filters=16, hidden=8, levels=(8, 12, 16)))
    export_network(network, path, Origin("9.9.9", date(2026, 1, 1), TRAINING))
    export_half(path)
    return path


@pytest.fixture
def single(written: Path, tmp_path: Path) -> Path:
    """A copy of the network in single precision, without its variant."""
    for name in (written, written.with_suffix(".json")):
        shutil.copy(name, tmp_path)
    return tmp_path / written.name


def resealed(path: Path, **changes: object) -> None:
    """A manifest that holds again for a file that was changed, with changes of its own."""
    manifest = Manifest.model_validate_json(manifest_path(path).read_bytes())
    manifest = manifest.model_copy(update={"sha256": digest(path), **changes})
    keep_manifest(manifest, path)


def test_half_precision_gives_the_same_maps(written: Path) -> None:
    """Every output agrees within a hundredth, fed the very same arrays by the node."""
    model, half = (load_model(path, device="cpu") for path in (written, half_path(written)))
    prepared = prepared_of(scan_of(rows=48, pixel_mm=200 / 48), model.grid)
    wanted, found = model.predict(prepared), half.predict(prepared)
    assert found.parenchyma is not None
    assert wanted.parenchyma is not None
    np.testing.assert_allclose(found.parenchyma, wanted.parenchyma, atol=2e-3)
    for quantity in Quantity:
        np.testing.assert_allclose(found[quantity], wanted[quantity], rtol=1e-2, atol=1e-3)
        np.testing.assert_allclose(
            found.uncertainty[quantity], wanted.uncertainty[quantity], rtol=1e-2, atol=1e-3
        )


@pytest.mark.parametrize("vein_hu", [0.0, 400.0, 40_000.0])
def test_no_scan_is_beyond_half_precision(written: Path, vein_hu: float) -> None:
    """Air, metal and a missing bolus come out as in single precision: HU are never rounded."""
    random = np.random.default_rng(1)
    side = 16
    feed = {
        "enhancement": random.uniform(-5e3, 9e4, (1, 32, side, side)).astype(np.float32),
        "baseline": random.choice([-1000.0, 35.0, 7e4], (1, side, side)).astype(np.float32),
        "vessels": random.uniform(0.0, vein_hu, (1, 2, 32)).astype(np.float32),
    }
    wanted, found = (
        onnxruntime.InferenceSession(path).run(None, feed) for path in (written, half_path(written))
    )
    for one, other in zip(found, wanted, strict=True):
        assert one.dtype == np.float32
        np.testing.assert_allclose(one, other, rtol=2e-2, atol=2e-3)


def test_layers_are_in_half_precision_and_nothing_else_is(written: Path) -> None:
    """Weights of all layers are halved; the vein's division and the outputs' ranges are not."""
    graph = onnx.shape_inference.infer_shapes(onnx.load(half_path(written))).graph
    kinds = {value.name: value.type.tensor_type.elem_type for value in graph.value_info}
    kinds |= {value.name: value.type.tensor_type.elem_type for value in graph.output}
    kinds |= {value.name: value.data_type for value in graph.initializer}
    by_type: dict[str, set[int]] = {}
    for node in graph.node:
        by_type.setdefault(node.op_type, set()).add(kinds[node.output[0]])
    assert all(by_type[name] == {TensorProto.FLOAT16} for name in LAYERS)
    exact = ("Reciprocal", "ReduceMax", "Clip", "Div", "Softplus")
    assert all(by_type[name] == {TensorProto.FLOAT} for name in exact)


def test_the_variant_says_what_differs(written: Path) -> None:
    """Version and origin are the same; precision and checksum are its own; metrics are to come."""
    scored = read_manifest(written).model_copy(update={"metrics": {"cases": 1.0}})
    keep_manifest(scored, written)
    told = export_half(written)
    assert told == read_manifest(half_path(written))
    same = {"precision": "float32", "sha256": scored.sha256, "metrics": scored.metrics}
    assert told.model_copy(update=same) == scored
    assert (told.precision, told.metrics) == ("float16", {})


def test_weights_without_parenchyma_are_halved_too(single: Path) -> None:
    """Exported files from before that output, whose manifests lack it, go on being taken."""
    outputs = read_manifest(single).outputs[:-1]
    graph = onnx.load(single)
    del graph.graph.output[-1]
    onnx.save(graph, single)
    resealed(single, outputs=outputs)
    done = CliRunner().invoke(app, ["halve", str(single)])
    assert done.exit_code == 0, done.output
    found = load_model(half_path(single), device="cpu").manifest
    assert found.outputs == outputs
    assert f"{half_path(single)}: perfusion-unet 9.9.9, sha256 {found.sha256}" in done.stdout


def test_a_variant_is_not_halved_again(written: Path) -> None:
    """Half of a half would be a third file of the same content: the mistake is said."""
    with pytest.raises(ValueError, match=r"perfusion-fp16\.onnx is in half precision already"):
        export_half(half_path(written))


def test_weights_that_half_precision_cannot_hold_are_refused(single: Path) -> None:
    """Nothing is clipped in silence: the weight's name is told, and no file is written."""
    graph = onnx.load(single)
    big = next(each for each in graph.graph.initializer if each.name.endswith("fixed.weight"))
    values = onnx.numpy_helper.to_array(big) + np.float32(1e5)
    big.CopyFrom(onnx.numpy_helper.from_array(values, big.name))
    onnx.save(graph, single)
    resealed(single)
    with pytest.raises(ValueError, match=r"fixed\.weight holds weights beyond half precision"):
        export_half(single)
    assert not half_path(single).exists()
