"""Scans that cannot be analysed: each must end in a refusal, never in a crash or a map."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from node.perfusion import DynamicCt


def break_scan(scan: DynamicCt, fault: str) -> DynamicCt:
    """The scan with one of :data:`FAULTS`.

    Raises
    ------
    ValueError
        If the fault is not known.
    """
    if fault not in FAULTS:
        raise ValueError(f"no fault {fault!r}; there are {', '.join(FAULTS)}")
    return FAULTS[fault](scan)


def _one_frame(scan: DynamicCt) -> DynamicCt:
    return replace(scan, hu=scan.hu[:1], time_s=scan.time_s[:1], missing=scan.missing[:1])


def _not_a_number(scan: DynamicCt) -> DynamicCt:
    hu = scan.hu.copy()
    hu[:, :, ::7, ::5] = np.nan
    return replace(scan, hu=hu)


def _constant(scan: DynamicCt) -> DynamicCt:
    return replace(scan, hu=np.full_like(scan.hu, 40.0))


def _no_contrast(scan: DynamicCt) -> DynamicCt:
    """The first frame again and again: no artery ever fills."""
    return replace(scan, hu=np.repeat(scan.hu[:1], len(scan.hu), axis=0))


def _no_head(scan: DynamicCt) -> DynamicCt:
    return replace(scan, hu=np.full_like(scan.hu, -1000.0))


FAULTS: Mapping[str, Callable[[DynamicCt], DynamicCt]] = MappingProxyType(
    {
        "one frame": _one_frame,
        "not a number": _not_a_number,
        "constant": _constant,
        "no contrast": _no_contrast,
        "no head": _no_head,
    }
)
"""What may be broken about a scan, by name."""
