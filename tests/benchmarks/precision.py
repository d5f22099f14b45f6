"""What fewer bits gain on a CPU: the network in float32, float16 and int8 on the same scans.

``python -m tests.benchmarks.precision`` simulates patients, quantises the convolutions to 8 bits
(weights by channel, activations by the range that three other patients reach) and prints a table:
seconds to predict, and the lesions against the simulated truth. Nothing it makes is kept.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from models.simulator import ACQUISITIONS, SimulatedScan, simulate
from node.inference import OnnxModel, read_manifest
from node.perfusion import LesionThresholds, ModelInput, Quantity, find_lesion, prepare
from node.refusals import Refusal
from node.settings import WEIGHTS

FIRST, CALIBRATION = 965_000, 965_900
WHOLE, HALF = WEIGHTS / "perfusion.onnx", WEIGHTS / "perfusion-fp16.onnx"
Feed = dict[str, NDArray[np.float32]]


class Listening:
    """A session that remembers what it was fed."""

    def __init__(self, session: ort.InferenceSession) -> None:
        self._session = session
        self.feeds: list[Feed] = []

    def run(self, outputs: Sequence[str], feed: Feed) -> Any:
        self.feeds.append(feed)
        return self._session.run(outputs, feed)


class Fed(CalibrationDataReader):  # type: ignore[misc]  # ONNX Runtime has no types
    """Slices, four at a time."""

    def __init__(self, feeds: Sequence[Feed]) -> None:
        self._parts: Iterator[Feed] = (
            {name: values[i : i + 4] for name, values in feed.items()}
            for feed in feeds
            for i in range(0, len(feed["enhancement"]), 4)
        )

    def get_next(self) -> Feed | None:
        return next(self._parts, None)


def open_session(path: Path) -> ort.InferenceSession:
    return ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def patient(seed: int) -> tuple[SimulatedScan, ModelInput]:
    """A stroke patient and the network's input."""
    made = simulate(seed, ACQUISITIONS["standard"], pathology="stroke")
    prepared = prepare(made.scan, read_manifest(WHOLE).model_grid)
    if isinstance(prepared, Refusal):
        raise SystemExit(f"patient {seed} is refused: {prepared.found}")
    return made, prepared


def eight_bits(folder: Path) -> Path:
    """The network with quantised convolutions."""
    listening = Listening(open_session(WHOLE))
    model = OnnxModel(read_manifest(WHOLE), listening)
    for seed in range(CALIBRATION, CALIBRATION + 3):
        model.predict(patient(seed)[1])
    plain, out = folder / "plain.onnx", folder / "int8.onnx"
    quant_pre_process(str(WHOLE), str(plain), skip_symbolic_shape=True)
    quantize_static(
        str(plain),
        str(out),
        Fed(listening.feeds),
        op_types_to_quantize=["Conv"],
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    return out


def dice(ours: NDArray[np.bool_], theirs: NDArray[np.bool_]) -> float:
    both = int(ours.sum() + theirs.sum())
    return 2.0 * int((ours & theirs).sum()) / both if both else 1.0


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=12)
    patients = parser.parse_args().patients
    with tempfile.TemporaryDirectory() as folder:
        files = {"float32": WHOLE, "float16": HALF, "int8": eight_bits(Path(folder))}
        manifest = read_manifest(WHOLE)
        models = {name: OnnxModel(manifest, open_session(path)) for name, path in files.items()}
    took_s: dict[str, list[float]] = {name: [] for name in models}
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in models}
    for seed in range(FIRST, FIRST + patients):
        made, prepared = patient(seed)
        whole = models["float32"].predict(prepared)
        tissue = made.truth.masks.parenchyma
        for name, model in models.items():
            began = time.perf_counter()
            maps = model.predict(prepared)
            took_s[name].append(time.perf_counter() - began)
            lesion = find_lesion(maps, LesionThresholds())
            truth = made.truth
            apart = (
                float(np.abs(maps[quantity] - whole[quantity])[tissue].mean())
                for quantity in (Quantity.CBF, Quantity.TMAX)
            )
            slow, core = (
                dice(lesion.hypoperfusion, truth.hypoperfusion),
                dice(lesion.core, truth.core),
            )
            found[name].append((slow, core, *apart))
    print(f"{patients} simulated stroke patients from seed {FIRST}, 16 slices of 512 x 512 each")
    print("\n| network | predicting [s] | over float32 | hypoperfusion: Dice | core: Dice ", end="")
    print("| CBF off float32's [ml/100 g/min] | Tmax off float32's [s] |")
    print("|---|---|---|---|---|---|---|")
    for name, seconds in took_s.items():
        ratio = statistics.median(a / b for a, b in zip(seconds, took_s["float32"], strict=True))
        means = [statistics.fmean(values) for values in zip(*found[name], strict=True)]
        spread = f"{min(seconds):.2f}-{max(seconds):.2f}"
        median = statistics.median(seconds)
        print(f"| {name} | {median:.2f} ({spread}) | {ratio:.2f} | ", end="")
        print(" | ".join(f"{mean:.3f}" for mean in means), "|")


if __name__ == "__main__":
    main()
