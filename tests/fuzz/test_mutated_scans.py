"""A small, always the same part of the fuzzing; ``make fuzz`` does the rest."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from multiprocessing import Pipe
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.refusals import RefusalCode
from tests.fuzz import runner
from tests.fuzz.cases import Choices, case, numbered
from tests.fuzz.harness import ACCEPTED, NOTHING, Bench, Outcome, little_memory, quick_folder
from tests.fuzz.part10 import part10
from tests.fuzz.runner import CRASH, answers, replay, told_of, write_crash
from tests.fuzz.seeds import seed

# The layouts and transfer syntaxes that differ most in how they are read.
SOME = (
    "layout: one series, time by time",
    "layout: one series a time point",
    "layout: Enhanced CT, one object a time point",
    "layout: no clock but GE's DeltaStartTime, in milliseconds",
    "syntax: Implicit VR LE",
    "syntax: Explicit VR BE",
    "syntax: Deflated",
    "syntax: RLE",
    "syntax: JPEG-LS",
    "syntax: JPEG Lossless SV1",
    "syntax: JPEG 2000 lossless",
    "Enhanced CT: JPEG 2000",
)
WAYS_OUT = {ACCEPTED, NOTHING, "InstanceUnreadableError", *map(str, RefusalCode)}


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """Where the cases are walked through."""
    with tempfile.TemporaryDirectory(dir=quick_folder()) as folder, little_memory():
        yield Bench.of_seeds(Path(folder), SOME)


@given(data=st.binary(min_size=48, max_size=192))
@settings(max_examples=150, deadline=None, derandomize=True)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_mutated_scan_is_analysed_refused_or_a_fault(bench: Bench, data: bytes) -> None:
    """Whatever happens to headers and files, nothing but a Refusal or a NodeError comes out."""
    assert bench.walk(case(Choices(data), SOME)).verdict in WAYS_OUT


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_first_cases_of_the_long_run_end_in_every_common_way(bench: Bench) -> None:
    """The mutations are neither so mild that all is accepted nor so wild that nothing is read."""
    verdicts = {bench.walk(case(numbered(0, number), SOME)).verdict for number in range(150)}
    assert verdicts <= WAYS_OUT
    assert {ACCEPTED, NOTHING, "not_perfusion", "unreadable_pixels"} <= verdicts


@pytest.mark.parametrize("name", SOME)
def test_a_sound_scan_is_accepted_before_it_is_mutated(bench: Bench, name: str) -> None:
    """A seed that is refused anyway would hide what its mutations do."""
    assert bench.walk([file.encoded for file in seed(name).files]).verdict == ACCEPTED


@pytest.mark.parametrize("name", ["layout: Legacy Converted Enhanced CT", "syntax: RLE"])
def test_a_file_taken_apart_is_the_same_when_put_together(name: str) -> None:
    """The encoder adds nothing of its own: what is wrong with a case was put there."""
    file = seed(name).files[0]
    again = part10(file.encoded)
    assert (again.elements, again.meta) == (file.elements, file.meta)


def test_a_case_is_the_same_each_time() -> None:
    """The number of a run and of a case say all, so that a crash can be had again."""
    assert case(numbered(3, 17), SOME) == case(numbered(3, 17), SOME)
    assert case(numbered(3, 17), SOME) != case(numbered(3, 18), SOME)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_crash_is_seen_and_can_be_replayed(tmp_path: Path) -> None:
    """The harness lets no other exception pass for an outcome, and writes what arrived."""

    def crash() -> Outcome:
        raise ZeroDivisionError("planted")

    outcome, words = told_of(crash)
    assert outcome.verdict == CRASH
    assert words.endswith("crash: ['planted']")
    assert replay(write_crash(tmp_path, 0, 5, words)).verdict in WAYS_OUT


@pytest.mark.parametrize(
    ("program", "limit"),
    [("while True: pass", "_HANGS_AFTER_S"), ("input()", "_STANDS_STILL_AFTER_S")],
    ids=["busy without end", "waiting without end"],
)
def test_a_process_that_says_nothing_is_given_up(
    program: str, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the processor time that it takes; only one that takes none is watched by the clock."""
    ours, theirs = Pipe(duplex=False)
    monkeypatch.setattr(runner, limit, 0.1)
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE) as process:
        try:
            assert not answers(ours, process.pid)
            theirs.send(None)
            assert answers(ours, process.pid)
        finally:
            process.kill()
