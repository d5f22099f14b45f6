"""Whatever scan comes in: maps or a refusal by name, and never a warning of numpy's."""

import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from node.perfusion import (
    METHODS,
    DynamicCt,
    LesionThresholds,
    ModelInput,
    PerfusionMaps,
    Quantity,
    assess,
    estimate,
    find_lesion,
    prepare,
)
from node.refusals import Refusal, RefusalCode
from tests.support.science import GRID, maps_of, prepared_of, scan_of, with_hu

Spoil = Callable[[DynamicCt], DynamicCt]


@pytest.fixture(scope="module")
def scan() -> DynamicCt:
    return scan_of()


@pytest.fixture(autouse=True)
def numpy_is_silent():
    with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
        warnings.simplefilter("error")
        yield


def _part(scan: DynamicCt, frames: slice, slices: slice = slice(None)) -> DynamicCt:
    return replace(
        scan,
        hu=scan.hu[frames, slices],
        time_s=scan.time_s[frames, slices],
        missing=scan.missing[frames, slices],
    )


def _frames(count: int) -> Spoil:
    return lambda scan: _part(scan, slice(count))


def _slices(count: int) -> Spoil:
    return lambda scan: _part(scan, slice(None), slice(count))


def _one_pixel(value: float) -> Spoil:
    def spoil(scan: DynamicCt) -> DynamicCt:
        hu = scan.hu.copy()
        hu[3, 1, 5, 5] = value
        return with_hu(scan, hu)

    return spoil


def _filled(value: float) -> Spoil:
    return lambda scan: with_hu(scan, np.full_like(scan.hu, value))


def _still(scan: DynamicCt) -> DynamicCt:
    return with_hu(scan, np.repeat(scan.hu[:1], len(scan.hu), axis=0))


def _noise(scan: DynamicCt) -> DynamicCt:
    return with_hu(scan, np.random.default_rng(0).normal(40.0, 5.0, scan.shape))


def _backwards(scan: DynamicCt) -> DynamicCt:
    return with_hu(scan, scan.hu[::-1].copy())


REFUSED = {
    "one frame": (_frames(1), RefusalCode.TOO_FEW_FRAMES),
    "two frames": (_frames(2), RefusalCode.TOO_FEW_FRAMES),
    "four frames, all before contrast": (_frames(4), RefusalCode.NO_BOLUS),
    "one NaN": (_one_pixel(np.nan), RefusalCode.UNREADABLE_PIXELS),
    "one infinity": (_one_pixel(np.inf), RefusalCode.UNREADABLE_PIXELS),
    "constant grey": (_filled(40.0), RefusalCode.NO_BOLUS),
    "constant zero": (_filled(0.0), RefusalCode.NO_BRAIN),
    "air": (_filled(-1000.0), RefusalCode.NO_BRAIN),
    "huge": (_filled(1e30), RefusalCode.NO_BRAIN),
    "a head without contrast": (_still, RefusalCode.NO_BOLUS),
    "noise": (_noise, RefusalCode.NO_BOLUS),
}
ANALYSED: dict[str, Spoil] = {
    "one slice": _slices(1),
    "two slices": _slices(2),
    "time backwards": _backwards,
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_analysed_is_refused_in_silence(name: str, scan: DynamicCt) -> None:
    """A refusal names what was found; no division by zero, no mean of nothing on the way."""
    spoil, code = REFUSED[name]
    answer = prepare(spoil(scan), GRID)
    assert isinstance(answer, Refusal)
    assert answer.code is code
    assert any(c.isdigit() for c in answer.found)
    assert answer.remedy


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ANALYSED)
def test_what_is_odd_is_analysed_in_silence(name: str, method: str, scan: DynamicCt) -> None:
    """Fewer slices than any kernel, or an absurd course: finite maps, a lesion, flags."""
    prepared = prepare(ANALYSED[name](scan), GRID)
    assert isinstance(prepared, ModelInput)
    maps = estimate(prepared, METHODS[method])
    assert isinstance(maps, PerfusionMaps)
    assert all(np.isfinite(maps[q]).all() for q in Quantity)
    flags = assess(prepared, maps, find_lesion(maps, LesionThresholds()))
    assert "coverage" in {flag.code for flag in flags}


def test_maps_of_nothing_have_no_lesion(scan: DynamicCt) -> None:
    """An empty brain is no division by zero: no volumes, and the flag that says why."""
    prepared = prepared_of(scan)
    full = maps_of(np.full(prepared.brain.shape, 9.0), np.full(prepared.brain.shape, 5.0))
    nothing = {q: np.zeros_like(full[q]) for q in Quantity}
    empty = replace(full, values=nothing, brain=np.zeros_like(prepared.brain))
    lesion = find_lesion(empty, LesionThresholds())
    assert (lesion.core_ml, lesion.hypoperfusion_ml) == (0.0, 0.0)
    assert "no_normal_tissue" in {flag.code for flag in assess(prepared, empty, lesion)}


@pytest.mark.parametrize("axis", range(4))
def test_a_scan_of_no_pixels_is_no_scan(axis: int, scan: DynamicCt) -> None:
    """An empty axis is a mistake of the caller's, named when the scan is made."""
    nothing = [slice(None)] * 4
    nothing[axis] = slice(0)
    with pytest.raises(ValueError, match="holds no pixels"):
        with_hu(scan, scan.hu[tuple(nothing)])
