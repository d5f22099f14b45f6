import hashlib
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from node.errors import InferenceError, ModelError
from node.inference import KnownModel, OnnxModel, load_model, read_manifest
from node.perfusion import ModelGrid, PerfusionMaps, Quantity, restore
from node.ports import Model
from node.settings import WEIGHTS
from tests.support.science import prepared_of, scan_of

SHIPPED = WEIGHTS / "perfusion.onnx"


@pytest.fixture(scope="module")
def model() -> OnnxModel:
    return load_model(SHIPPED, device="cpu", threads=1)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The shipped pair, copied to where a test may spoil it."""
    for name in ("perfusion.onnx", "perfusion.json"):
        shutil.copy(WEIGHTS / name, tmp_path / name)
    return tmp_path / "perfusion.onnx"


def _spoil(weights: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = weights.with_suffix(".json")
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def _predict(model: Model, **changes: object) -> PerfusionMaps:
    return model.predict(prepared_of(scan_of(**changes), model.grid))


def test_the_shipped_model_gives_maps_on_the_scans_grid(model: OnnxModel) -> None:
    """Every quantity comes back on the scan's pixels, finite, 0 outside the brain."""
    maps = _predict(model)
    assert maps.brain.shape == (4, 64, 64)
    assert set(maps.values) == set(Quantity)
    assert maps.estimator == model.estimator
    assert not maps[Quantity.CBF][~maps.brain].any()
    assert maps[Quantity.CBF][maps.brain].mean() > 1.0


def test_maps_do_not_depend_on_the_strength_of_the_bolus(model: OnnxModel) -> None:
    """Half the contrast everywhere gives nearly the same maps: the graph divides by the vein."""
    prepared = prepared_of(scan_of(noise_hu=1.0), model.grid)
    half = replace(
        prepared,
        enhancement=0.5 * prepared.enhancement,
        vessels_hu=0.5 * prepared.vessels_hu,
    )
    one, other = model.predict(prepared), model.predict(half)
    for quantity in Quantity:
        np.testing.assert_allclose(one[quantity], other[quantity], rtol=1e-3, atol=1e-3)


def test_the_same_input_gives_the_same_maps(model: OnnxModel) -> None:
    """Results are repeatable to the bit."""
    one, other = _predict(model), _predict(model)
    for quantity in Quantity:
        np.testing.assert_array_equal(one[quantity], other[quantity])


def test_a_volume_larger_than_a_batch_equals_its_parts(model: OnnxModel) -> None:
    """A slice depends on its neighbours within reach alone: batching changes nothing."""
    whole = prepared_of(scan_of(slices=20), model.grid)
    maps = model.predict(whole)
    reach = model.manifest.reach_slices
    # The batch ends at 16; the part begins so that slice 16 has all its neighbours.
    first = 16 - reach
    part = replace(
        whole,
        enhancement=whole.enhancement[first:],
        baseline_hu=whole.baseline_hu[first:],
        brain=whole.brain[first:],
        scan_baseline_hu=whole.scan_baseline_hu[first:],
        scan=replace(
            whole.scan,
            hu=whole.scan.hu[:, first:],
            time_s=whole.scan.time_s[:, first:],
            missing=whole.scan.missing[:, first:],
        ),
    )
    alone = model.predict(part)
    for quantity in Quantity:
        np.testing.assert_allclose(maps[quantity][16:], alone[quantity][reach:], 1e-3, 1e-3)


def test_input_for_another_grid_is_a_fault(model: OnnxModel) -> None:
    """A grid that is not the model's own is refused before it is run."""
    prepared = prepared_of(scan_of(), ModelGrid(32, 2.0, 3.6, 16))
    with pytest.raises(InferenceError, match="made for"):
        model.predict(prepared)


