"""A worker reports itself, so that people see who is alive and what each works at."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType

from node import __version__
from node.errors import RegistryUnavailableError
from node.jobs.beside import Beside
from node.jobs.gpu import gpu_vitals
from node.jobs.owner import this_process
from node.ports import WorkerRecord, Workers

EVERY_S = 10.0
_ON_GPU = ("CUDA", "Tensorrt")


class Presence(Beside):
    """Reports this process every ten seconds until the ``with`` block ends.

    Without the registry nothing is said; that it does not answer, the sweep tells.

    Parameters
    ----------
    registry
        Where it is noted.
    queues, device
        What this worker works at, and on what.
    """

    def __init__(self, registry: Workers, queues: Sequence[str], device: str) -> None:
        super().__init__("presence")
        now = datetime.now(UTC)
        self._registry = registry
        self._worker = WorkerRecord(this_process(), tuple(queues), device, __version__, now, now)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, trace)
        with suppress(RegistryUnavailableError):
            self._registry.leave(self._worker.name)

    def _run(self) -> None:
        while True:
            with suppress(RegistryUnavailableError):
                on_gpu = self._worker.device.startswith(_ON_GPU)
                gpus = gpu_vitals() if on_gpu else ()
                now = datetime.now(UTC)
                self._registry.report(replace(self._worker, seen_at=now, gpus=gpus))
            if self._ended.wait(EVERY_S):
                return
