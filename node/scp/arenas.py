"""Memory that many short-lived threads give back."""

import ctypes
from contextlib import suppress

_M_ARENA_MAX = -8  # malloc.h
_ARENAS = 2


def share_arenas() -> None:
    """All threads of this process take their memory from two arenas; does nothing without glibc.

    By default glibc gives threads up to eight arenas a core, and what is free in one serves no
    other: a listener that has had two hundred senders at once would keep hundreds of MiB, and more
    with each burst. Python's threads take turns anyway, so that they do not wait for each other.
    """
    with suppress(AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)
