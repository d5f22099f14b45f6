"""``perfusion-node up`` heals by itself, and leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.running_node import ROOT, RunningNode, running_node, wait_for


def part_pids(node: RunningNode, name: str) -> list[int]:
    """Process ids that the part was started with, in order (from the node's log)."""
    lines = [
        line for line in node.log.splitlines() if "part_started" in line and f'"{name}"' in line
    ]
    return [int(re.search(r'"pid": (\d+)', line)[1]) for line in lines]  # type: ignore[index] - every line has one


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return not Path(f"/proc/{pid}/stat").read_text().split(")")[1].strip().startswith("Z")


@pytest.mark.parametrize("part", ["scp", "analyse", "status"])
def test_a_part_that_is_killed_is_started_again(tmp_path: Path, part: str) -> None:
    """The death of one part is healed by the supervisor; the others go on."""
    with running_node(tmp_path, "") as node:
        first = part_pids(node, part)[0]
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: len(part_pids(node, part)) == 2, f"{part} starts again")
        others = {"scp", "analyse", "deliver", "status"} - {part}
        assert all(len(part_pids(node, other)) == 1 for other in others)


def test_ctrl_c_ends_every_part(tmp_path: Path) -> None:
    """One signal ends all, and the exit code says that it was clean."""
    with running_node(tmp_path, "") as node:
        pids = [
            pid for part in ("scp", "analyse", "deliver", "status") for pid in part_pids(node, part)
        ]
        assert node.stop() == 0
        assert [pid for pid in pids if alive(pid)] == []


def test_a_second_node_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    """It ends at once with exit code 2 and names the first, which goes on undisturbed."""
    with running_node(tmp_path, "") as node:
        command = [sys.executable, "-m", "node.cli", "up", "--config", str(node.config)]
        second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert node.process is not None
        assert second.returncode == 2
        assert f"another node (process {node.process.pid}) runs on {tmp_path}/data" in second.stderr
        assert node.stop() == 0


def test_no_part_outlives_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    """When the supervisor dies without a word, its parts end too: no orphan keeps the port."""
    with running_node(tmp_path, "") as node:
        pids = [
            pid for part in ("scp", "analyse", "deliver", "status") for pid in part_pids(node, part)
        ]
        assert node.process is not None
        node.process.kill()
        node.process.wait()
        wait_for(lambda: not any(alive(pid) for pid in pids), "every part ends", 60)
        assert not any(alive(pid) for pid in pids)
