"""Frames side by side on all cores: numpy and scipy let go of the interpreter's lock."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeAlias

Each: TypeAlias = Callable[[Callable[..., Any], Iterable[Any]], Iterable[Any]]
"""``map``, or one that works side by side."""

_MOST_THREADS = 8


@contextmanager
def threads() -> Iterator[Each]:
    """A ``map`` on as many threads as there are cores; what it gives is in the order asked."""
    with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1)) as pool:
        yield pool.map
