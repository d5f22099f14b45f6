"""A worker process around a fake model, run as a script by the tests that kill it.

``python -m tests.support.worker_process SETTINGS.json QUEUES MARKER``: while the file
``MARKER.hold`` exists, a prediction notes ``MARKER.begun`` and waits.
"""

import sys
import time
from functools import cached_property
from pathlib import Path

from node import log
from node.jobs import run_worker
from node.perfusion import ModelInput, PerfusionMaps
from node.ports import Model
from node.settings import Settings
from node.wiring import Node
from tests.support.fake_model import FakeModel


class HeldModel(FakeModel):
    """Waits in mid-prediction for as long as it is told to."""

    def __init__(self, marker: Path) -> None:
        super().__init__()
        self._hold, self._begun = marker.with_suffix(".hold"), marker.with_suffix(".begun")

    def predict(self, prepared: ModelInput) -> PerfusionMaps:
        self._begun.touch()
        while self._hold.exists():
            time.sleep(0.05)
        return super().predict(prepared)


class HeldNode(Node):
    """A real node but for its model."""

    marker: Path

    @cached_property
    def model(self) -> Model:
        return HeldModel(self.marker)


if __name__ == "__main__":
    log.configure(json=True)
    settings = Settings.model_validate_json(Path(sys.argv[1]).read_bytes())
    node = HeldNode(settings)
    node.marker = Path(sys.argv[3])
    run_worker(settings, sys.argv[2].split(","), node=node)
