"""What benchmarks found, kept as JSON in ``.bench``: for pictures and for ``make bench-check``."""

import hashlib
import json
import os
import platform
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".bench"


def machine() -> str:
    """The machine in words."""
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


def yardstick_s() -> float:
    """Seconds that a fixed piece of work takes on one core, here and now: the least of five.

    Times of one run over this of the same run travel from machine to machine better than
    seconds do. A third each is Python's, numpy's and a checksum's.
    """
    return min(_work_s() for _ in range(5))


def _work_s() -> float:
    values = np.random.default_rng(0).standard_normal((256, 256))
    began = time.perf_counter()
    for _ in range(16):
        np.abs(np.fft.fft2(values)).sum()
    hashlib.sha256(b"\0" * 20_000_000).digest()
    sum(number * number % 7 for number in range(400_000))
    return time.perf_counter() - began


def keep(name: str, found: Mapping[str, Any], folder: Path = FOLDER) -> dict[str, Any]:
    """What a benchmark found, as kept in ``.bench/NAME.json`` and printed as one line of JSON."""
    whole = {
        "benchmark": name,
        "machine": machine(),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "yardstick_s": yardstick_s(),
        **found,
    }
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(whole, indent=1) + "\n")
    print("\n" + json.dumps(whole))
    return whole


def kept(folder: Path = FOLDER) -> dict[str, dict[str, Any]]:
    """The last results of every benchmark that has any, by its name."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}
