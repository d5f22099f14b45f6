"""Log lines that are kept: whole, by day, and not for ever."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from node.log import LogBook, about, configure, get, kept_lines
from tests.support.running_node import ROOT

WRITER = """
import sys
from pathlib import Path
from node.log import LogBook
book = LogBook(Path(sys.argv[1]), 14, 256)
for number in range(500):
    book.keep(None, "", {"event": "it_went_on", "who": sys.argv[2], "n": number, "pad": "x" * 900})
"""


def day(ago: int) -> str:
    return f"{datetime.now(UTC) - timedelta(days=ago):%Y-%m-%d}"


def test_lines_of_several_processes_do_not_mix(tmp_path: Path) -> None:
    """Listener, workers and page write one file at once: every line is whole."""
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    writers = [subprocess.Popen([*command, f"p{n}"], cwd=ROOT) for n in range(4)]
    assert [each.wait() for each in writers] == [0] * 4
    lines = [json.loads(text) for p in tmp_path.iterdir() for text in p.read_text().splitlines()]
    assert {(line["who"], line["n"]) for line in lines} == {
        (f"p{n}", number) for n in range(4) for number in range(500)
    }


def test_days_that_are_old_are_deleted_and_nothing_else(tmp_path: Path) -> None:
    """Only files that the book itself wrote."""
    names = [f"{day(20)}.host.jsonl", f"{day(3)}.host.jsonl", "2020-01-01.notes.txt"]
    for name in names:
        (tmp_path / name).touch()
    LogBook(tmp_path, 14, 256).keep(None, "", {"event": "it_began"})
    left = {path.name for path in tmp_path.iterdir()}
    assert names[0] not in left
    assert {names[1], names[2]} < left
    assert len(left) == 3


def test_a_day_takes_no_more_than_it_may(tmp_path: Path) -> None:
    """A fault that is told a million times must not fill the disk."""
    book = LogBook(tmp_path, 14, 0.01)
    for _ in range(100):
        book.keep(None, "", {"event": "it_broke", "pad": "x" * 1000})
    (file,) = tmp_path.iterdir()
    assert 5_000 < file.stat().st_size <= 0.01 * 2**20


def test_a_folder_that_cannot_be_written_stops_no_work(tmp_path: Path) -> None:
    """A line that cannot be kept still goes to standard error."""
    (tmp_path / "logs").touch()
    line = {"event": "it_went_on"}
    assert LogBook(tmp_path / "logs", 14, 256).keep(None, "", line) is line


def test_lines_are_found_by_a_whole_value(tmp_path: Path) -> None:
    """A UID that begins another is not it; what a block is about stands in each of its lines."""
    configure(json=True, book=LogBook(tmp_path, 14, 256))
    try:
        with about(series_instance_uid="1.2.3"):
            get("jobs").info("step_begun")
        get("jobs").info("step_begun", series_instance_uid="1.2.33")
        get("sweep").info("parts_joined", series_instance_uid="1.9", series=["1.2.3"])
    finally:
        structlog.reset_defaults()
    assert [line["event"] for line in kept_lines(tmp_path, ["1.2.3"])] == [
        "step_begun",
        "parts_joined",
    ]
