"""How busy the GPUs are: told where there are some, and no trouble where there are none."""

import sys
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from node.jobs.gpu import gpu_vitals
from node.ports import GpuVitals


class FakeNvmlError(Exception):
    pass


@dataclass
class FakeNvml:
    """Two GPUs as NVIDIA's library tells of them, the second a part that does not say its load."""

    there: bool = True
    open: int = 0
    NVMLError = FakeNvmlError

    def nvmlInit(self) -> None:  # noqa: N802 - the library's own names
        if not self.there:
            raise FakeNvmlError("Driver Not Loaded")
        self.open += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.open -= 1

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return 2

    def nvmlDeviceGetHandleByIndex(self, number: int) -> int:  # noqa: N802
        return number

    def nvmlDeviceGetName(self, number: int) -> str:  # noqa: N802
        return f"GPU {number}"

    def nvmlDeviceGetMemoryInfo(self, number: int) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(used=number << 30, total=80 << 30)

    def nvmlDeviceGetUtilizationRates(self, number: int) -> SimpleNamespace:  # noqa: N802
        if number:
            raise FakeNvmlError("Not Supported")
        return SimpleNamespace(gpu=83)


def test_every_gpu_says_how_busy_and_how_full_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that does not say how busy it is still says how full; the library is let go."""
    nvml = FakeNvml()
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    assert gpu_vitals() == (
        GpuVitals("GPU 0", 0.83, 0, 80 << 30),
        GpuVitals("GPU 1", None, 1 << 30, 80 << 30),
    )
    assert nvml.open == 0


def test_without_a_driver_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a GPU is no trouble."""
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml(there=False))
    assert gpu_vitals() == ()


def test_without_the_library_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes with the extra ``gpu`` alone."""
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert gpu_vitals() == ()