def test_a_failing_run_is_an_inference_fault(model: OnnxModel) -> None:
    """What ONNX Runtime raises comes out as the node's own error, worth another try."""
    prepared = replace(prepared_of(scan_of(), model.grid), vessels_hu=np.zeros((2, 0), np.float32))
    with pytest.raises(InferenceError, match="ONNX Runtime failed"):
        model.predict(prepared)
    assert InferenceError.retry


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda m: m.update(sha256="0" * 64), "sha256"),
        (lambda m: m.update(licence=""), "licence"),
        (lambda m: m.update(colour="blue"), "colour"),
        (lambda m: m.pop("grid"), "grid"),
        (lambda m: m["outputs"].pop(), "parenchyma"),
        (lambda m: m["outputs"][0].update(unit="ml/min"), "ml/min"),
        (lambda m: m["outputs"][0].update(name="flow"), "flow"),
        (lambda m: m["outputs"][5].pop("quantity"), "as uncertainty of None"),
        (lambda m: m["outputs"][5].update(kind="parenchyma"), "as parenchyma of CBF"),
        (lambda m: m["inputs"][0].update(name="curves"), "curves"),
        (lambda m: m["inputs"][2].update(name="curves"), "curves"),
        (lambda m: m["inputs"].pop(0), "they are enhancement"),
        (lambda m: m["inputs"].pop(), "says ['baseline', 'enhancement']"),
        (lambda m: m["inputs"][0].update(shape=["slices", 40, "r", "c"]), "enhancement"),
        (lambda m: m["inputs"][1].update(shape=["slices", "r"]), "baseline"),
        (lambda m: m.update(familiar={"age": [18, 99]}), "age"),
        (lambda m: m.update(familiar={"interval_s": [3.0, 0.5]}), "no range"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_manifest_that_does_not_match_is_refused(
    copied: Path, change: Callable[[dict[str, Any]], object], named: str
) -> None:
    """The message names the file and what differs."""
    _spoil(copied, change)
    with pytest.raises(ModelError, match=r"perfusion\.") as refused:
        load_model(copied, device="cpu")
    assert named in str(refused.value)


def test_what_a_model_is_familiar_with_stands_in_its_manifest(copied: Path) -> None:
    """The node asks the model, which knows what its manifest says, and nothing without."""
    _spoil(copied, lambda m: m.update(familiar={"interval_s": [0.5, 2.8]}))
    assert load_model(copied, device="cpu").familiar == {"interval_s": (0.5, 2.8)}
    _spoil(copied, lambda m: m.pop("familiar"))
    assert load_model(copied, device="cpu").familiar == {}


def test_a_graph_is_fed_what_its_manifest_names_alone(copied: Path) -> None:
    """A model that needs the enhancement only is given nothing else."""
    _write_sums(copied)
    digest = hashlib.sha256(copied.read_bytes()).hexdigest()
    _spoil(copied, lambda m: m.update(inputs=m["inputs"][:1], sha256=digest))
    _spoil(copied, lambda m: m.update(outputs=[o for o in m["outputs"] if o["kind"] == "map"]))
    model = load_model(copied, device="cpu")
    prepared = prepared_of(scan_of(), model.grid)
    sums = restore(
        dict.fromkeys(Quantity, prepared.enhancement.sum(axis=1)), prepared, model.estimator
    )
    found = model.predict(prepared)
    np.testing.assert_allclose(found[Quantity.CBF], sums[Quantity.CBF], rtol=1e-4, atol=1e-3)


def _write_sums(path: Path) -> None:
    """Replace a model by a graph whose every map is the sum of the enhancement over time."""
    kind = onnx.TensorProto.FLOAT
    given = onnx.helper.make_tensor_value_info("enhancement", kind, ["z", 32, "y", "x"])
    axis = onnx.helper.make_tensor("axis", onnx.TensorProto.INT64, [1], [1])
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("ReduceSum", ["enhancement", "axis"], [str(q)], keepdims=0)
            for q in Quantity
        ],
        "sums",
        [given],
        [onnx.helper.make_tensor_value_info(str(q), kind, ["z", "y", "x"]) for q in Quantity],
        [axis],
    )
    opset = onnx.helper.make_opsetid("", 18)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=9), path)


def test_a_damaged_file_is_refused(copied: Path) -> None:
    """One flipped byte is found by the checksum."""
    data = bytearray(copied.read_bytes())
    data[len(data) // 2] ^= 1
    copied.write_bytes(data)
    with pytest.raises(ModelError, match="sha256"):
        load_model(copied, device="cpu")


@pytest.mark.parametrize("missing", ["perfusion.onnx", "perfusion.json"])
def test_a_missing_file_is_named(copied: Path, missing: str) -> None:
    """Either half of the pair alone is no model."""
    (copied.parent / missing).unlink()
    with pytest.raises(ModelError, match=missing):
        load_model(copied, device="cpu")


def test_a_file_that_is_no_graph_is_refused(copied: Path) -> None:
    """Bytes that match their checksum but are no ONNX end in a fault, not in a crash."""
    copied.write_bytes(b"not a graph")
    _spoil(copied, lambda m: m.update(sha256=hashlib.sha256(b"not a graph").hexdigest()))
    with pytest.raises(ModelError, match="cannot open"):
        load_model(copied, device="cpu")


def test_asking_for_cuda_without_it_says_what_to_do() -> None:
    """A device that is not there is a fault with a remedy; auto falls back to the CPU."""
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        assert load_model(SHIPPED, device="cuda").provider == "CUDAExecutionProvider"
        return
    with pytest.raises(ModelError, match="cuda") as refused:
        load_model(SHIPPED, device="cuda")
    assert "perfusion-node[gpu]" in refused.value.remedy
    assert load_model(SHIPPED, device="auto").provider == "CPUExecutionProvider"


def test_a_gpu_searches_no_algorithms_anew_for_every_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where CUDA is offered it comes first, and takes cuDNN's heuristics; else the CPU runs it."""
    asked: list[object] = []
    real = onnxruntime.InferenceSession

    def session(path: str, options: object, providers: list[object]) -> object:
        asked.extend(providers)
        return real(path, options, providers=["CPUExecutionProvider"])

    both = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: both)
    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    load_model(SHIPPED, device="auto")
    (cuda, options), cpu = asked
    assert [cuda, cpu] == both
    assert options == {"cudnn_conv_algo_search": "HEURISTIC"}
    with pytest.raises(ModelError, match="could not be started"):
        load_model(SHIPPED, device="cuda")


def test_without_onnx_runtime_the_fault_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither distribution is a base dependency; the remedy says how to install one."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ModelError, match="not installed") as refused:
        load_model(SHIPPED)
    assert "pip install perfusion-node[cpu]" in refused.value.remedy


def test_an_unknown_device_is_a_fault() -> None:
    """Only auto, cuda and cpu are devices."""
    with pytest.raises(ModelError, match="tpu"):
        load_model(SHIPPED, device="tpu")


def test_a_known_model_is_read_again_only_where_its_file_is_another(copied: Path) -> None:
    """Pages ask every few seconds; a file that is exchanged is noticed all the same."""
    known = KnownModel(copied)
    first = known.estimator()
    assert first.sha256 == read_manifest(SHIPPED).sha256
    assert known.estimator() is first
    with copied.open("ab") as file:
        file.write(b"x")
    with pytest.raises(ModelError, match="sha256"):
        known.estimator()
    copied.with_suffix(".json").unlink()
    with pytest.raises(ModelError, match="does not exist"):
        known.estimator()
