"""Which slices a page shows, where it has no room for all of them."""

import numpy as np
from numpy.typing import NDArray

from node.perfusion import Lesion, PerfusionMaps

MAP_SLICES = 8


def instructive_slice(maps: PerfusionMaps, lesion: Lesion) -> int:
    """The slice with most core, or most hypoperfusion, or most brain."""
    for mask in (lesion.core, lesion.hypoperfusion, maps.brain):
        areas = mask.sum(axis=(1, 2))
        if areas.any():
            return int(areas.argmax())
    return len(maps.brain) // 2


def representative_slices(
    maps: PerfusionMaps, instructive: int, most: int = MAP_SLICES
) -> tuple[int, ...]:
    """Slices with brain: evenly spaced ones, and the instructive one in the nearest's place."""
    present = np.array([brain.any() for brain in maps.brain])
    return evenly_spread(present, instructive, most)


def evenly_spread(wanted: NDArray[np.bool_], instructive: int, most: int) -> tuple[int, ...]:
    """At most so many of the slices that are ``wanted``, or of all where none is, in order.

    Parameters
    ----------
    wanted
        (slices,): which slices show something, for example brain.
    instructive
        The slice that takes the nearest one's place.
    most
        How many there is room for.
    """
    known = np.flatnonzero(wanted)
    if not len(known):
        known = np.arange(len(wanted))
    if len(known) <= most:
        return tuple(map(int, known))
    middles = (np.arange(most) + 0.5) * len(known) / most
    chosen: NDArray[np.intp] = known[middles.astype(int)]
    chosen[np.abs(chosen - instructive).argmin()] = instructive
    return tuple(map(int, chosen))


def every_so_many(slices: int, instructive: int, most: int) -> tuple[int, ...]:
    """All slices, or every second, third ... so that there is room; the instructive one is in."""
    step = -(-slices // most)
    return tuple(range(instructive % step, slices, step))
