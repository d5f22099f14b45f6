"""An exported network with its layers in half precision, for GPUs; the node feeds it the same."""

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
from onnx_ir.passes.common import RemoveUnusedNodesPass, ShapeInferencePass

from models.export.onnx import digest, keep_manifest
from node.inference import Manifest, read_manifest

LAYERS = {"Conv", "ConvTranspose", "Gemm", "MatMul"}
SINGLE, HALF = ir.DataType.FLOAT, ir.DataType.FLOAT16


def half_path(path: Path) -> Path:
    """Where a model's half-precision variant lies: beside it."""
    return path.with_name(f"{path.stem}-fp16{path.suffix}")


def export_half(path: Path) -> Manifest:
    """Write the half-precision variant of a model, with a manifest of its own, beside it.

    Its inputs and outputs, version and origin are the model's; its metrics come from a score of
    its own.

    Parameters
    ----------
    path
        The .onnx file in single precision, its manifest beside it.

    Raises
    ------
    ModelError
        If file and manifest are missing or disagree.
    ValueError
        If it is in half precision already, or a weight is beyond that.
    """
    manifest = read_manifest(path)
    if manifest.precision != "float32":
        raise ValueError(f"{path} is in half precision already")
    model = ShapeInferencePass()(ir.load(path)).model
    halve(model.graph)
    RemoveUnusedNodesPass()(model)
    model.graph.sort()
    made = ir.to_proto(model)
    onnx.checker.check_model(made, full_check=True)
    out = half_path(path)
    onnx.save(made, out)
    told = manifest.model_copy(
        update={"precision": "float16", "sha256": digest(out), "metrics": {}}
    )
    keep_manifest(told, out)
    return told


def halve(graph: ir.Graph) -> None:
    """Compute everything from the first layers to the last in half precision.

    Normalisation comes before them and the outputs' ranges after them: both stay in single
    precision, so that no HU is rounded and nothing can overflow. Converters with lists of nodes
    to leave alone keep those' arithmetic in single precision, but pass what goes into and out of
    them through half all the same.

    Parameters
    ----------
    graph
        In single precision, of known types; changed in place.

    Raises
    ------
    ValueError
        If a weight is beyond half precision.
    """

    @cache
    def as_type(value: ir.Value, kind: ir.DataType) -> ir.Value:
        if value.is_initializer():
            return _half_weights(graph, value)
        cast = ir.node("Cast", [value], {"to": kind}, name=f"{value.name}_to_{kind.name}")
        made = cast.outputs[0]
        made.name, made.shape, made.dtype = f"{value.name}_{kind.name}", value.shape, kind
        graph.append(cast)
        return made

    inner = _from_first_to_last_layer(graph)
    changed = [out for node in inner for out in node.outputs if out.dtype == SINGLE]
    for value in changed:
        value.dtype = HALF
    for node in inner:
        for i, fed in enumerate(node.inputs):
            if fed is not None and fed.dtype == SINGLE:
                node.replace_input_with(i, as_type(fed, HALF))
    for value in changed:
        for node, i in [use for use in value.uses() if use[0] not in inner]:
            node.replace_input_with(i, as_type(value, SINGLE))


def _from_first_to_last_layer(graph: ir.Graph) -> set[ir.Node]:
    """The layers, and every node that has one both before and after it."""
    layers = [node for node in graph if node.op_type in LAYERS]
    after = _reached(layers, lambda node: node.successors())
    return after & _reached(layers, lambda node: node.predecessors())


def _reached(
    starts: Iterable[ir.Node], step: Callable[[ir.Node], Iterable[ir.Node]]
) -> set[ir.Node]:
    found: set[ir.Node] = set()
    ahead = list(starts)
    while ahead:
        node = ahead.pop()
        if node not in found:
            found.add(node)
            ahead.extend(step(node))
    return found


def _half_weights(graph: ir.Graph, value: ir.Value) -> ir.Value:
    """The same weights, rounded."""
    if value.const_value is None:
        raise ValueError(f"the graph has no values for {value.name}")
    weights = value.const_value.numpy()
    if np.abs(weights).max(initial=0.0) > np.finfo(np.float16).max:
        raise ValueError(f"{value.name} holds weights beyond half precision")
    rounded = ir.tensor(weights.astype(np.float16), name=f"{value.name}_half")
    made = ir.Value(name=rounded.name, shape=value.shape, type=ir.TensorType(HALF))
    made.const_value = rounded
    graph.register_initializer(made)
    return made
