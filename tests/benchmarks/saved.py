"""What benchmarks found, kept as JSON in ``.bench``: for pictures and for ``make bench-check``."""

import json
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".bench"


def machine() -> str:
    """The machine in words."""
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


def keep(name: str, found: Mapping[str, Any], folder: Path = FOLDER) -> dict[str, Any]:
    """What a benchmark found, as kept in ``.bench/NAME.json`` and printed as one line of JSON."""
    whole = {"benchmark": name, "machine": machine(), "date": f"{datetime.now(UTC):%Y-%m-%d}"}
    whole |= found
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(whole, indent=1) + "\n")
    print("\n" + json.dumps(whole))
    return whole


def kept(folder: Path = FOLDER) -> dict[str, dict[str, Any]]:
    """The last results of every benchmark that has any, by its name."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}
