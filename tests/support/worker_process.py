"""A worker process around a fake model, run as a script by the tests that kill it.

``python -m tests.support.worker_process SETTINGS.json QUEUES MARKER``: while the file
``MARKER.hold`` exists, a prediction notes ``MARKER.begun`` and waits; then it takes as many seconds
as ``MARKER.takes`` says. A scan of as many slices as
``MARKER.poison`` says first breaks its worker in the way that it says then. While ``MARKER.deaf``
exists, the worker hangs after a step.
"""

import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from celery.signals import task_postrun

from node import log
from node.errors import InferenceError
from node.jobs import run_worker
from node.perfusion import ModelInput, PerfusionMaps
from node.ports import Model
from node.settings import Settings
from node.wiring import Node
from tests.support.fake_model import FakeModel


class HeldModel(FakeModel):
    """Waits in mid-prediction for as long as it is told to, or does not survive it."""

    def __init__(self, marker: Path) -> None:
        super().__init__()
        self._hold, self._begun = marker.with_suffix(".hold"), marker.with_suffix(".begun")
        self._poison = marker.with_suffix(".poison")
        self._takes = marker.with_suffix(".takes")
        self._device_lost = False

    def predict(self, prepared: ModelInput) -> PerfusionMaps:
        self._begun.touch()
        while self._hold.exists():
            time.sleep(0.05)
        if self._takes.exists():
            time.sleep(float(self._takes.read_text()))
        if self._poison.exists():
            slices, how = self._poison.read_text().split()
            if prepared.brain.shape[0] == int(slices):
                self._break(how)
        if self._device_lost:
            raise InferenceError("ONNX Runtime failed: CUDA failure 999: unknown error")
        return super().predict(prepared)

    def _break(self, how: str) -> None:
        """As the kernel, the allocator, a library and a driver do it."""
        if how == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        elif how == "ended":
            os._exit(1)
        elif how == "memory":
            resource.setrlimit(resource.RLIMIT_AS, (1 << 30, resource.RLIM_INFINITY))
            bytearray(2 << 30)
        # CUDA does not forgive within a process: from here on every prediction fails
        self._device_lost = True


def _hang_after_steps(deaf: Path) -> Callable[..., None]:
    """What Celery calls after a task: as a consumer that is stuck in its connection."""

    def hang(**_: object) -> None:
        while deaf.exists():
            time.sleep(0.05)

    return hang


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
    hang = _hang_after_steps(node.marker.with_suffix(".deaf"))
    task_postrun.connect(hang)
    run_worker(settings, sys.argv[2].split(","), node=node)
