"""How busy and how full the GPUs of this machine are, by NVIDIA's management library."""

from contextlib import suppress
from importlib import import_module
from types import ModuleType

from node.ports import GpuVitals


def gpu_vitals() -> tuple[GpuVitals, ...]:
    """Each GPU now; none where there is no GPU, no driver, or no library for it."""
    try:
        pynvml = import_module("pynvml")
    except ImportError:  # of the extra ``gpu``
        return ()
    try:
        pynvml.nvmlInit()
        try:
            return tuple(_vitals(pynvml, i) for i in range(pynvml.nvmlDeviceGetCount()))
        finally:
            pynvml.nvmlShutdown()
    except pynvml.NVMLError:
        return ()


def _vitals(nvml: ModuleType, number: int) -> GpuVitals:
    gpu = nvml.nvmlDeviceGetHandleByIndex(number)
    memory = nvml.nvmlDeviceGetMemoryInfo(gpu)
    load: float | None = None
    with suppress(nvml.NVMLError):  # a part of a GPU (MIG) does not say
        load = nvml.nvmlDeviceGetUtilizationRates(gpu).gpu / 100.0
    return GpuVitals(str(nvml.nvmlDeviceGetName(gpu)), load, int(memory.used), int(memory.total))
