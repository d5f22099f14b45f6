"""A part that goes round beats; one that hangs or is gone does not."""

import os
import time
from pathlib import Path

import pytest

from node import pulse
from node.jobs.vigil import Vigil
from node.pulse import Pulse, silent_s
from tests.support.prompt import perfusion_node
from tests.support.running_node import free_port, wait_for
from tests.support.scp_process import scp_process


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The parts' own temporary folder."""
    monkeypatch.setattr(pulse.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_a_part_that_has_just_beaten_is_alive(folder: Path) -> None:
    """Exit code 0 says so; of a part that never ran, 1."""
    Pulse("analyse", "deliver").beat()
    assert [perfusion_node("alive", part).code for part in ("analyse", "deliver", "scp")] == [
        0,
        0,
        1,
    ]


def test_a_part_that_has_been_silent_for_a_minute_is_not(folder: Path) -> None:
    """It hangs, or is gone: how long is told."""
    Pulse("scp").beat()
    then = time.time() - 90
    os.utime(folder / "perfusion-node-scp.alive", (then, then))
    said = perfusion_node("alive", "scp")
    assert said.code == 1
    assert "90 s ago" in said.out or "91 s ago" in said.out


def test_another_word_than_a_part_is_a_bad_call() -> None:
    """Exit code 2, with what there is."""
    said = perfusion_node("alive", "worker")
    assert said.code == 2
    assert "scp, analyse, deliver" in said.err


def test_a_link_that_somebody_else_put_there_is_not_followed(folder: Path) -> None:
    """The file behind it keeps its time."""
    other = folder / "other"
    other.touch()
    os.utime(other, (1, 1))
    (folder / "perfusion-node-scp.alive").symlink_to(other)
    Pulse("scp").beat()
    assert other.stat().st_mtime == 1


class Nothing:
    """A queue in which nothing waits."""

    def waiting(self, _: str) -> int:
        return 0


def test_a_worker_beats_whenever_it_looks_at_itself() -> None:
    """The sweep's thread looks; a worker whose sweep hangs is silent."""
    vigil = Vigil(Nothing(), ["analyse"], 60.0, lambda: None)
    assert silent_s("analyse") is None
    vigil.look()
    assert silent_s("analyse") is not None


def test_a_listener_beats(folder: Path) -> None:
    """From the loop that takes associations."""
    with scp_process(folder, free_port()):
        assert wait_for(lambda: silent_s("scp") is not None, "the listener beats")
