"""Group commit: who asks while a synchronisation runs shares the next one."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from node.errors import SpoolError
from node.group_commit import GroupCommit
from tests.support.running_node import wait_for


class Disk:
    """Synchronises letters, all of a call at once; it fails with an ``x`` and breaks with a ``?``.

    The first call waits until it is let on, so that others come meanwhile.
    """

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.go_on = threading.Event()

    def __call__(self, letters: Sequence[str]) -> Sequence[str]:
        self.calls.append(list(letters))
        if len(self.calls) == 1:
            assert self.go_on.wait(60)
        if "x" in letters:
            raise SpoolError("x cannot be synchronised")
        if "?" in letters:
            raise LookupError("a bug")
        return [letter.upper() for letter in letters]


def together(disk: Disk, letters: str) -> list[Future[str]]:
    """What came of letters that were all asked for while the first was being synchronised."""
    group: GroupCommit[str, str] = GroupCommit(disk)
    with ThreadPoolExecutor(len(letters)) as pool:
        asked = [pool.submit(group, letters[0])]
        wait_for(lambda: bool(disk.calls), "the first is being served")
        asked += [pool.submit(group, letter) for letter in letters[1:]]
        wait_for(lambda: len(group._waiting) == len(letters) - 1, "the others wait")
        disk.go_on.set()
    return asked


def test_alone_nobody_waits_for_anybody() -> None:
    """A request that comes alone is served at once, by itself."""
    disk = Disk()
    disk.go_on.set()
    group: GroupCommit[str, str] = GroupCommit(disk)
    assert [group("a"), group("b")] == ["A", "B"]
    assert disk.calls == [["a"], ["b"]]


def test_who_comes_meanwhile_shares_the_next_turn() -> None:
    """Five that wait are served in one call, and each has its own answer."""
    disk = Disk()
    asked = together(disk, "abcdef")
    assert [future.result() for future in asked] == list("ABCDEF")
    assert [sorted(call) for call in disk.calls] == [["a"], list("bcdef")]


def test_one_at_fault_fails_no_other() -> None:
    """Where a turn fails each is tried alone: the fault meets the one that caused it."""
    disk = Disk()
    first, bad, *others = together(disk, "axbc")
    assert first.result() == "A"
    assert [future.result() for future in others] == ["B", "C"]
    with pytest.raises(SpoolError, match="x cannot be synchronised"):
        bad.result()
    assert sorted(len(call) for call in disk.calls) == [1, 1, 1, 1, 3]


def test_a_bug_surfaces_and_strands_nobody() -> None:
    """What is no fault of the node's surfaces in a thread that asked; the others are served."""
    disk = Disk()
    _, *others = together(disk, "a?bc")
    ends = [future.exception() for future in others]
    # Whoever had the turn saw it, and the one that caused it.
    assert {type(end) for end in ends} <= {type(None), LookupError}
    assert isinstance(ends[0], LookupError)
    assert sum(end is None for end in ends) >= 1
